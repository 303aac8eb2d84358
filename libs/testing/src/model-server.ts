import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { play, refuse, type Script } from './model-answer.js';
import { Waiting } from './waiting.js';

interface ModelCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
  extra_content?: object;
}

export interface ModelMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content?: string | null;
  tool_calls?: ModelCall[];
  reasoning_content?: string;
  tool_call_id?: string;
}

export interface ModelRequest {
  model: string;
  stream: boolean;
  temperature?: number;
  messages: ModelMessage[];
  tools?: { type: 'function'; function: { name: string; description: string; parameters: object } }[];
}

/**
 * Stands in for the language model: speaks the streaming chat-completions protocol over real TCP, and refuses with
 * 400, as the original does, what breaks that protocol. Each request is answered by the next script, or by the
 * standing one when there is none.
 */
export class ModelServer extends Waiting {
  /** Parsed bodies, newest last. */
  readonly requests: ModelRequest[] = [];
  /** Requests whose client went away before the end of the answer. */
  aborted = 0;
  /** What was wrong with requests that were refused. */
  readonly violations: string[] = [];
  private readonly scripts: Script[] = [];
  private standing: Script = { tokens: ['Да', ', ', 'конечно', '.'] };
  private readonly server = createServer((request, response) => void this.answer(request, response));
  private stopped = false;

  static async start(): Promise<ModelServer> {
    const model = new ModelServer();
    await new Promise<void>((resolve) => model.server.listen(0, '127.0.0.1', resolve));
    return model;
  }

  protected sofar(): string {
    return `${this.requests.length} requests, ${this.aborted} aborted`;
  }

  /** What a client's base URL is. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** Of the requests to come, each gets one of these. */
  answerWith(...scripts: Script[]): void {
    this.scripts.push(...scripts);
  }

  /** What is left of them is not answered with any more. */
  forget(): void {
    this.scripts.length = 0;
  }

  /** What answers when there is no script for one request. */
  answerAlways(script: Script): void {
    this.standing = script;
  }

  /** The contents of the newest request's messages without the system's, each after its role. */
  get prompt(): string[] {
    const { messages } = this.requests.at(-1)!;
    return messages.flatMap(({ role, content }) => (role === 'system' ? [] : [`${role}: ${content}`]));
  }

  /** The request of that number, from 1, once it has come. */
  request(number: number): Promise<ModelRequest> {
    return this.until(() => this.requests[number - 1], `no request number ${number}`);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let ours = false;
    response.on('close', () => {
      if (response.writableFinished || ours || this.stopped) return;
      this.aborted += 1;
      this.changed();
    });
    const body = (await json(request).catch(() => ({}))) as ModelRequest;
    const problem = problemOf(request, body);
    if (problem) {
      this.violations.push(problem);
      return refuse(response, 400, { error: { message: problem, type: 'stand_in', code: null } });
    }
    this.requests.push(body);
    const script = this.scripts.shift() ?? this.standing;
    ours = script.end === 'reset';
    this.changed();
    await play(script, response, String(this.requests.length));
  }
}

function problemOf({ method, url, headers }: IncomingMessage, body: ModelRequest): string | undefined {
  if (method !== 'POST' || url !== '/v1/chat/completions') return `${method} ${url}`;
  if (!/^Bearer \S+$/.test(headers.authorization ?? '')) return 'no key';
  if (!headers['content-type']?.startsWith('application/json')) return 'not JSON';
  if (!body.model || body.stream !== true) return 'no model, or no stream wanted';
  if (!Array.isArray(body.messages) || body.messages.length === 0) return 'no messages';
  let open: string[] = [];
  for (const message of body.messages) {
    if (message.role === 'tool') {
      if (!open.includes(message.tool_call_id ?? '')) return 'a tool result that no call asked for';
      open = open.filter((id) => id !== message.tool_call_id);
    } else {
      if (open.length > 0) return `${open.length} tool calls without a result`;
      open = message.tool_calls?.map(({ id }) => id) ?? [];
    }
    if (typeof message.content !== 'string' && !(message.content == null && message.tool_calls))
      return `a message of ${message.role} without content`;
  }
  return open.length > 0 ? 'the last tool calls have no result' : undefined;
}
