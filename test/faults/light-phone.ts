import type { SyncAnswer } from '#contracts';
import { SIGNING_KEY, type Platform } from '#testing';
import jwt from 'jsonwebtoken';
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

/** Phones keep their connections; thousands of them in one process share some. */
const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** A phone of which a process can run thousands: the needed part of Socket.IO, on raw text frames. */
export class LightPhone {
  /** REST answers to all of them, by status. A client cannot handle an unexpected one. */
  static readonly answers = new Map<number, number>();
  private socket?: WebSocket;
  private cursor?: string;
  /** By chat: all messages up to this seq have arrived. */
  readonly seqs = new Map<string, number>();
  syncedAt?: number;

  constructor(
    private readonly apiUrl: string,
    private readonly token: string,
  ) {}

  /** Connects and catches up; again after any failure. */
  async comeIn(url: string): Promise<void> {
    this.syncedAt = undefined;
    for (;;)
      try {
        await this.connect(url);
        break;
      } catch {
        await sleep(500 + Math.random() * 500);
      }
    await this.sync();
    this.syncedAt = Date.now();
  }

  hangUp(): void {
    this.socket?.terminate();
  }

  private connect(url: string): Promise<void> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`);
    this.socket = socket;
    return new Promise((resolve, reject) => {
      socket.on('message', (data: Buffer) => {
        const frame = data.toString();
        if (frame === '2') socket.send('3');
        else if (frame.startsWith('0')) socket.send(`40${JSON.stringify({ token: this.token })}`);
        else if (frame.startsWith('42["sync:required"')) resolve();
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed')));
    });
  }

  private async sync(): Promise<void> {
    const query = this.cursor === undefined ? '' : `?cursor=${encodeURIComponent(this.cursor)}`;
    const { chats, cursor } = await this.get<SyncAnswer>(`sync${query}`);
    for (const { id, last_seq } of chats)
      for (let seq = this.seqs.get(id) ?? 0; seq < last_seq; this.seqs.set(id, seq)) {
        const page = await this.get<{ items: { seq: number }[] }>(`chats/${id}/messages?after_seq=${seq}`);
        for (const message of page.items) if (message.seq === seq + 1) seq += 1;
      }
    this.cursor = cursor;
  }

  /** Repeats until it is answered: a rate-limited request waits for its `retry_after_ms`. */
  private async get<T>(path: string): Promise<T> {
    for (;;) {
      const { status, body } = await this.ask(path);
      LightPhone.answers.set(status, (LightPhone.answers.get(status) ?? 0) + 1);
      if (status === 200) return body as T;
      const { retry_after_ms } = body as { retry_after_ms?: number };
      if (retry_after_ms === undefined) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
      await sleep(retry_after_ms * (1 + Math.random()));
    }
  }

  private ask(path: string): Promise<{ status: number; body: unknown }> {
    const headers = { authorization: `Bearer ${this.token}` };
    return new Promise((resolve, reject) => {
      request(`${this.apiUrl}/api/v2/${path}`, { agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()) }),
        );
      })
        .on('error', reject)
        .end();
    });
  }
}

/** Makes groups of signed-in people at once. @returns the people's tokens by chat */
export async function signedInGroups(
  platform: Platform,
  chats: number,
  members: number,
): Promise<Map<string, string[]>> {
  const ids = await platform.manyPeople(chats * members);
  const sessions = await platform.rows<{ id: string; user_id: string }>(
    `INSERT INTO sessions (id, user_id, expires_at)
     SELECT gen_random_uuid(), id, now() + interval '1 day' FROM unnest($1::uuid[]) AS id RETURNING id, user_id`,
    [ids],
  );
  const chatIds = Array.from({ length: chats }, () => randomUUID());
  await platform.rows(
    `INSERT INTO chats (id, type, title, member_count)
     SELECT id, 'group', 'Somebody’s', $2 FROM unnest($1::uuid[]) AS id`,
    [chatIds, members],
  );
  await platform.rows(
    'INSERT INTO chat_members (chat_id, user_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])',
    [ids.map((_, i) => chatIds[Math.floor(i / members)]), ids],
  );
  await platform.rows('ANALYZE');
  const sessionOf = new Map(sessions.map(({ id, user_id }) => [user_id, id]));
  const tokens = ids.map((sub) =>
    jwt.sign({ sub, sid: sessionOf.get(sub), jti: randomUUID(), typ: 'access' }, SIGNING_KEY, {
      algorithm: 'HS256',
      issuer: 'service-platform',
      audience: 'service-platform',
      expiresIn: '1h',
    }),
  );
  return new Map(chatIds.map((id, i) => [id, tokens.slice(i * members, (i + 1) * members)]));
}
