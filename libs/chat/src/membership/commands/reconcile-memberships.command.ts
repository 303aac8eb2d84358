import { MAX_MEMBERS } from '#contracts';
import { Prisma, PrismaService, idsAfter } from '#platform';
import { EventPublisher, chatTopic, subscriptionVersion, type SubscriptionVersion } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ChatUpdatePublisher } from '../../conversations/chat-update-publisher.js';
import { settleOwners } from '../group-owners.js';

/** Number of chats changed under one lock. */
const BATCH = 50;

/**
 * Makes a user's memberships consistent with their ban status. A banned user leaves their groups. After an unban they
 * return with their read cursors and roles, if the group is not full; messages sent meanwhile are unread. Direct chats
 * are closed or opened. Repeating it changes nothing.
 */
export class ReconcileMemberships extends Command<void> {
  constructor(readonly userId: string) {
    super();
  }
}

/** SQL condition on a direct chat `c`: one of its two members is banned. */
const ONE_IS_BANNED = Prisma.raw(`EXISTS (
  SELECT FROM chat_members d JOIN users b ON b.id = d.user_id
  WHERE d.chat_id = c.id AND b.banned_at IS NOT NULL)`);

/** The changed chats. */
interface Changed {
  /** Groups that the user has left, or could not return to because they are full. */
  left: string[];
  back: string[];
  direct: string[];
  version: SubscriptionVersion;
}

@CommandHandler(ReconcileMemberships)
export class ReconcileMembershipsHandler implements ICommandHandler<ReconcileMemberships> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
    private readonly updates: ChatUpdatePublisher,
  ) {}

  async execute({ userId }: ReconcileMemberships): Promise<void> {
    let after = idsAfter();
    for (let chatIds: string[]; (chatIds = await this.outOfLine(userId, after)).length > 0;) {
      after = chatIds.at(-1)!;
      const { left, back, direct, version } = await this.publisher.changeSubscriptions((name) => {
        name({ topics: chatIds.map(chatTopic), userIds: [userId] });
        return this.prisma.$transaction((tx) => store(tx, userId, chatIds));
      });
      for (const [chatIds, member] of [
        [left, false],
        [back, true],
      ] as const)
        for (const chatId of chatIds)
          this.publisher.subscriptionsChanged(chatTopic(chatId), [userId], { ...version, member });
      for (const chatId of [...left, ...direct]) await this.updates.publish(chatId);
      for (const chatId of back) await this.updates.publish(chatId, [userId]);
    }
  }

  private async outOfLine(userId: string, after: string): Promise<string[]> {
    const rows = await this.prisma.$queryRaw<{ id: string }[]>`
      SELECT c.id FROM chat_members p JOIN chats c ON c.id = p.chat_id JOIN users u ON u.id = p.user_id
      WHERE p.user_id = ${userId}::uuid AND (p.left_at IS NULL OR p.left_by_ban) AND c.id > ${after}::uuid
        AND CASE WHEN c.type = 'direct' THEN c.gone <> ${ONE_IS_BANNED}
                 WHEN u.banned_at IS NULL THEN p.left_by_ban ELSE p.left_at IS NULL END
      ORDER BY c.id LIMIT ${BATCH}`;
    return rows.map(({ id }) => id);
  }
}

async function store(tx: Prisma.TransactionClient, userId: string, chatIds: string[]): Promise<Changed> {
  await tx.$queryRaw`SELECT FROM chats WHERE id = ANY(${chatIds}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
  // A concurrent ban or unban commits only after this.
  const [user] = await tx.$queryRaw<{ banned: boolean }[]>`
    SELECT banned_at IS NOT NULL AS banned FROM users WHERE id = ${userId}::uuid FOR SHARE`;
  const left = user?.banned ? await leave(tx, userId, chatIds) : [];
  const back = user?.banned ? [] : await comeBack(tx, userId, chatIds);
  await settleOwners(tx, [...left, ...back]);
  const late = user?.banned ? [] : await stayAway(tx, userId, chatIds);
  const direct = await tx.$queryRaw<{ id: string }[]>`
    UPDATE chats c SET gone = NOT gone, change_seq = change_seq + 1, changed_xid = pg_current_xact_id()
    WHERE id = ANY(${chatIds}::uuid[]) AND type = 'direct' AND gone <> ${ONE_IS_BANNED}
    RETURNING id`;
  return {
    left: [...left, ...late],
    back,
    direct: direct.map(({ id }) => id),
    version: await subscriptionVersion(tx),
  };
}

const idsOf = (rows: { id: string }[]) => rows.map(({ id }) => id);

async function leave(tx: Prisma.TransactionClient, userId: string, chatIds: string[]): Promise<string[]> {
  return idsOf(
    await tx.$queryRaw<{ id: string }[]>`
    WITH gone AS (
      UPDATE chat_members p SET left_at = now(), left_seq = c.last_seq, left_change_seq = c.change_seq, left_by_ban = true, changed_xid = pg_current_xact_id()
      FROM chats c WHERE c.id = p.chat_id AND c.id = ANY(${chatIds}::uuid[]) AND c.type = 'group'
        AND p.user_id = ${userId}::uuid AND p.left_at IS NULL
      RETURNING p.chat_id
    )
    UPDATE chats c SET member_count = member_count - 1, change_seq = change_seq + 1, changed_xid = pg_current_xact_id()
    FROM gone WHERE c.id = gone.chat_id RETURNING c.id`,
  );
}

/** The restored read cursors take the chat's change number, so that `changes` includes them. */
async function comeBack(tx: Prisma.TransactionClient, userId: string, chatIds: string[]): Promise<string[]> {
  return idsOf(
    await tx.$queryRaw<{ id: string }[]>`
    WITH back AS (
      UPDATE chat_members p SET left_at = NULL, left_seq = NULL, left_change_seq = NULL, left_by_ban = false,
        change_seq = c.change_seq + 1, changed_xid = pg_current_xact_id()
      FROM chats c WHERE c.id = p.chat_id AND c.id = ANY(${chatIds}::uuid[]) AND c.member_count < ${MAX_MEMBERS}
        AND p.user_id = ${userId}::uuid AND p.left_by_ban
      RETURNING p.chat_id
    )
    UPDATE chats c SET member_count = member_count + 1, change_seq = change_seq + 1, changed_xid = pg_current_xact_id()
    FROM back WHERE c.id = back.chat_id RETURNING c.id`,
  );
}

/** The remaining groups are full. */
async function stayAway(tx: Prisma.TransactionClient, userId: string, chatIds: string[]): Promise<string[]> {
  return idsOf(
    await tx.$queryRaw<{ id: string }[]>`
    UPDATE chat_members SET left_by_ban = false, role = 'member', changed_xid = pg_current_xact_id()
    WHERE chat_id = ANY(${chatIds}::uuid[]) AND user_id = ${userId}::uuid AND left_by_ban
    RETURNING chat_id AS id`,
  );
}
