import { randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Client } from 'pg';
import type { RelayAuth } from './relay.js';

export interface Account {
  id: string;
  sessionId: string;
  name: string;
}

export interface Group {
  id: string;
  accounts: Account[];
}

/** Chats of people who are in no other chat, so that a device receives only the messages of its chat. */
export function groupsOf(count: number, members: number): Group[] {
  return Array.from({ length: count }, () => ({
    id: randomUUID(),
    accounts: Array.from({ length: members }, (_, i) => ({
      id: randomUUID(),
      sessionId: randomUUID(),
      name: `Guest ${String(i).padStart(4, '0')}`,
    })),
  }));
}

/** Inserts into the tables directly: registering 1,500 people over REST would measure the password hash. */
export async function store(db: Client, groups: Group[]): Promise<void> {
  const accounts = groups.flatMap((group) => group.accounts);
  const ids = accounts.map((account) => account.id);
  await db.query(
    `INSERT INTO users (id, email, password_hash, name, handle)
     SELECT id, id || '@bench.invalid', 'none', name, replace(id::text, '-', '')
     FROM unnest($1::uuid[], $2::text[]) AS t (id, name)`,
    [ids, accounts.map((account) => account.name)],
  );
  await db.query(
    `INSERT INTO sessions (id, user_id, expires_at)
     SELECT id, user_id, now() + interval '1 day' FROM unnest($1::uuid[], $2::uuid[]) AS t (id, user_id)`,
    [accounts.map((account) => account.sessionId), ids],
  );
  await db.query(
    `INSERT INTO chats (id, type, title, direct_key, member_count)
     SELECT id, (CASE WHEN pair IS NULL THEN 'group' ELSE 'direct' END)::chat_type,
            CASE WHEN pair IS NULL THEN 'Bench' END, pair, size
     FROM unnest($1::uuid[], $2::text[], $3::int[]) AS t (id, pair, size)`,
    [groups.map((group) => group.id), groups.map(pairKey), groups.map((group) => group.accounts.length)],
  );
  await db.query(
    `INSERT INTO chat_members (chat_id, user_id)
     SELECT chat_id, user_id FROM unnest($1::uuid[], $2::uuid[]) AS t (chat_id, user_id)`,
    [groups.flatMap((group) => group.accounts.map(() => group.id)), ids],
  );
  await db.query('ANALYZE');
}

export function accessToken(account: Account, secret: string): string {
  return jwt.sign({ sub: account.id, sid: account.sessionId, jti: randomUUID(), typ: 'access' }, secret, {
    algorithm: 'HS256',
    issuer: 'service-platform',
    audience: 'service-platform',
    expiresIn: '1h',
  });
}

export function relayAuth(account: Account, group: Group): RelayAuth {
  return { user_id: account.id, name: account.name, chats: [group.id] };
}

function pairKey({ accounts }: Group): string | null {
  return accounts.length === 2
    ? accounts
        .map((account) => account.id)
        .sort()
        .join(':')
    : null;
}
