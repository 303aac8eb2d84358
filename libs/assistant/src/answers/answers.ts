import type { AssistantEvent } from '#contracts';
import { ASSISTANT, Metrics, RealtimeEmitter, isDatabaseUnavailable, logger, newId } from '#platform';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { AnswerFeed } from './answer-feed.js';
import { AnswerLog } from './answer-log.js';
import { AnswerQueue } from './answer-queue.js';
import { AnswerStore, type Question, type StoredAnswer } from './answer-store.js';
import { started } from '../conversations/conversation.js';
import { isVisible } from '../model/model-turn.js';
import { Model, reasonOf } from '../model/model.js';
import { OverBudget } from '../model/over-budget.js';
import { OVER_LIMIT, Prompts } from '../model/prompt.js';
import { Tools } from '../tools/tools.js';
import { Zones } from '../tools/zones.js';

/** How long the database is given to come back, ms, each time. */
const STORE_RETRY_MS = 1000;

/** How often a chat is looked at whose answer another node is producing, ms. */
const BUSY_MS = 100;
/** How often it is looked for answers whose node has died, ms. */
const DEAD_MS = 10_000;

/** An answer that is being produced. */
interface LiveAnswer {
  id: string;
  questionId: string;
  tokens: string[];
  /** Half of a character, which waits for its other half. */
  half: string;
  ended: AbortController;
  isShown: boolean;
  /** It is stored, or lost. */
  over?: Promise<void>;
}

/**
 * Answers are produced here, once, whether or not anybody is connected: told to the chat's feed token by token, logged
 * as they grow, and stored when they are whole. Questions of one chat are answered in turn.
 */
@Injectable()
export class Answers implements OnModuleInit, OnModuleDestroy {
  /** How long an answer may take from its first question to the model on, ms, whatever it looks up meanwhile. */
  answerMs: number = ASSISTANT.answerTime.most;
  private readonly live = new Map<string, LiveAnswer>();
  /** Questions whose turn has not come. */
  private readonly waiting = new Set<string>();
  /** What was being answered when the last process died has been ended. */
  private recovered?: Promise<void>;
  private isClosing = false;
  private lookForDead?: NodeJS.Timeout;

  constructor(
    private readonly emitter: RealtimeEmitter,
    private readonly feed: AnswerFeed,
    private readonly log: AnswerLog,
    private readonly queue: AnswerQueue,
    private readonly store: AnswerStore,
    private readonly model: Model,
    private readonly prompts: Prompts,
    private readonly tools: Tools,
    private readonly zones: Zones,
    private readonly metrics: Metrics,
  ) {}

  /** A database that is away does not keep the program from starting; nothing is answered before it is back. */
  onModuleInit(): void {
    this.recovered = this.retryWhileDatabaseDown(() => this.store.interruptDead());
    this.recovered.catch(logWarning);
    this.lookForDead = setInterval(() => void this.store.interruptDead().catch(logWarning), DEAD_MS).unref();
  }

  /** What is being answered now is cut short, and marked so. */
  async onModuleDestroy(): Promise<void> {
    this.isClosing = true;
    clearInterval(this.lookForDead);
    for (const { ended } of this.live.values()) ended.abort('interrupted');
    await this.queue.drain();
  }

  /**
   * For one question more.
   * @throws AppError RATE_LIMIT, UNAVAILABLE
   */
  requireRoom(userId: string): void {
    this.queue.requireRoom(userId);
  }

  /** Answers a question after those that were asked before it. */
  enqueue(question: Question): void {
    this.waiting.add(question.id);
    this.queue
      .add(question, () => this.answer(question))
      .catch((err: unknown) => logger.error({ err, chat_id: question.chatId }, 'answer failed'));
  }

  /** The answer that is being produced in a chat, as far as it has been told. */
  liveIn(chatId: string): { id: string; tokens: string[] } | undefined {
    const live = this.live.get(chatId);
    return live?.isShown ? { id: live.id, tokens: [...live.tokens] } : undefined;
  }

  /** Ends what is being answered in a chat, on whichever node. */
  stop(chatId: string): void {
    if (this.live.has(chatId)) this.stopHere(chatId);
    else this.emitter.toAssistant(chatId, { chatId, stop: true });
  }

  stopHere(chatId: string): void {
    this.live.get(chatId)?.ended.abort('stopped');
  }

  isWaiting(questionId: string): boolean {
    return this.waiting.has(questionId);
  }

  /** Stops the answer to this question, and no other; resolves when it is not being produced. */
  async stopAnswerTo(chatId: string, questionId: string): Promise<void> {
    const live = this.live.get(chatId);
    if (live?.questionId === questionId) {
      live.ended.abort('stopped');
      return live.over?.catch(() => undefined);
    }
    while (await this.store.isBusy(chatId, questionId)) {
      this.stop(chatId);
      await sleep(BUSY_MS);
    }
  }

  private async answer(question: Question): Promise<void> {
    const live: LiveAnswer = {
      id: newId(),
      questionId: question.id,
      tokens: [],
      half: '',
      ended: new AbortController(),
      isShown: false,
    };
    const { chatId } = question;
    this.waiting.delete(question.id);
    this.live.set(chatId, live);
    live.over = this.give(live, question).finally(() => this.live.delete(chatId));
    await live.over;
  }

