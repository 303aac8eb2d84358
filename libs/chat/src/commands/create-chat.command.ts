import { AppError, chatRoom, type ChatDto, type CreateChatBody } from '#contracts';
import { Blocks, Pairs, Reach, requirePresent } from '#identity';
import { PrismaService, RealtimeEmitter, newId, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ChatNews } from '../chat-news.js';
import { ChatViews } from '../chat-views.js';
import { requireGroupAccepted, requireMessageAccepted, requireRoomForGroup } from '../consent.js';
import { noSuchUser } from '../membership.js';

/**
 * A group is made; a direct chat is found, or made once however many ask at the same time. The other side sees a direct chat
 * when something is said in it, or when they open it, too.
 * @throws AppError INVALID_DATA naming participant_ids; NOT_FOUND when one of them does not exist, is banned, or a block is between
 *   them and the creator; FORBIDDEN when one of them does not accept it; CONFLICT when one is in too many groups; RATE_LIMIT (of a
 *   day)
 */
export class CreateChat extends Command<{ chat: ChatDto; created: boolean }> {
  constructor(
    readonly creatorId: string,
    readonly body: CreateChatBody,
  ) {
    super();
  }
}

@CommandHandler(CreateChat)
export class CreateChatHandler implements ICommandHandler<CreateChat> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly pairs: Pairs,
    private readonly blocks: Blocks,
    private readonly news: ChatNews,
    private readonly views: ChatViews,
    private readonly emitter: RealtimeEmitter,
    private readonly reach: Reach,
  ) {}

  async execute({ creatorId, body }: CreateChat): Promise<{ chat: ChatDto; created: boolean }> {
    const others = [...new Set(body.participant_ids.map((id) => id.toLowerCase()))].filter(
      (id) => id !== creatorId,
    );
    if (others.length === 0 || (body.type === 'direct' && others.length !== 1))
      throw AppError.invalid(
        'participant_ids',
        'a direct chat has one other participant, a group at least one',
      );
    const members = [creatorId, ...others];
    const directKey = body.type === 'direct' ? [...members].sort().join(':') : null;
    const store = (tx: Prisma.TransactionClient) => this.store(tx, members, directKey, body.title);
    // A block that comes meanwhile waits until the chat is there for it to close.
    const { id, created, opened } = await (directKey
      ? this.pairs.change(creatorId, others[0]!, store)
      : this.prisma.$transaction(store));
    if (created) {
      this.emitter.moved(chatRoom(id), ...members);
      await this.news.welcome(id, members);
    }
    const [chat] = await this.views.of(creatorId, id);
    if (created && directKey) this.emitter.chatOpened(members, chat!);
    if (opened) this.emitter.toUser(creatorId, 'chat:created', chat!);
    return { chat: chat!, created };
  }

  private async store(
    tx: Prisma.TransactionClient,
    members: string[],
    directKey: string | null,
    title?: string,
  ) {
    const [creatorId, ...others] = members as [string, ...string[]];
    await requirePresent(tx, members);
    if (await this.blocks.areBetween(creatorId, others, tx)) throw noSuchUser();
    const id = newId();
    const inserted = await tx.$executeRaw`
      INSERT INTO chats (id, type, title, direct_key, member_count)
      VALUES (${id}::uuid, ${directKey ? 'direct' : 'group'}::chat_type, ${directKey ? null : (title ?? null)},
        ${directKey}, ${members.length})
      ON CONFLICT (direct_key) DO NOTHING`;
    if (inserted > 0) {
      await this.reach.take(tx, directKey ? 'directChat' : 'group', creatorId);
      if (directKey) await requireMessageAccepted(tx, creatorId, others[0]!);
      else {
        await requireGroupAccepted(tx, creatorId, id, others, 'participant_ids');
        await requireRoomForGroup(tx, members, 'participant_ids');
        await this.reach.take(tx, 'groupAdd', creatorId, others.length);
      }
    } else {
      const chat = await tx.chat.findUniqueOrThrow({
        where: { directKey: directKey! },
        select: { id: true },
      });
      // With a message, the chat is in the creator's list already.
      const opened = await tx.$executeRaw`
        UPDATE chat_members SET opened = true, changed_xid = pg_current_xact_id()
        WHERE chat_id = ${chat.id}::uuid AND user_id = ${creatorId}::uuid AND NOT opened
          AND NOT EXISTS (SELECT FROM chats WHERE id = ${chat.id}::uuid AND last_seq > 0)`;
      return { id: chat.id, created: false, opened: opened > 0 };
    }
    await tx.$executeRaw`
      INSERT INTO chat_members (chat_id, user_id, opened, role)
      SELECT ${id}::uuid, id, id = ${members[0]}::uuid OR ${!directKey}, (CASE WHEN id = ${members[0]}::uuid AND ${!directKey} THEN 'owner' ELSE 'member' END)::member_role
      FROM users WHERE id = ANY(${members}::uuid[])`;
    return { id, created: true, opened: false };
  }
}
