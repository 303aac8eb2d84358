import { AppError, type ChatDto, type CreateChatBody } from '#contracts';
import { Blocks, pairKey, Pairs, Reach, requirePresent, noSuchUser } from '#identity';
import { PrismaService, newId, type Prisma } from '#platform';
import {
  EventPublisher,
  chatTopic,
  subscriptionVersion,
  type SubscriptionVersion,
  userTopic,
} from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ChatUpdatePublisher } from '../chat-update-publisher.js';
import { ChatViews } from '../chat-views.js';
import {
  requireGroupAccepted,
  requireMessageAccepted,
  requireBelowGroupLimit,
} from '../../membership/consent.js';

/**
 * Creates a group, or finds or creates a direct chat; concurrent requests create one chat. The other user sees a direct
 * chat after its first message, or when they open it too.
 * @throws AppError INVALID_DATA (names `participant_ids`), NOT_FOUND (when a participant is unknown, banned or
 *   blocked), FORBIDDEN (when a participant does not accept it), CONFLICT (when a participant is in too many groups),
 *   RATE_LIMIT (per day)
 */
export class CreateChat extends Command<{ chat: ChatDto; created: boolean }> {
  constructor(
    readonly creatorId: string,
    readonly body: CreateChatBody,
  ) {
    super();
  }
}

interface Opened {
  id: string;
  /** Set when the chat is new. */
  created?: SubscriptionVersion;
  /** True when the chat existed, and is in the creator's list from now on. */
  opened: boolean;
}

@CommandHandler(CreateChat)
export class CreateChatHandler implements ICommandHandler<CreateChat> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly pairs: Pairs,
    private readonly blocks: Blocks,
    private readonly updates: ChatUpdatePublisher,
    private readonly views: ChatViews,
    private readonly publisher: EventPublisher,
    private readonly reach: Reach,
  ) {}

  async execute({ creatorId, body }: CreateChat): Promise<{ chat: ChatDto; created: boolean }> {
    const otherIds = [...new Set(body.participant_ids.map((id) => id.toLowerCase()))].filter(
      (id) => id !== creatorId,
    );
    const isDirect = body.type === 'direct';
    if (otherIds.length === 0 || (isDirect && otherIds.length !== 1))
      throw AppError.invalid(
        'participant_ids',
        'must name one user for a direct chat, at least one for a group',
      );
    const members = [creatorId, ...otherIds];
    const newChatId = newId();
    const { id, created, opened } = await this.publisher.changeSubscriptions((name) => {
      const decided = () => name({ topics: [chatTopic(newChatId)], userIds: members });
      return isDirect
        ? this.openDirect(newChatId, creatorId, otherIds[0]!, decided)
        : this.createGroup(newChatId, creatorId, otherIds, body.title ?? null, decided);
    });
    if (created) {
      this.publisher.subscriptionsChanged(chatTopic(id), members, { ...created, member: true });
      // The other user receives a direct chat when they open it too.
      await this.updates.publishCreated(id, isDirect ? [creatorId] : members);
    }
    const [chat] = await this.views.of(creatorId, id);
    if (created && isDirect) this.publisher.publishOpened(members, chat!);
    if (opened) this.publisher.publish(userTopic(creatorId), 'chat:created', chat!);
    return { chat: chat!, created: created !== undefined };
  }

  /** Opening an existing chat takes no lock of the pair and counts for no limit. */
  private async openDirect(
    id: string,
    creatorId: string,
    otherId: string,
    decided: () => void,
  ): Promise<Opened> {
    const known = await this.openKnown(this.prisma, creatorId, otherId);
    if (known) return known;
    await this.reach.take('directChat', creatorId);
    // A concurrent block waits until the chat exists, and then closes it.
    return this.pairs.change(creatorId, otherId, async (tx) => {
      const made = await this.openKnown(tx, creatorId, otherId);
      if (made) return made;
      await requireMessageAccepted(tx, creatorId, otherId);
      decided();
      await tx.$executeRaw`
        INSERT INTO chats (id, type, direct_key, member_count)
        VALUES (${id}::uuid, 'direct', ${pairKey(creatorId, otherId)}, 2)`;
      await tx.$executeRaw`
        INSERT INTO chat_members (chat_id, user_id, opened)
        VALUES (${id}::uuid, ${creatorId}::uuid, true), (${id}::uuid, ${otherId}::uuid, false)`;
      return { id, created: await subscriptionVersion(tx), opened: false };
    });
  }

  /** @throws AppError NOT_FOUND (when the other user is unknown, banned or blocked) */
  private async openKnown(
    db: Prisma.TransactionClient,
    creatorId: string,
    otherId: string,
  ): Promise<Opened | undefined> {
    await requirePresent(db, [creatorId, otherId]);
    if (await this.blocks.areBetween(creatorId, otherId, db)) throw noSuchUser();
    const directKey = pairKey(creatorId, otherId);
    const chat = await db.chat.findUnique({ where: { directKey }, select: { id: true } });
    if (!chat) return undefined;
    // A chat with a message is in the creator's list already.
    const opened = await db.$executeRaw`
      UPDATE chat_members SET opened = true, changed_xid = pg_current_xact_id()
      WHERE chat_id = ${chat.id}::uuid AND user_id = ${creatorId}::uuid AND NOT opened
        AND NOT EXISTS (SELECT FROM chats WHERE id = ${chat.id}::uuid AND last_seq > 0)`;
    return { id: chat.id, opened: opened > 0 };
  }

  private async createGroup(
    id: string,
    creatorId: string,
    otherIds: string[],
    title: string | null,
    decided: () => void,
  ): Promise<Opened> {
    await this.reach.take('group', creatorId);
    await this.reach.take('groupAdd', creatorId, otherIds.length);
    const members = [creatorId, ...otherIds];
    const created = await this.prisma.$transaction(async (tx) => {
      await requirePresent(tx, members);
      if (await this.blocks.areBetween(creatorId, otherIds, tx)) throw noSuchUser();
      await requireGroupAccepted(tx, creatorId, id, otherIds, 'participant_ids');
      const strangers = await requireBelowGroupLimit(tx, creatorId, members, 'participant_ids');
      decided();
      await tx.$executeRaw`
        INSERT INTO chats (id, type, title, member_count)
        VALUES (${id}::uuid, 'group', ${title}, ${members.length})`;
      await tx.$executeRaw`
        INSERT INTO chat_members (chat_id, user_id, role, added_by)
        SELECT ${id}::uuid, id, (CASE WHEN id = ${creatorId}::uuid THEN 'owner' ELSE 'member' END)::member_role,
          CASE WHEN id = ANY(${strangers}::uuid[]) THEN ${creatorId}::uuid END
        FROM unnest(${members}::uuid[]) AS m(id)`;
      return subscriptionVersion(tx);
    });
    return { id, created, opened: false };
  }
}
