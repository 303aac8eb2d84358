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
} from '#assistant';
import { invalidToken, type SignedIn } from '#identity';
import {
  SOCKETS,
  logger,
  newId,
  parsedSize,
  pointsOfEvent,
  toAppError,
  validated,
  sessionRoom,
  userRoom,
} from '#platform';
import type { Socket as TcpSocket } from 'node:net';
import { WebSocket } from 'ws';
import type { Visit } from '../connections/admission.js';
import { scheduleAt } from '../connections/schedule-at.js';
import { READ_AT_LEAST, takenFrom } from '../transport/reading.js';
import type { AssistantServices } from './assistant-services.js';

const MAX_FRAME_BYTES = SOCKETS.packet.most.read;
const utf8 = new TextDecoder('utf-8', { fatal: true });
/** The most frames that wait for those before them, and how large they may be together. */
const { frames: MAX_WAITING, bytes: MAX_WAITING_BYTES } = SOCKETS.assistantFrames.most;
/** When frames that were refused may be sent again, ms. */
const RETRY_MS = 1000;
/** A device that lets more than this wait of what is being said is cut off, and resumes when it comes back. Bytes. */
const { most: MAX_UNREAD } = SOCKETS.assistantUnread;
/** So much of chats and answers is sent before the device has to have taken it, and others have their turn. Characters. */
const { most: PIECE } = SOCKETS.assistantPiece;

/** In the document's words. */
function badToken(error: unknown): unknown {
  const { code, reason } = toAppError(error);
  return code === 'UNAUTHORIZED' ? new AppError(code, 'Invalid authentication token', { reason }) : error;
}

/** One device that talks to the assistant (`seeds/004-…`): its frames, one after the other, each answered. */
export class AssistantConnection {
  private readonly id = newId();
  private user?: SignedIn;
  private chatId?: string;
  private closeChat?: () => void;
  private cancelExpiry?: () => void;
  private queue: Promise<void> = Promise.resolve();
  private waiting = 0;
  private waitingBytes = 0;
  private refused = 0;
  /** Frames without a sign-in. */
  private strange = 0;
  /** How much of chats and answers was sent since it was last waited for. Characters. */
  private piece = 0;
  /** How much of what it asked for, a long chat or answer, it has still to read: it may take its time. Bytes. */
  private owed = 0;
  private lives = true;
  /** At the last heartbeat: what it had taken so far, and what it had still to read. Bytes. */
  private taken = 0;
  private unread = 0;
  private signInTimer?: NodeJS.Timeout;

  constructor(
    private readonly socket: WebSocket,
    private readonly services: AssistantServices,
    private readonly visit: Visit,
    private readonly signInMs: number,
  ) {
    socket.on('message', (data) => this.receive(data as Buffer));
    socket.on('pong', () => (this.lives = true));
    // Broken frames: the socket closes by itself.
    socket.on('error', (err) =>
      logger.debug({ err: err.message, socket_id: this.id }, 'assistant socket error'),
    );
    socket.once('close', () => {
      this.leave();
      clearTimeout(this.signInTimer);
      services.admission.leave(visit);
    });
    this.awaitSignIn();
    this.send({ type: 'connected', data: { message: 'WebSocket connection established' } });
  }

  beat(): void {
    const { bufferedAmount } = this.socket;
    const taken = takenFrom((this.socket as unknown as { _socket?: TcpSocket })._socket);
    // It may send answers to heartbeats that it has not read.
    const reads = bufferedAmount === 0 || taken - this.taken >= Math.min(this.unread, READ_AT_LEAST);
    if (!this.lives || !reads) return this.socket.terminate();
    this.taken = taken;
    this.unread = bufferedAmount;
    this.lives = false;
    this.socket.ping();
  }

  /** `rooms`: of sessions, or of users, who are banned. */
  signOut(rooms: Set<string>): void {
    if (!this.user) return;
    const isBanned = rooms.has(userRoom(this.user.userId));
    if (!isBanned && !rooms.has(sessionRoom(this.user.sessionId))) return;
    this.refuse(badToken(invalidToken(isBanned ? 'account_banned' : 'session_revoked')));
    this.end();
  }

