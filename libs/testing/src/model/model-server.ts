import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { play, refuse, type Script } from './model-answer.js';
import { Waiting } from '../waiting.js';

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

interface ModelRequest {
  model: string;
  stream: boolean;
  temperature?: number;
  messages: ModelMessage[];
  tools?: { type: 'function'; function: { name: string; description: string; parameters: object } }[];
}

/**
 * A fake language model. It speaks the streaming chat-completions protocol over real TCP, and refuses protocol errors
 * with 400, as the original does. Each request is answered by the next script, or by the default script when none is
 * left.
 */
export class ModelServer extends Waiting {
  /** Parsed bodies, newest last. */
  readonly requests: ModelRequest[] = [];
  /** Number of requests whose client disconnected before the end of the answer. */
  aborted = 0;
  /** The protocol errors of refused requests. */
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

  /** The base URL for a client. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** Queues one script for each of the next requests. */
  answerWith(...scripts: Script[]): void {
    this.scripts.push(...scripts);
  }

  /** Drops the queued scripts. */
  forget(): void {
    this.scripts.length = 0;
  }

  /** Sets the script for requests without one of their own. */
  answerAlways(script: Script): void {
    this.standing = script;
  }

  /** The messages of the newest request without the system message: each is its role and content. */
  get prompt(): string[] {
    const { messages } = this.requests.at(-1)!;
    return messages.flatMap(({ role, content }) => (role === 'system' ? [] : [`${role}: ${content}`]));
  }

  /** Waits for the request with this number, from 1. */
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
