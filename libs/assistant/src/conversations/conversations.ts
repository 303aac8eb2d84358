import type { AssistantEvent, ResumeFrom } from '#contracts';
import { SOCKETS, PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AnswerFeed } from '../answers/answer-feed.js';
import { Answers } from '../answers/answers.js';
import { started, toHistoryItem } from './conversation.js';
import { GetAssistantChat } from '../queries/get-assistant-chat.query.js';

const HISTORY = 200;
/** Maximum delay of an answer's log, ms, and how often it is read. */
const LOG_LAG_MS = 200;
const LOG_TRIES = 20;
/** Limit of characters of live events that wait while a chat opens. */
const { most: MAX_WAITING } = SOCKETS.assistantUnread;

interface LiveAnswer {
  id: string;
  tokens: string[];
}

/** A device that opens a chat. */
interface Device {
  /** Sends an event of the history; the next one waits for its promise. */
  sendPast(event: AssistantEvent): void | Promise<void>;
  /** Sends a live event. */
  send(event: AssistantEvent): void;
  /** Disconnects a device that reads too slowly. */
  disconnect(): void;
}

/** Sends the history and then the live events of a chat to a device that opens it, without gap or repetition. */
@Injectable()
export class Conversations {
  constructor(
    private readonly answers: Answers,
    private readonly feed: AnswerFeed,
    private readonly prisma: PrismaService,
    private readonly queries: QueryBus,
  ) {}

  /**
   * `resume`: the device has received that answer up to that token.
   * @returns a function that closes the chat
   * @throws AppError NOT_FOUND (when the user has no such chat)
   */
  async open(
    userId: string,
    chatId: string,
    resume: ResumeFrom | undefined,
    device: Device,
  ): Promise<() => void> {
    // Events wait while the history is read and sent. Listening begins before the read, so that no event is lost.
    let waiting: AssistantEvent[] | undefined = [];
    let characters = 0;
    const close = this.feed.listen(chatId, (event) => {
      if (!waiting) return device.send(event);
      waiting.push(event);
      characters += lengthOf(event);
      if (characters <= MAX_WAITING) return;
      close();
      waiting.length = 0;
      device.disconnect();
    });
    const here = this.answers.liveIn(chatId);
    try {
      const live = here ?? (await this.liveElsewhere(userId, chatId, waiting));
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
      for (let event = waiting.shift(); event; event = waiting.shift()) {
        characters -= lengthOf(event);
        if (isNew(event)) await device.sendPast(event);
      }
      waiting = undefined;
      return close;
    } catch (error) {
      close();
      throw error;
    }
  }

  /**
   * Reads an answer that another node generates. Its log is slightly behind its events: it is read until no token is
   * missing between the two.
   */
  private async liveElsewhere(
    userId: string,
    chatId: string,
    waiting: AssistantEvent[],
  ): Promise<LiveAnswer | undefined> {
    for (let attempt = 0; attempt < LOG_TRIES; attempt++) {
      const [answer] = await this.prisma.$queryRaw<{ id: string; logged: number }[]>`
        SELECT m.id, COALESCE((SELECT max(index) + 1 FROM assistant_tokens WHERE message_id = m.id), 0) AS logged
        FROM assistant_messages m JOIN assistant_chats c ON c.id = m.chat_id AND c.user_id = ${userId}::uuid
        WHERE m.chat_id = ${chatId}::uuid AND m.status = 'streaming'`;
      if (!answer) return undefined;
      const { id, logged } = answer;
      // Tokens published meanwhile are taken from the log too, so that each is sent once.
      const first = firstIndexOf(id, waiting) ?? (attempt > 0 ? logged : -1);
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

/** The first token of the answer among the waiting events. */
function firstIndexOf(messageId: string, waiting: AssistantEvent[]): number | undefined {
  for (const { type, data } of waiting)
    if (type === 'assistant_message_token' && data.messageId === messageId) return data.index;
  return undefined;
}

const lengthOf = (event: AssistantEvent): number => JSON.stringify(event).length;

const messageOf = ({ data }: AssistantEvent): string | undefined =>
  'messageId' in data ? data.messageId : undefined;