  private async give(live: LiveAnswer, question: Question): Promise<void> {
    const { chatId } = question;
    await this.recovered;
    // Whoever was still waiting is not answered any more: the stop would wait for a model that takes its time.
    if (this.isClosing) return;
    if (!(await this.retryWhileDatabaseDown(() => this.store.begin(live.id, question)))) return;
    live.isShown = true;
    this.feed.publish(chatId, started(live.id));
    const time = new AbortController();
    const timer = setTimeout(
      () => time.abort(new OverBudget('modelTime', 'the model takes too long')),
      this.answerMs,
    );
    const failure = await this.produce(live, question, time.signal)
      .catch((error: Error) => error)
      .finally(() => clearTimeout(timer));
    const { aborted, reason } = live.ended.signal;
    if (failure && !aborted) return this.fail(live, question, failure);
    const status = aborted ? (reason as 'stopped' | 'interrupted') : 'complete';
    const stored = await this.retryWhileDatabaseDown(() =>
      this.store.end(live.id, question, status, live.tokens),
    );
    if (stored) this.complete(chatId, status, stored);
  }

  /** @returns when the answer is whole. @throws Error when it fails or is ended */
  private async produce(
    live: LiveAnswer,
    { id, chatId, userId }: Question,
    time: AbortSignal,
  ): Promise<undefined> {
    const timezone = await this.zones.of(userId);
    const messages = await this.prompts.before(chatId, id, timezone);
    // Calls have a room of their own: results that fill theirs must not end an answer.
    const [holdsCalls, holdsResult] = [this.prompts.lookUpCharacters(), this.prompts.lookUpCharacters()];
    const ids = new Set<string>();
    const signal = AbortSignal.any([live.ended.signal, time]);
    let left: number = ASSISTANT.answerCharacters.most;
    for (let round = 0; round < ASSISTANT.toolTurns.most; round++) {
      const before = live.tokens.length;
      const modelTurn = await this.model
        .ask(messages, this.tools.definitions, signal, left, (token) => this.take(live, chatId, token))
        .finally(() => signal.throwIfAborted());
      const calls = modelTurn.calls.finish(ids);
      if (calls.length === 0) {
        if (isVisible(live.tokens.join(''))) return;
        throw new Error(`the model returned no text (finish_reason ${modelTurn.finish.slice(0, 20)})`);
      }
      const said = live.tokens.slice(before).join('');
      left -= said.length;
      if (!(await holdsCalls(said + JSON.stringify(calls))))
        throw new OverBudget('toolCalls', 'the tool calls are more than a prompt holds');
      messages.push(modelTurn.toMessage(said, calls));
      for (const [i, call] of calls.entries()) {
        signal.throwIfAborted();
        const result =
          i < ASSISTANT.toolCallsRun.most ? await this.tools.run({ userId, timezone }, call) : OVER_LIMIT;
        const content = (await holdsResult(result)) ? result : OVER_LIMIT;
        messages.push({ role: 'tool', tool_call_id: call.id, content });
      }
    }
    throw new OverBudget('toolCalls', 'the model calls tools without end');
  }

  private take(live: LiveAnswer, chatId: string, given: string): void {
    // What is aborted may have tokens on the way.
    if (live.ended.signal.aborted) return;
    const text = (live.half + given).replaceAll('\0', '');
    live.half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? '';
    const token = (live.half ? text.slice(0, -1) : text).toWellFormed();
    if (token === '') return;
    const index = live.tokens.push(token) - 1;
    this.publish(chatId, 'assistant_message_token', { token, messageId: live.id, index });
    this.log
      .add({ messageId: live.id, index, text: token })
      .catch((err: Error) => logger.warn({ err: err.message }, 'answer log write failed'));
  }

  private async fail(live: LiveAnswer, question: Question, failure: Error): Promise<void> {
    const { chatId } = question;
    if (failure instanceof OverBudget) this.metrics.refuse({ refused: failure.budget });
    logger.warn({ err: reasonOf(failure), chat_id: chatId }, 'the model failed');
    const apology = await this.retryWhileDatabaseDown(() => this.store.fail(live.id, question, live.tokens));
    if (!apology) return;
    const message = 'The assistant could not answer, try again';
    this.publish(chatId, 'error', { message, code: 'ASSISTANT_UNAVAILABLE', messageId: live.id });
    this.complete(chatId, 'apology', apology);
  }

  private complete(
    chatId: string,
    status: 'complete' | 'stopped' | 'interrupted' | 'apology',
    { id, content, createdAt, title }: StoredAnswer,
  ): void {
    const timestamp = createdAt.toISOString();
    this.publish(chatId, 'assistant_message_complete', {
      messageId: id,
      content,
      role: 'assistant',
      timestamp,
      status,
      title,
    });
  }

  /** A question that was shown is answered, and an answer that was shown is stored: again while the database is away. */
  private async retryWhileDatabaseDown<T>(store: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await store();
      } catch (error) {
        if (this.isClosing || !isDatabaseUnavailable(error)) throw error;
        await sleep(STORE_RETRY_MS, undefined, { ref: false });
      }
    }
  }

  private publish<T extends AssistantEvent['type']>(
    chatId: string,
    type: T,
    data: Extract<AssistantEvent, { type: T }>['data'],
  ): void {
    this.feed.publish(chatId, { type, data } as AssistantEvent);
  }
}

const logWarning = (err: unknown) => logger.warn({ err }, 'ending interrupted answers failed');