  end(): void {
    this.socket.close(1001);
    setTimeout(() => this.socket.terminate(), 500).unref();
  }

  /** In their order: what a frame does is done before the next one is looked at. */
  private receive(data: Buffer): void {
    // A frame that is refused by its size is not kept until its turn.
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
    this.queue = this.queue.then(() => this.answer(frame, points)).finally(() => this.answered(size));
  }

  private answered(size: number): void {
    this.waiting--;
    this.waitingBytes -= size;
    if (this.waiting === 0) this.refused = 0;
  }

  /** @param data why the frame was not kept, or the frame */
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
      this.closeChat?.();
      this.chatId = this.closeChat = undefined;
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
      throw badToken(error);
    });
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.services.budget.requireRoom(user);
    this.services.budget.enter(user);
    this.services.admission.signedIn(this.visit);
    clearTimeout(this.signInTimer);
    this.signInTimer = undefined;
    this.user = user;
    this.strange = 0;
    // The connection stays, for a new token; the chat is heard no more.
    this.cancelExpiry = scheduleAt(user.expiresAt, () => {
      this.leave();
      this.refuse(badToken(invalidToken('token_expired')));
    });
    if (!chatId) return;
    await this.services.reads.send(user.userId, () => this.open(user.userId, chatId, resume ?? undefined));
  }

  /** The user's own limits come before the database. @throws AppError UNAUTHORIZED, RATE_LIMIT */
  private async signIn(token: string): Promise<SignedIn> {
    const { authenticator, budget, limits } = this.services;
    const claims = authenticator.verify(token);
    budget.requireRoom(claims);
    await limits.take('connect', claims.userId);
    return authenticator.stillSignedIn(claims);
  }

  private awaitSignIn(): void {
    const end = () => {
      this.refuse(new AppError('UNAUTHORIZED', 'Not authenticated'));
      this.end();
    };
    this.signInTimer ??= setTimeout(end, this.signInMs).unref();
  }

  /**
   * @param created said in place of the history of a chat that is new
   * @returns how many characters were sent
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
    const { conversations } = this.services;
    const close = await conversations.open(userId, chatId, resume, {
      sendPast,
      send: (event) => this.send(event),
      disconnect: () => this.disconnectSlow(),
    });
    if (this.socket.readyState === WebSocket.OPEN) {
      this.chatId = chatId;
      this.closeChat = close;
    } else close();
    return sent;
  }

  /** Each action is authorised anew: the session may have been ended since, on this node or another. */
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
    this.closeChat?.();
    if (this.user) {
      this.services.budget.leave(this.user);
      this.awaitSignIn();
    }
    this.user = this.chatId = this.closeChat = undefined;
  }

  /** @returns the code that it is counted under */
  private refuse(error: unknown): string {
    const { code, message, reason, retryAfterMs } = toAppError(error);
    if (code === 'INTERNAL') logger.error({ err: error, socket_id: this.id }, 'frame failed');
    this.services.metrics.errors.inc({ code });
    const shown = error instanceof AssistantUnavailable ? 'ASSISTANT_UNAVAILABLE' : code;
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    this.send({ type: 'error', data: { message, code: shown, ...(reason && { reason }), ...wait } });
    return code;
  }

  private send(event: AssistantEvent): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.owed = Math.min(this.owed, this.socket.bufferedAmount);
    if (this.socket.bufferedAmount - this.owed > MAX_UNREAD) return this.disconnectSlow();
    this.socket.send(JSON.stringify(event));
  }

  private disconnectSlow(): void {
    this.services.metrics.slowConsumers.inc();
    this.socket.terminate();
  }
}

/** A frame, or why it is not read; and about the memory that it takes, bytes. */
function weigh(data: Buffer): [frame: Buffer | AppError, size: number] {
  if (data.length > MAX_FRAME_BYTES)
    return [new AppError('MESSAGE_TOO_LARGE', 'A frame may have 64 KiB at most'), 0];
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
    // Said below.
  }
  throw new AppError('INVALID_DATA', 'Invalid message format');
}
