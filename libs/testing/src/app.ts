import type { AuthAnswer, ChatDto, MessageDto } from '#contracts';
import { PgPool, loadConfig } from '#platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomUUID } from 'node:crypto';
import type { ClientOptions } from 'ws';
import { createApp } from '../../../apps/standalone/src/app.js';
import { AssistantClient } from './assistant-client.js';
import { createTestDatabase } from './database.js';
import { Device } from './device.js';

export interface Reply<T> {
  status: number;
  body: T & { code?: string; details?: { field: string }[]; retry_after_ms?: number };
  headers: Headers;
}

/** Somebody signed in. */
export interface Account {
  id: string;
  email: string;
  token: string;
  refreshToken: string;
}

/** What the apps of tests sign tokens with. */
export const SIGNING_KEY = 'test-secret-test-secret-test-secret';

/** The whole platform on a database of its own, on a port of its own. */
export class TestApp {
  private readonly kept: { close(): void; violations: string[] }[] = [];

  private constructor(
    readonly app: NestFastifyApplication,
    readonly url: string,
    readonly databaseUrl: string,
    private readonly dropDatabase: () => Promise<void>,
  ) {}

  /** Limits are lifted unless `env` sets them. */
  static async start(env: Record<string, string> = {}): Promise<TestApp> {
    const database = env.DATABASE_URL ? undefined : await createTestDatabase();
    const lifted = {
      MESSAGE_RATE: '100000',
      MESSAGE_BURST: '100000',
      SOCKET_EVENT_RATE: '100000',
      SIGN_IN_RATE: '1000',
      ASSISTANT_RATE: '100000',
    };
    const databaseUrl = database?.url ?? env.DATABASE_URL!;
    const config = loadConfig({
      DATABASE_URL: databaseUrl,
      JWT_SECRET: SIGNING_KEY,
      PRESENCE_GRACE_MS: '300',
      REST_WRITE_RATE: '100000',
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent',
      ...lifted,
      ...env,
    });
    const app = await createApp(config);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    return new TestApp(app, `http://127.0.0.1:${port}`, databaseUrl, async () => database?.drop());
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
      status: response.status,
      body: (text ? JSON.parse(text) : {}) as Reply<T>['body'],
      headers: response.headers,
    };
  }

  /** Several who have signed in. */
  people<N extends string[]>(...names: N): Promise<{ [K in keyof N]: Account }> {
    return Promise.all(names.map((name) => this.register(name))) as Promise<{ [K in keyof N]: Account }>;
  }

  async register(name = 'Somebody'): Promise<Account> {
    const email = `${randomUUID()}@example.com`;
    const { status, body } = await this.request<AuthAnswer>('POST', 'auth/register', undefined, {
      email,
      password: 'correct horse battery',
      name,
    });
    if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
    return { id: body.user.id, email, token: body.access_token, refreshToken: body.refresh_token };
  }

  /** Accounts without a password, made at once: for large groups and long lists. */
  async crowd(size: number): Promise<string[]> {
    const rows = await this.rows<{ id: string }>(
      `INSERT INTO users (id, email, password_hash, name, handle)
       SELECT id, id || '@example.com', '', 'Somebody', replace(id::text, '-', '')
       FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1)) AS ids RETURNING id`,
      [size],
    );
    return rows.map(({ id }) => id);
  }

  /** The direct chat of two, or a group of more. */
  chat(creator: Account, ...others: Account[]): Promise<ChatDto> {
    if (others.length > 1) return this.group(creator, ...others);
    return this.made(creator, 'direct', others);
  }

  /** A group, also of two. */
  group(creator: Account, ...others: { id: string }[]): Promise<ChatDto> {
    return this.made(creator, 'group', others);
  }

  private async made(creator: Account, type: string, others: { id: string }[]): Promise<ChatDto> {
    const body = { type, participant_ids: others.map(({ id }) => id) };
    const reply = await this.request<ChatDto>('POST', 'chats', creator.token, body);
    if (reply.status > 201) throw new Error(`chat: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  /** A connected device of each. */
  devices<A extends Account[]>(...accounts: A): Promise<{ [K in keyof A]: Device }> {
    return Promise.all(accounts.map((account) => this.device(account))) as Promise<{
      [K in keyof A]: Device;
    }>;
  }

  async device(account: Account): Promise<Device> {
    return this.keep(await Device.connect(this.url, account.token));
  }

  /** What is stored, whatever the app says of it. */
  async rows<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.app.get(PgPool).query<T>(sql, values)).rows;
  }

  /** Everything in a chat as its member reads it. */
  async history(account: Account, chatId: string, query = 'limit=200'): Promise<MessageDto[]> {
    const path = `chats/${chatId}/messages?${query}`;
    return (await this.request<{ items: MessageDto[] }>('GET', path, account.token)).body.items;
  }

  /** A plain WebSocket at the assistant, not signed in yet. */
  async assistant(options?: ClientOptions): Promise<AssistantClient> {
    return this.keep(await AssistantClient.open(this.url, options));
  }

  /** Has a device's violations looked at when the app stops. */
  keep<D extends { close(): void; violations: string[] }>(device: D): D {
    this.kept.push(device);
    return device;
  }

  /** @throws when any device heard something that the contract does not allow */
  async stop(): Promise<void> {
    for (const device of this.kept) device.close();
    await this.app.close();
    await this.dropDatabase();
    const violations = [...new Set(this.kept.flatMap((device) => device.violations))];
    if (violations.length > 0) throw new Error(`contract broken:\n${violations.join('\n')}`);
  }
}
