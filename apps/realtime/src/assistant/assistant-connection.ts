import {
  ASSISTANT_FRAMES,
  AppError,
  type AssistantEvent,
  type JoinAssistantFrame,
  type QuestionFrame,
} from '#contracts';
import {
  AskAssistant,
  AssistantUnavailable,
  CreateAssistantChat,
  RegenerateAnswer,
  StopAnswer,
  WaitingEvents,
} from '#assistant';
import { invalidToken, type Claims, type SignedIn } from '#identity';
import { RETRY_MS, SOCKETS, logger, newId, pointsOfEvent, toAppError, validated } from '#platform';
import { Connection, assistantTopic, type AssistantMessage, type OutgoingEvent } from '#realtime';
import { WebSocket } from 'ws';
import type { Visit } from '../connections/admission.js';
import { scheduleAt } from '../connections/schedule-at.js';
import { WaitingFrames, parse, weigh } from './assistant-frames.js';
import { assistantProtocol } from './assistant-protocol.js';
import type { AssistantServices } from './assistant-services.js';
import { FrameWriter } from './frame-writer.js';

/** The error message that older clients expect. */
function badToken(error: unknown): unknown {
  const { code, reason } = toAppError(error);
  return code === 'UNAUTHORIZED' ? new AppError(code, 'Invalid authentication token', { reason }) : error;
}

/** One device's connection to the assistant: handles its frames sequentially, and answers each. */
export class AssistantConnection extends Connection<string> {
  readonly id = newId();
  readonly protocol = assistantProtocol;
  /** While the connection is in the hub: from before the look-up of the session on. */
  private holder?: Claims;
  private user?: SignedIn;
  /** The open chat. */
  private chatId?: string;
  /** The chat whose events the device receives: the open one, or one that is being opened. */
  private subscribedChatId?: string;
  /** While a chat is being opened: its events. */
  private waitingEvents?: WaitingEvents;
  private cancelExpiry?: () => void;
  private readonly waiting = new WaitingFrames();
  /** The number of frames before a sign-in. */
  private strange = 0;
  private readonly writer: FrameWriter;
  private signInTimer?: NodeJS.Timeout;

  constructor(
    private readonly socket: WebSocket,
    private readonly services: AssistantServices,
    private readonly visit: Visit,
    private readonly signInMs: number,
  ) {
    super();
    this.writer = new FrameWriter(socket, () => services.metrics.slowConsumers.inc());
    socket.on('message', (data) => this.receive(data as Buffer));
    // After an invalid frame, the socket closes by itself.
    socket.on('error', (err) =>
      logger.debug({ err: err.message, socket_id: this.id }, 'assistant socket error'),
    );
    socket.once('close', () => {
      this.leave();
      clearTimeout(this.signInTimer);
      services.admission.leave(visit);
    });
    this.awaitSignIn();
    this.reply({ type: 'connected', data: { message: 'WebSocket connection established' } });
  }

  get userId(): string {
    return this.holder!.userId;
  }

  get sessionId(): string {
    return this.holder!.sessionId;
  }

  /** Sends a live event. */
  send(frame: string, { payload }: OutgoingEvent): void {
    if (!this.waitingEvents) return this.writer.write(frame);
    if (this.waitingEvents.push((payload as AssistantMessage).event)) return;
    this.closeChat();
    this.writer.disconnectSlow();
  }

  beat(): void {
    this.writer.beat();
  }

  signOut(reason: 'session_revoked' | 'account_banned'): void {
    this.refuse(badToken(invalidToken(reason)));
    this.end();
  }

  end(): void {
    this.socket.close(1001);
    setTimeout(() => this.socket.terminate(), 500).unref();
  }

  /** In order: a frame is handled completely before the next one. */
  private receive(data: Buffer): void {
    // A frame refused for its size is not kept in the queue.
    const [frame, size] = weigh(data);
    if (!this.waiting.enter(size)) {
      this.services.metrics.refuse(SOCKETS.assistantFrames);
      if (this.waiting.isFlooded) return this.socket.terminate();
      this.refuse(new AppError('RATE_LIMIT', 'Too many requests', { retryAfterMs: RETRY_MS }));
      return;
    }
    const points = pointsOfEvent(Math.max(data.length, size));
    void this.services.frames
      .run(this.id, () => this.answer(frame, points))
      .finally(() => this.waiting.leave(size));
  }

  /** @param data the frame, or the reason why it was not kept */
  private async answer(data: Buffer | AppError, points: number): Promise<void> {
    let type = 'unknown';
    let outcome = 'ok';
    if (!this.user && ++this.strange > SOCKETS.assistantStranger.most) return this.socket.terminate();
    const who = this.user?.userId ?? this.id;
    try {
      await this.services.limits.takeEvent(who, points);
      const frame = parse(data);
      if (!Object.hasOwn(ASSISTANT_FRAMES, frame.type))
        throw new AppError('INVALID_DATA', 'Unknown message type');
      type = frame.type;
      await this.handle(type as keyof typeof ASSISTANT_FRAMES, frame.data);
    } catch (error) {
      outcome = this.refuse(error);
      if (outcome === 'RATE_LIMIT' && (await this.services.limits.isFlooding(who))) this.socket.terminate();
    }
    this.services.metrics.messages.inc({ event: `assistant ${type}`, status: outcome });
  }

