import { ASSISTANT, Batcher, Metrics, PrismaService, isUniqueViolation, newId } from '#platform';
import { NodeRegistry } from '#realtime';
import { Injectable } from '@nestjs/common';
import { NEW_CHAT, titleFrom, type StoredAnswer } from '../conversations/conversation.js';

/** A user's message that needs an answer. */
export interface Question {
  id: string;
  chatId: string;
  userId: string;
  content: string;
}

/** Shown to the user in place of a failed answer, as older clients expect. */
const APOLOGY = 'Извините, произошла ошибка при обработке вашего сообщения.';
/** Interval of checks of the chats whose answer another process generates, ms. */
const BUSY_MS = 200;
const { atOnce, waiting } = ASSISTANT.answersOfAll.most;
const MAX_QUESTIONS = atOnce + waiting;

/** Stores answers: their start, their end, and the end of answers whose process died. */
@Injectable()
export class AnswerStore {
  /** One statement looks for the chats of all waiting questions. */
  private readonly busy = new Batcher<string, boolean>((chatIds) => this.areBusy(chatIds), {
    maxBatch: MAX_QUESTIONS,
    maxQueued: MAX_QUESTIONS,
    onRefused: () => this.metrics.refuse(ASSISTANT.answersOfAll),
    intervalMs: BUSY_MS,
  });

