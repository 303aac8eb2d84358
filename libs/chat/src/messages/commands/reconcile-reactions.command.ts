import { PrismaService, idsAfter, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { REACTIONS } from '../reactions.js';

/** Number of messages changed in one transaction. */
const BATCH = 200;

/**
 * Removes a banned user from shown reactions, or restores an unbanned one. Each changed message takes a change number,
 * so that `changes` includes it; no event is published. Repeating it changes nothing.
 */
export class ReconcileReactions extends Command<void> {
  constructor(readonly userId: string) {
    super();
  }
}

@CommandHandler(ReconcileReactions)
export class ReconcileReactionsHandler implements ICommandHandler<ReconcileReactions> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId }: ReconcileReactions): Promise<void> {
    let after = idsAfter();
    for (let ids: string[]; (ids = await this.reactedTo(userId, after)).length > 0;) {
      after = ids.at(-1)!;
      await this.prisma.$transaction((tx) => store(tx, userId, ids));
    }
  }

  private async reactedTo(userId: string, after: string): Promise<string[]> {
    const rows = await this.prisma.$queryRaw<{ id: string }[]>`
      SELECT DISTINCT message_id AS id FROM message_reactions
      WHERE user_id = ${userId}::uuid AND message_id > ${after}::uuid ORDER BY message_id LIMIT ${BATCH}`;
    return rows.map(({ id }) => id);
  }
}

async function store(tx: Prisma.TransactionClient, userId: string, messageIds: string[]): Promise<void> {
  await tx.$queryRaw`
    SELECT FROM chats WHERE id IN (SELECT chat_id FROM messages WHERE id = ANY(${messageIds}::uuid[]))
    ORDER BY id FOR NO KEY UPDATE`;
  // A concurrent ban or unban commits only after this.
  await tx.$queryRaw`SELECT FROM users WHERE id = ${userId}::uuid FOR SHARE`;
  await tx.$executeRaw`
    WITH changed AS MATERIALIZED (
      SELECT id, chat_id, now, row_number() OVER (PARTITION BY chat_id ORDER BY seq)::int AS place
      FROM (SELECT m.id, m.chat_id, m.seq, m.reactions, ${REACTIONS} AS now FROM messages m
            WHERE m.id = ANY(${messageIds}::uuid[]) AND m.deleted_at IS NULL) shown
      WHERE now <> reactions
    ), numbered AS (
      UPDATE chats SET change_seq = change_seq + n.count, changed_xid = pg_current_xact_id()
      FROM (SELECT chat_id, count(*)::int AS count FROM changed GROUP BY chat_id) n WHERE chats.id = n.chat_id
    )
    UPDATE messages m SET reactions = changed.now, change_seq = c.change_seq + changed.place
    FROM changed JOIN chats c ON c.id = changed.chat_id WHERE m.id = changed.id`;
}