  private async handle(type: keyof typeof ASSISTANT_FRAMES, data: unknown): Promise<void> {
    const payload = validated<object>(ASSISTANT_FRAMES[type], data ?? {});
    if (type === 'join_chat') return this.join(payload as JoinAssistantFrame);
    const { commands } = this.services;
    if (type === 'create_chat') {
      if (!this.user) throw new AppError('UNAUTHORIZED', 'Not authenticated');
      const { userId } = this.user;
      const create = new CreateAssistantChat(userId);
      const { id, title } = await this.runAuthorised(this.user, () => commands.execute(create));
      this.closeChat();
      await this.open(userId, id, undefined, { type: 'chat_created', data: { chatId: id, title } });
      return;
    }
    const { user, chatId } = this;
    if (!user || !chatId) throw new AppError('UNAUTHORIZED', 'Not authenticated or not in a chat');
    const { userId } = user;
    const command =
      type === 'message'
        ? new AskAssistant(userId, chatId, (payload as QuestionFrame).message)
        : type === 'stop'
          ? new StopAnswer(userId, chatId)
          : new RegenerateAnswer(userId, chatId);
    await this.runAuthorised(user, () => commands.execute(command));
  }

  private async join({ token, chatId, resume }: JoinAssistantFrame): Promise<void> {
    this.leave();
    const user = await this.signIn(token).catch((error: unknown) => {
      this.leave();
      throw badToken(error);
    });
    if (!this.holder) return;
    this.services.budget.enter(user);
    this.services.admission.signedIn(this.visit);
    clearTimeout(this.signInTimer);
    this.signInTimer = undefined;
    this.user = user;
    this.strange = 0;
    // The connection stays open for a new token, but receives no more events of the chat.
    this.cancelExpiry = scheduleAt(user.expiresAt, () => {
      this.leave();
      this.refuse(badToken(invalidToken('token_expired')));
    });
    if (!chatId) return;
    await this.services.reads.send(user.userId, () => this.open(user.userId, chatId, resume ?? undefined));
  }

  /** The user's limits are checked before the database is queried. @throws AppError UNAUTHORIZED, RATE_LIMIT */
  private async signIn(token: string): Promise<SignedIn> {
    const { authenticator, budget, hub, limits } = this.services;
    const claims = authenticator.verify(token);
    budget.requireRoom(claims);
    await limits.take('connect', claims.userId);
    // Before the look-up, so that no later sign-out is missed.
    this.holder = claims;
    if (this.socket.readyState === WebSocket.OPEN) hub.registerActive(this);
    else this.leave();
    const user = await authenticator.stillSignedIn(claims);
    budget.requireRoom(claims);
    return user;
  }

  private awaitSignIn(): void {
    const end = () => {
      this.refuse(new AppError('UNAUTHORIZED', 'Not authenticated'));
      this.end();
    };
    this.signInTimer ??= setTimeout(end, this.signInMs).unref();
  }

  /**
   * @param created sent in place of the history of a new chat
   * @returns the number of sent characters
   */
  private async open(
    userId: string,
    chatId: string,
    resume?: JoinAssistantFrame['resume'],
    created?: AssistantEvent,
  ): Promise<number> {
    let sent = 0;
    const sendPast = (event: AssistantEvent): void | Promise<void> => {
      if (this.socket.readyState !== WebSocket.OPEN) return;
      const frame = JSON.stringify(created && event.type === 'chat_joined' ? created : event);
      sent += frame.length;
      return this.writer.writePast(frame);
    };
    const { conversations, hub } = this.services;
    const waiting = new WaitingEvents();
    this.waitingEvents = waiting;
    this.subscribedChatId = chatId;
    hub.subscribe(this, assistantTopic(chatId));
    try {
      const goLive = () => (this.waitingEvents = undefined);
      await conversations.open(userId, chatId, resume, { waiting, sendPast, goLive });
    } catch (error) {
      this.closeChat();
      throw error;
    }
    // The device may have left, or its token expired, meanwhile.
    this.chatId = this.subscribedChatId;
    return sent;
  }

  private closeChat(): void {
    if (this.subscribedChatId) this.services.hub.unsubscribe(this, assistantTopic(this.subscribedChatId));
    this.chatId = this.subscribedChatId = this.waitingEvents = undefined;
  }

  /** Checks the session before each action: it may have been revoked since, on any node. */
  private runAuthorised<T>(user: SignedIn, act: () => Promise<T>): Promise<T> {
    const { authenticator, writes } = this.services;
    return writes.run(user.userId, async () => {
      await authenticator.stillSignedIn(user).catch((error: unknown) => {
        throw badToken(error);
      });
      return act();
    });
  }

  private leave(): void {
    this.cancelExpiry?.();
    this.closeChat();
    if (this.holder) this.services.hub.remove(this);
    this.holder = undefined;
    if (!this.user) return;
    this.services.budget.leave(this.user);
    this.awaitSignIn();
    this.user = undefined;
  }

  /** @returns the code that it is counted under */
  private refuse(error: unknown): string {
    const { code, message, reason, retryAfterMs } = toAppError(error);
    if (code === 'INTERNAL') logger.error({ err: error, socket_id: this.id }, 'frame failed');
    this.services.metrics.errors.inc({ code });
    const shown = error instanceof AssistantUnavailable ? 'ASSISTANT_UNAVAILABLE' : code;
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    this.reply({ type: 'error', data: { message, code: shown, ...(reason && { reason }), ...wait } });
    return code;
  }

  private reply(event: AssistantEvent): void {
    this.writer.write(JSON.stringify(event));
  }
}
