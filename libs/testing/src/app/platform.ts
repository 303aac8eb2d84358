import type { AuthAnswer, ChatDto, MessageDto } from '#contracts';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientOptions } from 'ws';
import { AssistantClient } from '../clients/assistant-client.js';
import { Device } from '../clients/device.js';
import { until } from '../waiting.js';

export interface Reply<T> {
  /** The method and path of the request. */
  route: string;
  status: number;
  body: T & { code?: string; details?: { field: string }[]; retry_after_ms?: number };
  headers: Headers;
}

/** @returns the body. @throws Error (when the answer has another status; it names the request and the answer) */
export function expectStatus<T>({ route, status, body }: Reply<T>, expected: number): Reply<T>['body'] {
  if (status !== expected) throw new Error(`${route}: ${status}, not ${expected}: ${JSON.stringify(body)}`);
  return body;
}

/** A signed-in user. */
export interface Account {
  id: string;
  email: string;
  token: string;
  refreshToken: string;
}

/** The platform as its clients use it, wherever it runs. */
export abstract class Platform {
  private readonly kept: { close(): void; violations: string[] }[] = [];

  /** The address of REST, and of sockets unless `socketUrl` differs. */
  abstract readonly url: string;
  abstract readonly databaseUrl: string;

  get socketUrl(): string {
    return this.url;
  }

  async request<T>(method: string, path: string, token?: string, body?: unknown): Promise<Reply<T>> {
    const response = await fetch(this.url + (path.startsWith('/') ? path : `/api/v2/${path}`), {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      route: `${method} ${path}`,
      status: response.status,
      body: (text ? JSON.parse(text) : {}) as Reply<T>['body'],
      headers: response.headers,
    };
  }

  /**
   * Sends a request such as `GET feed`, and returns the body of its answer.
   *
   * @throws Error (when it does not succeed)
   */
  async ask<T = { id: string }>({ token }: { token?: string }, route: string, body?: object): Promise<T> {
    const [method, path] = route.split(' ') as [string, string];
    const reply = await this.request<T>(method, path, token, body);
    return expectStatus(reply, reply.status < 300 ? reply.status : 200);
  }

  /** Several signed-in users. */
  people<N extends string[]>(...names: N): Promise<{ [K in keyof N]: Account }> {
    return Promise.all(names.map((name) => this.register(name))) as Promise<{ [K in keyof N]: Account }>;
  }

  async register(name = 'Somebody'): Promise<Account> {
    const email = `${randomUUID()}@example.com`;
    const account = { email, password: 'correct horse battery', name };
    const reply = await this.request<AuthAnswer>('POST', 'auth/register', undefined, account);
    // Many concurrent registrations exceed the limit of waiting password hashes.
    if (reply.status === 503 && reply.body.retry_after_ms) {
      await sleep(reply.body.retry_after_ms);
      return this.register(name);
    }
    const body = expectStatus(reply, 201);
    return { id: body.user.id, email, token: body.access_token, refreshToken: body.refresh_token };
  }

  /** Accounts without a password, created at once: for large groups and long lists. */
  async manyPeople(size: number): Promise<string[]> {
    const rows = await this.rows<{ id: string }>(
      `INSERT INTO users (id, email, password_hash, name, handle)
       SELECT id, id || '@example.com', '', 'Somebody', replace(id::text, '-', '')
       FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1)) AS ids RETURNING id`,
      [size],
    );
    return rows.map(({ id }) => id);
  }

  /** The direct chat of two users, or a group of more. */
  chat(creator: Account, ...otherPeople: Account[]): Promise<ChatDto> {
    if (otherPeople.length > 1) return this.group(creator, ...otherPeople);
    return this.made(creator, 'direct', otherPeople);
  }

  /** A group, also of two users. */
  group(creator: Account, ...otherPeople: { id: string }[]): Promise<ChatDto> {
    return this.made(creator, 'group', otherPeople);
  }

  private made(creator: Account, type: string, otherPeople: { id: string }[]): Promise<ChatDto> {
    return this.ask(creator, 'POST chats', { type, participant_ids: otherPeople.map(({ id }) => id) });
  }

  /** One connected device per account. */
  devices<A extends Account[]>(...accounts: A): Promise<{ [K in keyof A]: Device }> {
    return Promise.all(accounts.map((account) => this.device(account))) as Promise<{
      [K in keyof A]: Device;
    }>;
  }

  /** @param url the address of a node, when there are several */
  async device(account: Account, url = this.socketUrl): Promise<Device> {
    return this.keep(await Device.connect(url, account.token));
  }

  /** Reads the database directly. */
  abstract rows<T extends object>(sql: string, values?: unknown[]): Promise<T[]>;

  /** Waits until the last-seen time of a connected user is stored, which happens after the answer. */
  async lastSeenStored({ id }: Account): Promise<void> {
    const isStored = async () =>
      (await this.rows('SELECT FROM users WHERE id = $1 AND last_seen_at IS NOT NULL', [id])).length === 1;
    await until('last seen stored', isStored);
  }

  /** All messages of a chat as a member reads them. */
  async history(account: Account, chatId: string, query = 'limit=200'): Promise<MessageDto[]> {
    const path = `chats/${chatId}/messages?${query}`;
    return (await this.request<{ items: MessageDto[] }>('GET', path, account.token)).body.items;
  }

  /** A plain WebSocket to the assistant, not signed in. */
  async assistant(options?: ClientOptions): Promise<AssistantClient> {
    return this.keep(await AssistantClient.open(this.socketUrl, options));
  }

  /** Registers a device: its violations are checked when the app stops. */
  keep<D extends { close(): void; violations: string[] }>(device: D): D {
    this.kept.push(device);
    return device;
  }

  protected hangUp(): void {
    for (const device of this.kept) device.close();
  }

  /** @throws Error (when any device received something that the contract forbids) */
  protected expectContractKept(): void {
    const violations = [...new Set(this.kept.flatMap((device) => device.violations))];
    if (violations.length > 0) throw new Error(`contract broken:\n${violations.join('\n')}`);
  }
}
