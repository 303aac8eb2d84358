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
import {
  RETRY_MS,
  SOCKETS,
  logger,
  newId,
  parsedSize,
  pointsOfEvent,
  toAppError,
  validated,
} from '#platform';
import { Connection, assistantTopic, type AssistantMessage, type OutgoingEvent } from '#realtime';
import { WebSocket } from 'ws';
import type { Visit } from '../connections/admission.js';
import { scheduleAt } from '../connections/schedule-at.js';
import { insideOf } from '../transport/internals.js';
import { READ_AT_LEAST, takenFrom } from '../transport/reading.js';
import { assistantProtocol } from './assistant-protocol.js';
import type { AssistantServices } from './assistant-services.js';

const MAX_FRAME_BYTES = SOCKETS.packet.most.read;
const utf8 = new TextDecoder('utf-8', { fatal: true });
/** Limits of waiting frames, and of their total size. */
const { frames: MAX_WAITING, bytes: MAX_WAITING_BYTES } = SOCKETS.assistantFrames.most;
/** A device with more unread live events than this is disconnected, and resumes when it reconnects. Bytes. */
const { most: MAX_UNREAD } = SOCKETS.assistantUnread;
/**
 * So much of chats and answers is sent before the device must have read it, and other devices get a turn. Characters.
 */
const { most: PIECE } = SOCKETS.assistantPiece;

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
  private waiting = 0;
  private waitingBytes = 0;
  private refused = 0;
  /** The number of frames before a sign-in. */
  private strange = 0;
  /** Characters of chats and answers sent since the last wait for the device. */
  private piece = 0;
  /** Unread bytes of history that the device asked for, such as a long chat or answer: it may read them slowly. */
  private owed = 0;
  private lives = true;
  /** At the last heartbeat: the bytes read so far, and the bytes still unread. Bytes. */
  private taken = 0;
  private unread = 0;
  private signInTimer?: NodeJS.Timeout;

  constructor(
    private readonly socket: WebSocket,
    private readonly services: AssistantServices,
    private readonly visit: Visit,
    private readonly signInMs: number,
  ) {
    super();
    socket.on('message', (data) => this.receive(data as Buffer));
    socket.on('pong', () => (this.lives = true));
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
    if (!this.waitingEvents) return this.write(frame);
    if (this.waitingEvents.push((payload as AssistantMessage).event)) return;
    this.closeChat();
    this.disconnectSlow();
  }

  beat(): void {
    const { bufferedAmount } = this.socket;
    const taken = takenFrom(insideOf(this.socket)._socket);
    // A client may answer heartbeats without reading its data.
    const reads = bufferedAmount === 0 || taken - this.taken >= Math.min(this.unread, READ_AT_LEAST);
    if (!this.lives || !reads) return this.socket.terminate();
    this.taken = taken;
    this.unread = bufferedAmount;
    this.lives = false;
    this.socket.ping();
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
    if (this.waiting >= MAX_WAITING || this.waitingBytes + size > MAX_WAITING_BYTES) {
      this.services.metrics.refuse(SOCKETS.assistantFrames);
      if (++this.refused > SOCKETS.assistantRefusals.most) return this.socket.terminate();
      this.refuse(new AppError('RATE_LIMIT', 'Too many requests', { retryAfterMs: RETRY_MS }));
      return;
    }
    this.waiting++;
    this.waitingBytes += size;
    const points = pointsOfEvent(Math.max(data.length, size));
    void this.services.frames
      .run(this.id, () => this.answer(frame, points))
      .finally(() => this.answered(size));
  }

  private answered(size: number): void {
    this.waiting--;
    this.waitingBytes -= size;
    if (this.waiting === 0) this.refused = 0;
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
      this.piece += frame.length;
      let written: Promise<void> | undefined;
      if (this.piece <= PIECE) this.socket.send(frame);
      else {
        this.piece = 0;
        written = new Promise((done) => this.socket.send(frame, () => setImmediate(done)));
      }
      this.owed = this.socket.bufferedAmount;
      return written;
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
    this.write(JSON.stringify(event));
  }

  private write(frame: string): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.owed = Math.min(this.owed, this.socket.bufferedAmount);
    if (this.socket.bufferedAmount - this.owed > MAX_UNREAD) return this.disconnectSlow();
    this.socket.send(frame);
  }

  private disconnectSlow(): void {
    this.services.metrics.slowConsumers.inc();
    this.socket.terminate();
  }
}

/** A frame, or the reason why it is refused; and its approximate memory, bytes. */
function weigh(data: Buffer): [frame: Buffer | AppError, size: number] {
  if (data.length > MAX_FRAME_BYTES) return [new AppError('MESSAGE_TOO_LARGE', 'Frame exceeds 64 KiB'), 0];
  try {
    return [data, parsedSize(data.toString('latin1'))];
  } catch (refusal) {
    return [refusal as AppError, 0];
  }
}

/** @throws AppError MESSAGE_TOO_LARGE, INVALID_DATA */
function parse(data: Buffer | AppError): { type: string; data?: unknown } {
  if (data instanceof AppError) throw data;
  try {
    const frame = JSON.parse(utf8.decode(data)) as { type?: unknown; data?: unknown } | null;
    if (typeof frame?.type === 'string') return { type: frame.type, data: frame.data };
  } catch {
    // Reported below.
  }
  throw new AppError('INVALID_DATA', 'Invalid message format');
}
