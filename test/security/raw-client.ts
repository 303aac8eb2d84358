import { Waiting, type Account } from '#testing';
import WebSocket from 'ws';

const HANDSHAKE = '/socket.io/?EIO=4&transport=';

/** A WebSocket that speaks Engine.IO and Socket.IO by hand, without any checks. */
export class RawSocket extends Waiting {
  readonly frames: string[] = [];
  closed = false;

  private constructor(readonly socket: WebSocket) {
    super();
    socket.on('message', (data: Buffer) => {
      this.frames.push(data.toString());
      this.changed();
    });
    socket.on('close', () => {
      this.closed = true;
      this.changed();
    });
    // The close event that follows reports it.
    socket.on('error', () => {});
  }

  /** @throws Error (when the server refuses the connection) */
  static async open(url: string, headers: Record<string, string> = {}): Promise<RawSocket> {
    const raw = new RawSocket(
      new WebSocket(url.replace('http', 'ws') + HANDSHAKE + 'websocket', { headers }),
    );
    await raw.until(() => raw.frames[0] ?? (raw.closed || undefined), 'not opened');
    if (raw.closed) throw new Error('refused');
    return raw;
  }

  static async signedIn(url: string, { token }: Account): Promise<RawSocket> {
    const raw = await RawSocket.open(url);
    raw.send(`40${JSON.stringify({ token })}`);
    await raw.receives('42["sync:required"');
    return raw;
  }

  protected sofar(): string {
    return this.frames.map((frame) => frame.slice(0, 100)).join('\n');
  }

  send(frame: string | Buffer): void {
    this.socket.send(frame);
  }

  /** The first frame from that index on that starts with the text. */
  receives(start: string, from = 0): Promise<string> {
    return this.until(() => this.frames.slice(from).find((frame) => frame.startsWith(start)), `no ${start}`);
  }

  /** The frames that arrive before the answer to a final event. */
  async answers(...frames: (string | Buffer)[]): Promise<string[]> {
    const before = this.frames.length;
    for (const frame of frames) this.send(frame);
    this.send('42777["presence:watch",{"user_ids":[]}]');
    await this.until(() => this.closed || this.frames.includes('43777[{"status":"ok","items":[]}]', before));
    return this.closed ? ['closed'] : this.frames.slice(before).filter((frame) => !frame.startsWith('43777'));
  }

  ended(): Promise<unknown> {
    return this.until(() => this.closed || undefined, 'still open');
  }

  close(): void {
    this.socket.terminate();
  }
}

/** The same by polling: the session is the query, with its `sid`. */
export class RawPolling {
  private constructor(
    readonly address: string,
    readonly sid: string,
  ) {}

  static async open(url: string, headers: Record<string, string> = {}): Promise<RawPolling> {
    const opened = await (await fetch(`${url}${HANDSHAKE}polling`, { headers })).text();
    const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
    return new RawPolling(`${url}${HANDSHAKE}polling&sid=${sid}`, sid);
  }

  static async signedIn(url: string, { token }: Account): Promise<RawPolling> {
    const polling = await RawPolling.open(url);
    await polling.post(`40${JSON.stringify({ token })}`);
    while (!(await polling.poll()).includes('sync:required'));
    return polling;
  }

  async post(body: string): Promise<number> {
    return (await fetch(this.address, { method: 'POST', body })).status;
  }

  async poll(): Promise<string> {
    return (await fetch(this.address)).text();
  }

  async end(): Promise<void> {
    await this.post('1');
  }
}
