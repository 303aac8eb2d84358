import {
  ASSISTANT_FRAMES,
  AppError,
  type AssistantEvent,
  type JoinAssistantFrame,
  type QuestionFrame,
} from '#contracts';
import { AskAssistant, Conversations, CreateAssistantChat, RegenerateAnswer, StopAnswer } from '#assistant';
import { Authenticator, type SignedIn } from '#identity';
import {
  KeyedQueue,
  Metrics,
  RETRY_MS,
  RateLimits,
  Reads,
  SOCKETS,
  UserWrites,
  pointsOfEvent,
  validated,
} from '#platform';
import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { badToken, type AssistantConnection } from './assistant-connection.js';
import { parse, weigh } from './assistant-frames.js';
import { AssistantSignIn } from './assistant-sign-in.js';

type FrameType = keyof typeof ASSISTANT_FRAMES;

/** Handles the frames of each connection sequentially, and answers each. */
@Injectable()
export class AssistantDispatcher {
  /** The frames of each connection. */
  private readonly frames = new KeyedQueue();

  constructor(
    private readonly signIn: AssistantSignIn,
    private readonly authenticator: Authenticator,
    private readonly conversations: Conversations,
    private readonly commands: CommandBus,
    private readonly limits: RateLimits,
    private readonly reads: Reads,
    private readonly writes: UserWrites,
    private readonly metrics: Metrics,
  ) {}

  /** In order: a frame is handled completely before the next one. */
  receive(connection: AssistantConnection, data: Buffer): void {
    const { waiting } = connection;
    // A frame refused for its size is not kept in the queue.
    const [frame, size] = weigh(data);
    if (!waiting.enter(size)) {
      this.metrics.refuse(SOCKETS.assistantFrames);
      if (waiting.isFlooded) return connection.socket.terminate();
      connection.refuse(new AppError('RATE_LIMIT', 'Too many requests', { retryAfterMs: RETRY_MS }));
      return;
    }
    const points = pointsOfEvent(Math.max(data.length, size));
    void this.frames
      .run(connection.id, () => this.answer(connection, frame, points))
      .finally(() => waiting.leave(size));
  }

  /** @param data the frame, or the reason why it was not kept */
  private async answer(
    connection: AssistantConnection,
    data: Buffer | AppError,
    points: number,
  ): Promise<void> {
    let type = 'unknown';
    let outcome = 'ok';
    const { user, socket } = connection;
    if (!user && ++connection.strange > SOCKETS.assistantStranger.most) return socket.terminate();
    const who = user?.userId ?? connection.id;
    try {
      await this.limits.takeEvent(who, points);
      const frame = parse(data);
      if (!Object.hasOwn(ASSISTANT_FRAMES, frame.type))
        throw new AppError('INVALID_DATA', 'Unknown message type');
      type = frame.type;
      await this.handle(connection, type as FrameType, frame.data);
    } catch (error) {
      outcome = connection.refuse(error);
      if (outcome === 'RATE_LIMIT' && (await this.limits.isFlooding(who))) socket.terminate();
    }
    this.metrics.messages.inc({ event: `assistant ${type}`, status: outcome });
  }

  private async handle(connection: AssistantConnection, type: FrameType, data: unknown): Promise<void> {
    const payload = validated<object>(ASSISTANT_FRAMES[type], data ?? {});
    if (type === 'join_chat') return this.join(connection, payload as JoinAssistantFrame);
    const { user, chatId } = connection;
    if (type === 'create_chat') {
      if (!user) throw new AppError('UNAUTHORIZED', 'Not authenticated');
      return this.create(connection, user);
    }
    if (!user || !chatId) throw new AppError('UNAUTHORIZED', 'Not authenticated or not in a chat');
    const { userId } = user;
    const command =
      type === 'message'
        ? new AskAssistant(userId, chatId, (payload as QuestionFrame).message)
        : type === 'stop'
          ? new StopAnswer(userId, chatId)
          : new RegenerateAnswer(userId, chatId);
    await this.runAuthorised(user, () => this.commands.execute(command));
  }

  private async join(
    connection: AssistantConnection,
    { token, chatId, resume }: JoinAssistantFrame,
  ): Promise<void> {
    const user = await this.signIn.enter(connection, token);
    if (!user || !chatId) return;
    await this.reads.send(user.userId, () => this.open(connection, user, chatId, resume ?? undefined));
  }

  private async create(connection: AssistantConnection, user: SignedIn): Promise<void> {
    const create = new CreateAssistantChat(user.userId);
    const { id, title } = await this.runAuthorised(user, () => this.commands.execute(create));
    connection.closeChat();
    await this.open(connection, user, id, undefined, { type: 'chat_created', data: { chatId: id, title } });
  }

  private open(
    connection: AssistantConnection,
    { userId }: SignedIn,
    chatId: string,
    resume?: JoinAssistantFrame['resume'],
    created?: AssistantEvent,
  ): Promise<number> {
    return connection.openChat(
      chatId,
      (device) => this.conversations.open(userId, chatId, resume, device),
      created,
    );
  }

  /** Checks the session before each action: it may have been revoked since, on any node. */
  private runAuthorised<T>(user: SignedIn, act: () => Promise<T>): Promise<T> {
    return this.writes.run(user.userId, async () => {
      await this.authenticator.stillSignedIn(user).catch((error: unknown) => {
        throw badToken(error);
      });
      return act();
    });
  }
}
