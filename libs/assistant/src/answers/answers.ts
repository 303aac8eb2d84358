import { ASSISTANT, Metrics, isDatabaseUnavailable, logFailure, logger, retry } from '#platform';
import { EventPublisher } from '#realtime';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { AnswerLog } from './answer-log.js';
import { AnswerQueue } from './answer-queue.js';
import { AnswerStore, type Question } from './answer-store.js';
import { LiveAnswer } from './live-answer.js';
import { completed, failed, started } from '../conversations/conversation.js';
import { isVisible } from '../model/model-turn.js';
import { Model, reasonOf } from '../model/model.js';
import { OverBudget } from '../model/over-budget.js';
import { OVER_LIMIT, Prompts } from '../model/prompt.js';
import { Tools } from '../tools/tools.js';
import { Zones } from '../tools/zones.js';

/** Interval of checks of a chat whose answer another node generates, ms. */
const BUSY_MS = 100;
/** Interval of the check for answers of dead nodes, ms. */
const DEAD_MS = 10_000;

/**
 * Generates each answer once, whether or not anybody is connected. Tokens are published and logged; the complete answer
 * is stored. Questions of one chat are answered in order.
 */
@Injectable()
export class Answers implements OnModuleInit, OnModuleDestroy {
  /** Limit of an answer's total time, ms, from its first request to the model, including tool calls. */
  answerMs: number = ASSISTANT.answerTime.most;
  private readonly live = new Map<string, LiveAnswer>();
  /** Questions that wait for earlier ones. */
  private readonly waiting = new Set<string>();
  /** Resolves when the answers of processes that died before this one started have been ended. */
  private recovered?: Promise<void>;
  private isClosing = false;
  private lookForDead?: NodeJS.Timeout;

  constructor(
    private readonly publisher: EventPublisher,
    private readonly log: AnswerLog,
    private readonly queue: AnswerQueue,
    private readonly store: AnswerStore,
    private readonly model: Model,
    private readonly prompts: Prompts,
    private readonly tools: Tools,
    private readonly zones: Zones,
    private readonly metrics: Metrics,
  ) {}

  /** An unavailable database does not prevent the start; nothing is answered until it is available. */
  onModuleInit(): void {
    this.publisher.onSignal('stopAnswer', ({ chatId }) => this.stopHere(chatId));
    this.publisher.onSignal('stopAnswersOf', ({ userId }) => this.stopAllOf(userId));
    this.recovered = this.retryWhileDatabaseDown(() => this.store.interruptDead());
    this.recovered.catch(logWarning);
    this.lookForDead = setInterval(() => void this.store.interruptDead().catch(logWarning), DEAD_MS).unref();
  }

  /** Current answers are cut short, and marked as interrupted. */
  async onModuleDestroy(): Promise<void> {
    this.isClosing = true;
    clearInterval(this.lookForDead);
    for (const { ended } of this.live.values()) ended.abort('interrupted');
    await this.queue.drain();
  }

  /**
   * Answers a question after earlier questions of its chat.
   * @param ask stores the question, when there is room for it
   * @returns when `ask` has returned
   * @throws AppError RATE_LIMIT, UNAVAILABLE, or any error of `ask`
   */
  answer(userId: string, ask: () => Promise<Question>): Promise<void> {
    const asked = async () => {
      const question = await ask();
      this.waiting.add(question.id);
      return question;
    };
    return this.queue.add(userId, asked, (question) => this.begin(question));
  }

  /** The current answer of a chat, as far as it was published. */
  liveIn(chatId: string): { id: string; tokens: string[] } | undefined {
    const live = this.live.get(chatId);
    return live?.isShown ? { id: live.id, tokens: [...live.tokens] } : undefined;
  }

  /** Ends the current answer of a chat, on any node, also while it waits for its place. */
  stop(chatId: string): void {
    if (!this.stopHere(chatId)) this.publisher.signal('stopAnswer', { chatId });
  }

  /** @returns false when this node has not the current answer of the chat */
  stopHere(chatId: string): boolean {
    const live = this.live.get(chatId);
    if (!live || live.isBehind) return false;
    live.ended.abort('stopped');
    return true;
  }

  /** After a ban. The store refuses to begin answers to the user's waiting questions. */
  private stopAllOf(userId: string): void {
    for (const { question, ended } of this.live.values())
      if (question.userId === userId) ended.abort('stopped');
  }

  isWaiting(questionId: string): boolean {
    return this.waiting.has(questionId);
  }

