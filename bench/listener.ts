import { Agent, request } from 'node:http';
import WebSocket from 'ws';

/**
 * Receives answers, over `/ws/chat` or directly from the model, and measures the delay of each token. A separate
 * process, so that receiving costs the same for both.
 */

export type ListenOrder =
  | { do: 'open'; url: string; tokens: string[] }
  /** Each question on its own connection, in a new chat; started `apart` milliseconds after each other. */
  | { do: 'system' | 'direct'; url: string; questions: string[]; apart: number };

export interface Listened {
  /** Milliseconds between sending and arrival of each token. */
  delays: Float64Array;
  seconds: number;
  /** Share of one core that this process used. Near 1, receiving itself was the bottleneck. */
  load: number;
  /** The received answer to each question. */
  answers: Map<string, string>;
  problems: string[];
}

const now = () => Number(process.hrtime.bigint() / 1000n);

/** One answer while it is received. */
class Recording {
  text = '';
  readonly delays: number[] = [];
  readonly problems: string[] = [];

  constructor(
    readonly question: string,
    private readonly done: (recording: Recording) => void,
  ) {}

  token(token: string, index: number): void {
    const at = now();
    const [number, sentAt] = token.split(':');
    const expected = this.delays.length;
    if (Number(number) !== expected || index !== expected)
      this.problems.push(`${this.question}: token ${number} came as ${index} in place ${expected}`);
    this.delays.push((at - Number(sentAt)) / 1000);
    this.text += token;
  }

  /** `whole`: the complete answer according to the server. */
  end(whole = this.text): void {
    if (whole !== this.text) this.problems.push(`${this.question}: the whole is not the sum of its tokens`);
    if (this.delays.length !== Number(this.question.split(' ')[1]))
      this.problems.push(`${this.question}: ${this.delays.length} tokens`);
    this.done(this);
  }

  fail(why: string): void {
    this.problems.push(`${this.question}: ${why}`);
    this.done(this);
  }
}

interface Frame {
  type: string;
  data: { token: string; index: number; content: string; message: string };
}

/** A device signed in to the assistant. */
class Device {
  private recording?: Recording;
  private received?: () => void;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (raw: Buffer) => this.receive(JSON.parse(raw.toString()) as Frame));
    socket.on('close', () => this.recording?.fail('the connection was lost'));
  }

  static async open(url: string, token: string): Promise<Device> {
    const device = new Device(new WebSocket(`${url.replace('http', 'ws')}/ws/chat`));
    await new Promise<void>((resolve) => (device.received = resolve));
    device.send('join_chat', { token });
    return device;
  }

  async newChat(): Promise<void> {
    const created = new Promise<void>((resolve) => (this.received = resolve));
    this.send('create_chat');
    await created;
  }

  ask(recording: Recording): void {
    this.recording = recording;
    this.send('message', { message: recording.question });
  }

  private receive({ type, data }: Frame): void {
    if (type === 'assistant_message_token') this.recording!.token(data.token, data.index);
    else if (type === 'assistant_message_complete') this.recording!.end(data.content);
    else if (type === 'error') this.recording?.fail(data.message);
    else if (type === 'connected' || type === 'chat_created') this.received?.();
  }

  private send(type: string, data: object = {}): void {
    this.socket.send(JSON.stringify({ type, data }));
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

function askDirectly(url: string, recording: Recording): void {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer bench' };
  const asked = request(`${url}/chat/completions`, { method: 'POST', headers, agent }, (response) => {
    let rest = '';
    let index = 0;
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const lines = (rest + text).split('\n\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (line === 'data: [DONE]') return recording.end();
        const { choices } = JSON.parse(line.slice(6)) as { choices: [{ delta: { content?: string } }] };
        const { content } = choices[0].delta;
        if (content) recording.token(content, index++);
      }
    });
  });
  asked.on('error', ({ message }) => recording.fail(message));
  const messages = [{ role: 'user', content: recording.question }];
  asked.end(JSON.stringify({ model: 'fake-model', stream: true, messages }));
}

let devices: Device[] = [];

async function listen(order: Exclude<ListenOrder, { do: 'open' }>): Promise<Listened> {
  const { questions, url, apart } = order;
  if (order.do === 'system') for (const device of devices) await device.newChat();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const recordings = await Promise.all(
    questions.map(
      (question, i) =>
        new Promise<Recording>((resolve) => {
          const recording = new Recording(question, resolve);
          const ask = () =>
            order.do === 'direct' ? askDirectly(url, recording) : devices[i]!.ask(recording);
          setTimeout(ask, i * apart);
        }),
    ),
  );
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    delays: Float64Array.from(recordings.flatMap(({ delays }) => delays)),
    seconds,
    load: (user + system) / 1e6 / seconds,
    answers: new Map(recordings.map(({ question, text }) => [question, text])),
    problems: recordings.flatMap(({ problems }) => problems),
  };
}

async function run(order: ListenOrder): Promise<object> {
  if (order.do !== 'open') return listen(order);
  devices = [];
  for (const token of order.tokens) devices.push(await Device.open(order.url, token));
  return {};
}

process.on('message', (order: ListenOrder) => {
  run(order).then(
    (answer) => process.send!(answer),
    (error: unknown) => process.send!({ failed: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