  constructor(
    private readonly prisma: PrismaService,
    private readonly nodes: NodeRegistry,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Adds an answer to its chat, which has one streaming answer at a time. An earlier answer to the question is
   * replaced.
   * @returns false when the chat is deleted or its user is banned, `busy` when another process generates an answer of the chat
   */
  async begin(id: string, question: Question): Promise<boolean | 'busy'> {
    try {
      return (await this.insert(id, question, 'streaming', '')) > 0;
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      // This answer, if an earlier result was lost.
      return (await this.prisma.assistantMessage.count({ where: { id } })) > 0 || 'busy';
    }
  }

  /** Whether any node is generating an answer of the chat. */
  isChatBusy(chatId: string): Promise<boolean> {
    return this.busy.add(chatId);
  }

  /** @returns undefined when the chat is deleted */
  async end(
    id: string,
    question: Question,
    status: 'complete' | 'stopped' | 'interrupted',
    tokens: string[],
  ): Promise<StoredAnswer | undefined> {
    return this.prisma.$transaction(async (tx) => {
      const { count } = await tx.assistantMessage.updateMany({
        where: { id },
        data: { status, content: tokens.join(''), tokenEnds: endsOf(tokens) },
      });
      if (count === 0) return undefined;
      await tx.assistantToken.deleteMany({ where: { messageId: id } });
      return this.read(tx, id, await this.touch(tx, question));
    });
  }

  /**
   * Stores the partial text of a failed answer, and adds an apology. @returns the apology; undefined when the chat is
   * deleted or its user is banned
   */
  async fail(id: string, question: Question, tokens: string[]): Promise<StoredAnswer | undefined> {
    return this.prisma.$transaction(async (tx) => {
      if (tokens.length > 0)
        await tx.assistantMessage.updateMany({
          where: { id },
          data: { status: 'failed', content: tokens.join(''), tokenEnds: endsOf(tokens) },
        });
      else await tx.assistantMessage.deleteMany({ where: { id } });
      await tx.assistantToken.deleteMany({ where: { messageId: id } });
      const apology = newId();
      if ((await this.insert(apology, question, 'apology', APOLOGY, tx)) === 0) return undefined;
      return this.read(tx, apology, await this.touch(tx, question));
    });
  }

  /** Whether any node is generating an answer to the question. */
  async isBusy(chatId: string, replyTo: string): Promise<boolean> {
    return (
      (await this.prisma.assistantMessage.count({ where: { chatId, replyTo, status: 'streaming' } })) > 0
    );
  }

  /** Ends the answers of a dead process; their stored parts are kept. */
  async interruptDead(): Promise<void> {
    const producers = await this.prisma.assistantMessage.findMany({
      where: { status: 'streaming' },
      select: { producedBy: true },
      distinct: ['producedBy'],
    });
    const dead = await this.nodes.dead(producers.map(({ producedBy }) => producedBy!));
    if (dead.length === 0) return;
    const interrupted = await this.prisma.assistantMessage.findMany({
      where: { status: 'streaming', producedBy: { in: dead } },
      select: {
        id: true,
        chatId: true,
        replyTo: true,
        tokens: { select: { index: true, text: true }, orderBy: { index: 'asc' } },
      },
    });
    for (const { id, chatId, replyTo, tokens } of interrupted) {
      // Tokens not logged while the database was unavailable leave a gap: text after it would be wrong.
      const gap = tokens.findIndex(({ index }, i) => index !== i);
      const texts = tokens.slice(0, gap < 0 ? undefined : gap).map(({ text }) => text);
      await this.prisma.$transaction(async (tx) => {
        const { count } = await tx.assistantMessage.updateMany({
          where: { id, status: 'streaming' },
          data: { status: 'interrupted', content: texts.join(''), tokenEnds: endsOf(texts) },
        });
        await tx.assistantToken.deleteMany({ where: { messageId: id } });
        if (count === 0) return;
        const { content } = await tx.assistantMessage.findUniqueOrThrow({ where: { id: replyTo! } });
        await this.touch(tx, { chatId, content });
      });
    }
  }

  private async areBusy(chatIds: string[]): Promise<boolean[]> {
    const streaming = await this.prisma.assistantMessage.findMany({
      where: { chatId: { in: chatIds }, status: 'streaming' },
      select: { chatId: true },
    });
    const busy = new Set(streaming.map(({ chatId }) => chatId));
    return chatIds.map((chatId) => busy.has(chatId));
  }

  private insert(
    id: string,
    { id: questionId, chatId }: Question,
    status: 'streaming' | 'apology',
    content: string,
    tx: Pick<PrismaService, '$executeRaw'> = this.prisma,
  ): Promise<number> {
    return tx.$executeRaw`
      WITH chat AS (
        UPDATE assistant_chats SET last_seq = last_seq + 1 WHERE id = ${chatId}::uuid
          AND EXISTS (SELECT FROM users WHERE id = user_id AND banned_at IS NULL) RETURNING last_seq
      ), earlier AS (
        UPDATE assistant_messages SET status = 'replaced'
        WHERE chat_id = ${chatId}::uuid AND reply_to = ${questionId}::uuid AND ${status} = 'streaming'
          AND status <> 'streaming' AND EXISTS (SELECT FROM chat)
      )
      INSERT INTO assistant_messages (id, chat_id, seq, role, status, content, reply_to, produced_by)
      SELECT ${id}::uuid, ${chatId}::uuid, last_seq, 'assistant', ${status}::assistant_status, ${content}, ${questionId}::uuid,
        ${this.nodes.id}::uuid
      FROM chat`;
  }

  /** Updates the chat's activity, and its title after the first exchange. */
  private async touch(
    tx: Transaction,
    { chatId, content }: Pick<Question, 'chatId' | 'content'>,
  ): Promise<string> {
    const title = titleFrom(content);
    const [chat] = await tx.$queryRaw<{ title: string }[]>`
      UPDATE assistant_chats SET updated_at = now(), title = CASE WHEN title = ${NEW_CHAT} THEN ${title} ELSE title END
      WHERE id = ${chatId}::uuid RETURNING title`;
    return chat!.title;
  }

  private async read(tx: Transaction, id: string, title: string): Promise<StoredAnswer> {
    const { content, createdAt } = await tx.assistantMessage.findUniqueOrThrow({ where: { id } });
    return { id, content, createdAt, title };
  }
}

type Transaction = Pick<PrismaService, '$queryRaw' | '$executeRaw' | 'assistantMessage' | 'assistantToken'>;

/** The end of each token in the joined text. */
function endsOf(tokens: string[]): number[] {
  let end = 0;
  return tokens.map((token) => (end += token.length));
}
