import WebSocket, { type ClientOptions } from 'ws';
import { Waiting } from '../waiting.js';

export interface Frame {
  type: string;
  data: Record<string, string>;
}

/**
 * A client of the assistant: a plain WebSocket that records every frame. A repeated token, or one after a gap, is added
 * to `violations`. An answer that is sent again begins with `assistant_message_start`.
 */
export class AssistantClient extends Waiting {
  readonly received: Frame[] = [];
  readonly violations: string[] = [];
  /** The close code after the connection has ended. */
  dropped?: number;
  private readonly lastIndex = new Map<string, number>();

  private constructor(readonly socket: WebSocket) {
    super();
    socket.on('message', (raw: Buffer, isBinary) => {
      if (isBinary) this.violations.push('a binary frame');
      this.receive(JSON.parse(raw.toString()) as Frame);
    });
    socket.on('close', (code) => {
      this.dropped = code;
      this.changed();
    });
    // Reported by the close that follows.
    socket.on('error', () => {});
  }

  /** Connects and waits until the server confirms the connection. */
  static async open(url: string, options: ClientOptions = {}): Promise<AssistantClient> {
    const client = new AssistantClient(new WebSocket(`${url.replace('http', 'ws')}/ws/chat`, options));
    await client.next('connected');
    return client;
  }

  protected sofar(): string {
    const ended = this.dropped === undefined ? [] : [`closed ${this.dropped}`];
    return [
      ...this.received.map(({ type, data }) => `${type} ${JSON.stringify(data).slice(0, 80)}`),
      ...ended,
    ].join('\n');
  }

  send(type: string, data: object = {}): void {
    this.sendRaw(JSON.stringify({ type, data }));
  }

  sendRaw(frame: string | Buffer): void {
    this.socket.send(frame);
  }

  all<T = Record<string, string>>(type: string): T[] {
    return this.received.filter((frame) => frame.type === type).map(({ data }) => data as T);
  }

  /** The first such frame, received or still to come. */
  next<T = Record<string, string>>(type: string, matches: (data: T) => boolean = () => true): Promise<T> {
    return this.until(() => this.all<T>(type).find(matches), `${type} was not received`);
  }

  /** Sends a frame and waits for the first answer of that type; earlier frames do not count. */
  async ask<T = Record<string, string>>(type: string, data: object, answer: string): Promise<T> {
    const before = this.all(answer).length;
    this.send(type, data);
    return await this.until(() => this.all<T>(answer)[before], `${type} was not answered with ${answer}`);
  }

  /** The tokens of an answer on this connection, since its last start. */
  tokens(messageId: string): string[] {
    const ofAnswer = this.received.filter(({ data }) => data.messageId === messageId);
    const start = ofAnswer.findLastIndex(({ type }) => type === 'assistant_message_start');
    return ofAnswer
      .slice(start + 1)
      .flatMap(({ type, data }) => (type === 'assistant_message_token' ? [data.token!] : []));
  }

  /** Waits for a round trip: after it, `received` has everything that the server had sent before. */
  async settled(): Promise<void> {
    const pong = new Promise((resolve) => this.socket.once('pong', resolve));
    this.socket.ping();
    await pong;
  }

  /** Waits until the server has closed the connection. */
  disconnected(timeoutMs?: number): Promise<number> {
    return this.until(() => this.dropped, 'still connected', timeoutMs);
  }

  close(): void {
    this.socket.terminate();
  }

  private receive(frame: Frame): void {
    this.received.push(frame);
    if (frame.type === 'assistant_message_start') this.lastIndex.set(frame.data.messageId!, -1);
    if (frame.type === 'assistant_message_token') {
      const { messageId, index } = frame.data as unknown as { messageId: string; index: number };
      const last = this.lastIndex.get(messageId);
      if (last !== undefined && index !== last + 1) this.violations.push(`token ${index} after ${last}`);
      this.lastIndex.set(messageId, index);
    }
    this.changed();
  }
}
