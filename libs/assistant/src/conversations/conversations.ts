import type { AssistantEvent, ResumeFrom } from '#contracts';
import { PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Answers } from '../answers/answers.js';
import { started, toHistoryItem } from './conversation.js';
import type { WaitingEvents } from './waiting-events.js';
import { GetAssistantChat } from '../queries/get-assistant-chat.query.js';

const HISTORY = 200;
/** Maximum delay of an answer's log, ms, and how often it is read. */
const LOG_LAG_MS = 200;
const LOG_TRIES = 20;

interface ShownAnswer {
  id: string;
  tokens: string[];
}

/** A device that opens a chat. It is subscribed to the chat before, so that no event is lost. */
export interface OpeningDevice {
  /** The events that were published since. */
  readonly waiting: WaitingEvents;
  /** Sends an event of the history; the next one waits for its promise. */
  sendPast(event: AssistantEvent): void | Promise<void>;
  /** No event waits any more: the device receives the next ones directly. */
  goLive(): void;
}

/** Sends the history and then the live events of a chat to a device that opens it, without gap or repetition. */
@Injectable()
export class Conversations {
  constructor(
    private readonly answers: Answers,
    private readonly prisma: PrismaService,
    private readonly queries: QueryBus,
  ) {}

  /**
   * `resume`: the device has received that answer up to that token.
   * @throws AppError NOT_FOUND (when the user has no such chat)
   */
  async open(
    userId: string,
    chatId: string,
    resume: ResumeFrom | undefined,
    device: OpeningDevice,
  ): Promise<void> {
    const { waiting } = device;
    const live = this.answers.liveIn(chatId) ?? (await this.liveElsewhere(userId, chatId, waiting));
    const chat = await this.queries.execute(new GetAssistantChat(userId, chatId, { limit: HISTORY }));
    const known = new Set(chat.messages.map(({ id }) => id));
    const messages = chat.messages.map(toHistoryItem);
    const resumed = resume && known.has(resume.messageId) ? await this.missed(resume, chat.title) : [];
    const { title, next_cursor: nextCursor } = chat;
    await device.sendPast({ type: 'chat_joined', data: { chatId, messages, title, nextCursor } });
    for (const event of resumed) await device.sendPast(event);
    if (live && !known.has(live.id)) {
      const isResumed = resume?.messageId === live.id;
      if (!isResumed) await device.sendPast(started(live.id));
      for (const event of tokensAfter(live.id, live.tokens, isResumed ? resume.index : -1))
        await device.sendPast(event);
    }
    const isNew = (event: AssistantEvent) =>
      !known.has(messageOf(event) ?? '') &&
      !(event.type === 'assistant_message_start' && event.data.messageId === live?.id);
    for (let event = waiting.shift(); event; event = waiting.shift())
      if (isNew(event)) await device.sendPast(event);
    device.goLive();
  }

  /**
   * Reads an answer that another node generates. Its log is slightly behind its events: it is read until no token is
   * missing between the two.
   */
  private async liveElsewhere(
    userId: string,
    chatId: string,
    waiting: WaitingEvents,
  ): Promise<ShownAnswer | undefined> {
    for (let attempt = 0; attempt < LOG_TRIES; attempt++) {
      const [answer] = await this.prisma.$queryRaw<{ id: string; logged: number }[]>`
        SELECT m.id, COALESCE((SELECT max(index) + 1 FROM assistant_tokens WHERE message_id = m.id), 0) AS logged
        FROM assistant_messages m JOIN assistant_chats c ON c.id = m.chat_id AND c.user_id = ${userId}::uuid
        WHERE m.chat_id = ${chatId}::uuid AND m.status = 'streaming'`;
      if (!answer) return undefined;
      const { id, logged } = answer;
      // Tokens published meanwhile are taken from the log too, so that each is sent once.
      const first = waiting.firstIndexOf(id) ?? (attempt > 0 ? logged : -1);
      if (first >= 0 && first <= logged) {
        const tokens = await this.prisma.assistantToken.findMany({
          where: { messageId: id, index: { lt: first } },
          select: { text: true },
          orderBy: { index: 'asc' },
        });
        // An answer that has just ended has no log any more.
        if (tokens.length === first) return { id, tokens: tokens.map(({ text }) => text) };
      }
      await sleep(LOG_LAG_MS);
    }
    return undefined;
  }

  /** For an ended answer: the tokens that a device has not received, and its end. */
  private async missed({ messageId, index }: ResumeFrom, title: string): Promise<Iterable<AssistantEvent>> {
    const message = await this.prisma.assistantMessage.findUnique({
      where: { id: messageId },
      select: { role: true, content: true, tokenEnds: true, status: true, createdAt: true },
    });
    if (message?.role !== 'assistant') return [];
    const { content, tokenEnds, status, createdAt } = message;
    const tokens = tokenEnds.map((end, i) => content.slice(tokenEnds[i - 1] ?? 0, end));
    const data = { messageId, content, role: 'assistant', timestamp: createdAt.toISOString(), status, title };
    return ended(tokensAfter(messageId, tokens, index), {
      type: 'assistant_message_complete',
      data,
    } as AssistantEvent);
  }
}

function* ended(tokens: Iterable<AssistantEvent>, end: AssistantEvent): Iterable<AssistantEvent> {
  yield* tokens;
  yield end;
}

/** One by one: a long answer has many tokens, and a device may read slowly. */
function* tokensAfter(messageId: string, tokens: string[], last: number): Iterable<AssistantEvent> {
  for (let index = last + 1; index < tokens.length; index++)
    yield { type: 'assistant_message_token', data: { token: tokens[index]!, messageId, index } };
}

const messageOf = ({ data }: AssistantEvent): string | undefined =>
  'messageId' in data ? data.messageId : undefined;