  /** Stops the answer to this question, and no other. Resolves when it is not being generated. */
  async stopAnswerTo(chatId: string, questionId: string): Promise<void> {
    const live = this.live.get(chatId);
    if (live?.question.id === questionId) {
      live.ended.abort('stopped');
      return live.over?.catch(() => undefined);
    }
    while (await this.store.isBusy(chatId, questionId)) {
      this.stop(chatId);
      await sleep(BUSY_MS);
    }
  }

  private async begin(question: Question): Promise<void> {
    const live = new LiveAnswer(question);
    const { chatId } = question;
    this.waiting.delete(question.id);
    this.live.set(chatId, live);
    live.over = this.give(live, question).finally(() => this.live.delete(chatId));
    await live.over;
  }

  private async give(live: LiveAnswer, question: Question): Promise<void> {
    const { chatId } = question;
    await this.recovered;
    // Waiting questions are not answered any more: a stop would wait for a slow model.
    if (this.isClosing) return;
    if (!(await this.isFirst(live, question))) return;
    live.isShown = true;
    this.publisher.publishAssistant(chatId, started(live.id));
    await this.queue
      .inPlace(question.userId, live.ended.signal, () => this.generate(live, question))
      .catch((reason: unknown) => {
        if (reason !== live.ended.signal.reason) throw reason;
        return this.end(live, question);
      });
  }

  /**
   * Waits for answers of the chat that other nodes generate, and holds no place meanwhile.
   * @returns false when there is nothing to answer any more
   */
  private async isFirst(live: LiveAnswer, question: Question): Promise<boolean> {
    for (;;) {
      const begun = await this.retryWhileDatabaseDown(() => this.store.begin(live.id, question));
      if (begun !== 'busy') return begun;
      live.isBehind = true;
      while (await this.retryWhileDatabaseDown(() => this.store.isChatBusy(question.chatId)))
        if (live.ended.signal.aborted) return false;
      live.isBehind = false;
    }
  }

  private async generate(live: LiveAnswer, question: Question): Promise<void> {
    const time = new AbortController();
    const timer = setTimeout(
      () => time.abort(new OverBudget('modelTime', 'the model takes too long')),
      this.answerMs,
    );
    const failure = await this.produce(live, question, time.signal)
      .catch((error: Error) => error)
      .finally(() => clearTimeout(timer));
    if (failure && !live.ended.signal.aborted) return this.fail(live, question, failure);
    await this.end(live, question);
  }

  private async end(live: LiveAnswer, question: Question): Promise<void> {
    const { aborted, reason } = live.ended.signal;
    const status = aborted ? (reason as 'stopped' | 'interrupted') : 'complete';
    const stored = await this.retryWhileDatabaseDown(() =>
      this.store.end(live.id, question, status, live.tokens),
    );
    if (stored) this.publisher.publishAssistant(question.chatId, completed(status, stored));
  }

  /** @returns when the answer is complete. @throws Error (when it fails or is ended) */
  private async produce(
    live: LiveAnswer,
    { id, chatId, userId }: Question,
    time: AbortSignal,
  ): Promise<undefined> {
    const timezone = await this.zones.of(userId);
    const messages = await this.prompts.before(chatId, id, timezone);
    // Calls have their own budget: results that use up theirs must not end an answer.
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
    const added = live.add(given);
    if (!added) return;
    const { token, index } = added;
    const data = { token, messageId: live.id, index };
    this.publisher.publishAssistant(chatId, { type: 'assistant_message_token', data });
    this.log.add({ messageId: live.id, index, text: token }).catch(logFailure('answer log write failed'));
  }

  private async fail(live: LiveAnswer, question: Question, failure: Error): Promise<void> {
    const { chatId } = question;
    if (failure instanceof OverBudget) this.metrics.refuse({ refused: failure.budget });
    logger.warn({ err: reasonOf(failure), chat_id: chatId }, 'the model failed');
    const apology = await this.retryWhileDatabaseDown(() => this.store.fail(live.id, question, live.tokens));
    if (!apology) return;
    this.publisher.publishAssistant(chatId, failed(live.id));
    this.publisher.publishAssistant(chatId, completed('apology', apology));
  }

  /**
   * Retried while the database is unavailable: a shown question must be answered, and a shown answer must be stored.
   */
  private retryWhileDatabaseDown<T>(store: () => Promise<T>): Promise<T> {
    return retry(store, (error) => {
      if (this.isClosing || !isDatabaseUnavailable(error)) throw error;
    });
  }
}

const logWarning = (err: unknown) => logger.warn({ err }, 'ending interrupted answers failed');
