import type { REPORT_KINDS } from '#contracts';
import { GetMessage, noSuchMessage } from '#chat';
import { GetUser } from '#identity';
import { GetService } from '#marketplace';
import { GetComment, GetPost } from '#social';
import { Injectable } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';

interface ReportTarget {
  /** The reported user, or the author of the reported content. */
  againstId: string;
  /**
   * Stored with the report, so that an admin sees the original even if it was changed or deleted, or is in a private
   * chat.
   */
  content: string | null;
}

type Kind = (typeof REPORT_KINDS)[number];

/**
 * Finds report targets by the queries that show them. A block between reporter and author does not prevent a report:
 * public content is looked up without blocks. Only members of its chat can report a message, and former members as far
 * as they can read it.
 */
@Injectable()
export class ReportTargets {
  private readonly finders: Record<Kind, (readerId: string, id: string) => Promise<ReportTarget>>;

  constructor(queries: QueryBus) {
    this.finders = {
      user: async (_, id) => {
        await queries.execute(new GetUser(id, null));
        return { againstId: id, content: null };
      },
      post: async (_, id) => {
        const { author, content, media_urls } = await queries.execute(new GetPost(null, id));
        return { againstId: author.id, content: lines(content, ...media_urls) };
      },
      comment: async (_, id) => {
        const { author_id, content } = await queries.execute(new GetComment(null, id));
        return { againstId: author_id, content };
      },
      message: async (readerId, id) => {
        const { sender_id, content, deleted_at } = await queries.execute(new GetMessage(readerId, id));
        if (deleted_at) throw noSuchMessage();
        return { againstId: sender_id, content };
      },
      service: async (_, id) => {
        const { master, name, description } = await queries.execute(new GetService(null, id));
        return { againstId: master.id, content: lines(name, description) };
      },
    };
  }

  /** @throws AppError NOT_FOUND, FORBIDDEN (for a message that the reporter may not read) */
  find(reporterId: string, kind: Kind, id: string): Promise<ReportTarget> {
    return this.finders[kind](reporterId, id);
  }
}

const lines = (...parts: (string | null)[]): string => parts.filter(Boolean).join('\n');
