import { AppError, type AssistantEvent } from '#contracts';
import { AssistantUnavailable, WaitingEvents, type OpeningDevice } from '#assistant';
import { invalidToken, type Claims, type SignedIn } from '#identity';
import { Metrics, logger, newId, toAppError } from '#platform';
import {
  Connection,
  Hub,
  assistantTopic,
  type AssistantMessage,
  type OutgoingEvent,
  type Protocol,
} from '#realtime';
import { WebSocket } from 'ws';
import type { Visit } from '../connections/admission.js';
import { WaitingFrames } from './assistant-frames.js';
import { FrameWriter } from './frame-writer.js';

/** The frames of the assistant's WebSocket: JSON. Other events are not for it. */
const assistantProtocol: Protocol<string> = {
  encode: ({ name, payload }: OutgoingEvent) =>
    name === 'assistant' ? JSON.stringify((payload as AssistantMessage).event) : undefined,
};

/** The error message that older clients expect. */
export function badToken(error: unknown): unknown {
  const { code, reason } = toAppError(error);
  return code === 'UNAUTHORIZED' ? new AppError(code, 'Invalid authentication token', { reason }) : error;
}

/** One device's connection to the assistant: its user and open chat, and the frames that it is sent. */
export class AssistantConnection extends Connection<string> {
  readonly id = newId();
  readonly protocol = assistantProtocol;
  /** While the connection is in the hub: from before the look-up of the session on. */
  holder?: Claims;
  user?: SignedIn;
  cancelExpiry?: () => void;
  signInTimer?: NodeJS.Timeout;
  /** The open chat. */
  chatId?: string;
  /** The chat whose events the device receives: the open one, or one that is being opened. */
  private subscribedChatId?: string;
  /** While a chat is being opened: its events. */
  private waitingEvents?: WaitingEvents;
  readonly waiting = new WaitingFrames();
  /** The number of frames before a sign-in. */
  strange = 0;
  private readonly writer: FrameWriter;

  constructor(
    readonly socket: WebSocket,
    readonly visit: Visit,
    private readonly hub: Hub,
    private readonly metrics: Metrics,
  ) {
    super();
    this.writer = new FrameWriter(socket, () => metrics.slowConsumers.inc());
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
  }

  /**
   * Subscribes to the chat before `load` reads it, so that no event is missed.
   * @param created sent in place of the history of a new chat
   * @returns the number of sent characters
   */
  async openChat(
    chatId: string,
    load: (device: OpeningDevice) => Promise<void>,
    created?: AssistantEvent,
  ): Promise<number> {
    let sent = 0;
    const sendPast = (event: AssistantEvent): void | Promise<void> => {
      if (this.socket.readyState !== WebSocket.OPEN) return;
      const frame = JSON.stringify(created && event.type === 'chat_joined' ? created : event);
      sent += frame.length;
      return this.writer.writePast(frame);
    };
    const waiting = new WaitingEvents();
    this.waitingEvents = waiting;
    this.subscribedChatId = chatId;
    this.hub.subscribe(this, assistantTopic(chatId));
    try {
      await load({ waiting, sendPast, goLive: () => (this.waitingEvents = undefined) });
    } catch (error) {
      this.closeChat();
      throw error;
    }
    // The device may have left, or its token expired, meanwhile.
    this.chatId = this.subscribedChatId;
    return sent;
  }

  closeChat(): void {
    if (this.subscribedChatId) this.hub.unsubscribe(this, assistantTopic(this.subscribedChatId));
    this.chatId = this.subscribedChatId = this.waitingEvents = undefined;
  }

  /** @returns the code that it is counted under */
  refuse(error: unknown): string {
    const { code, message, reason, retryAfterMs } = toAppError(error);
    if (code === 'INTERNAL') logger.error({ err: error, socket_id: this.id }, 'frame failed');
    this.metrics.errors.inc({ code });
    const shown = error instanceof AssistantUnavailable ? 'ASSISTANT_UNAVAILABLE' : code;
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    this.reply({ type: 'error', data: { message, code: shown, ...(reason && { reason }), ...wait } });
    return code;
  }

  reply(event: AssistantEvent): void {
    this.writer.write(JSON.stringify(event));
  }
}
