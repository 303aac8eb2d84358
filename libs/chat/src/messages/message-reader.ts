import type { MessageDto, MessagePage } from '#contracts';
import { LargePages, PAGE_BYTES, Prisma, PrismaService, withinPage } from '#platform';
import { Injectable } from '@nestjs/common';
import { asLeft, messagesOfPage, toMessage, type MessageRow, type PageRow } from './message-wire.js';
import { shownCursorsOf, statusFrom, uuid, type ShownCursors } from '../receipts/shown-cursors.js';

/** A member of a chat, or a former member, who sees the messages as of the end of the membership. */
interface Viewer {
  userId: string;
  chatId: string;
  left?: boolean;
  left_change_seq?: number | null;
}

interface Page extends Viewer {
  where: Prisma.Sql;
  /** A column of `messages m` that is unique in the page, and the direction. */
  order: Prisma.Sql;
  limit: number;
  cursorAfter: (last: MessageDto) => string;
  /** Reads the messages and the cursors at the same moment, which takes longer. */
  asOfOneMoment?: boolean;
}

/** Reads messages of one chat as a viewer sees them. */
@Injectable()
export class MessageReader {
  constructor(
    private readonly prisma: PrismaService,
    private readonly large: LargePages,
  ) {}

  async present(viewer: Viewer, rows: MessageRow[]): Promise<MessageDto[]> {
    return rows.length > 0 ? presented(viewer, rows, await this.cursors(viewer)) : [];
  }

  /** @returns the page, and the cursors of the chat's members */
  async page(wanted: Page): Promise<{ page: MessagePage; cursors: ShownCursors[] }> {
    const { userId, chatId, where, order, limit, cursorAfter, asOfOneMoment } = wanted;
    const inChat = Prisma.sql`m.chat_id = ${chatId}::uuid AND ${where}`;
    const [rows, cursors] = await this.large.read(
      userId,
      (bytes) => {
        const page = messagesOfPage(uuid(userId), inChat, order, limit, bytes);
        const reads = [this.prisma.$queryRaw<PageRow[]>`${page}`, this.cursors(wanted)] as const;
        return asOfOneMoment
          ? this.prisma.$transaction([...reads], { isolationLevel: 'RepeatableRead' })
          : Promise.all(reads);
      },
      ([newest]) => bytesOf(newest),
    );
    const items = presented(wanted, rows.slice(0, limit), cursors);
    const isLast = rows.length <= limit && bytesOf(rows) <= PAGE_BYTES;
    const page = { items, next_cursor: isLast ? null : cursorAfter(items.at(-1)!) };
    return { page: withinPage(page, cursorAfter), cursors };
  }

  private cursors({ userId, chatId }: Viewer): Prisma.PrismaPromise<ShownCursors[]> {
    return this.prisma.$queryRaw`${shownCursorsOf(chatId, userId)}`;
  }
}

const bytesOf = (rows: PageRow[]): number => rows.at(-1)?.bytes ?? 0;

function presented(
  { left, left_change_seq = null }: Viewer,
  rows: MessageRow[],
  cursors: ShownCursors[],
): MessageDto[] {
  const status = statusFrom(left ? [] : cursors);
  return rows.map((row) => toMessage(asLeft(row, left_change_seq), status(row)));
}
