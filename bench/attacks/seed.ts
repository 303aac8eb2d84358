import { hash } from '@node-rs/argon2';
import type { Client as Database } from 'pg';
import { accessToken, groupsOf, store } from '../accounts.js';
import type { Account, Scene } from './attack.js';
import type { Credentials, HonestUser } from './honest.js';

const FILLERS = 50_000;
/** Pairs of honest users; both users of the first few pairs are connected. */
const PAIRS = 30;
const CONNECTED = 5;
const ATTACKERS = 20;
const PASSWORD = 'correct horse battery';

/** Enough rows to make searches expensive: each of these users offers a service, and a few write posts. */
export async function fill(db: Database): Promise<void> {
  await db.query(
    `INSERT INTO users (id, email, password_hash, name, handle)
     SELECT gen_random_uuid(), 'filler' || i || '@bench.invalid', 'none',
       (ARRAY['Анна', 'Мария', 'Олег', 'Иван'])[1 + i % 4] || ' ' ||
       (ARRAY['Иванова', 'Петренко', 'Соколова'])[1 + i % 3] || ' ' || i, 'filler_' || i
     FROM generate_series(1, ${FILLERS}) AS i`,
  );
  await db.query(
    `INSERT INTO services (id, master_id, name, description, price, duration)
     SELECT gen_random_uuid(), id, 'Маникюр и педикюр ' || name, repeat('быстро и недорого ', 20), 1000, 60
     FROM users WHERE handle LIKE 'filler\\_%'`,
  );
  await db.query(
    `INSERT INTO posts (id, author_id, content)
     SELECT uuidv7(), id, repeat('Новости мастера. ', 20)
     FROM (SELECT id FROM users WHERE handle LIKE 'filler\\_%' LIMIT 200) AS authors, generate_series(1, 10)`,
  );
}

/** Honest users. Each has signed in before, from their own address. */
export async function honestUsers(
  db: Database,
  secret: string,
  realtime: string[],
): Promise<{ users: HonestUser[]; credentials: Credentials[] }> {
  const pairs = groupsOf(PAIRS, 2);
  await store(db, pairs);
  const accounts = pairs.flatMap((pair) => pair.accounts.map((account) => ({ ...account, chat: pair.id })));
  const addresses = accounts.map((_, i) => `127.10.0.${i + 1}`);
  const ids = accounts.map(({ id }) => id);
  await db.query('UPDATE users SET password_hash = $1 WHERE id = ANY($2::uuid[])', [
    await hash(PASSWORD),
    ids,
  ]);
  await db.query(
    `UPDATE sessions SET ip = t.ip FROM unnest($1::uuid[], $2::text[]) AS t (id, ip) WHERE user_id = t.id`,
    [ids, addresses],
  );
  await db.query(
    `INSERT INTO follows (follower_id, followee_id)
     SELECT follower, author_id FROM unnest($1::uuid[]) AS follower, (SELECT DISTINCT author_id FROM posts) AS authors`,
    [ids],
  );
  return {
    users: accounts.slice(0, 2 * CONNECTED).map((account, i) => ({
      token: accessToken(account, secret),
      address: addresses[i]!,
      realtime: realtime[i % realtime.length]!,
      chat: account.chat,
    })),
    credentials: accounts.map(({ id }, i) => ({
      email: `${id}@bench.invalid`,
      password: PASSWORD,
      address: addresses[i]!,
    })),
  };
}

/** New accounts in one group. */
export async function attackers(db: Database, secret: string): Promise<Pick<Scene, 'attackers' | 'group'>> {
  const [group] = groupsOf(1, ATTACKERS) as [ReturnType<typeof groupsOf>[number]];
  await store(db, [group]);
  const accounts: Account[] = group.accounts.map((account) => ({
    id: account.id,
    email: `${account.id}@bench.invalid`,
    token: accessToken(account, secret),
  }));
  await db.query(`UPDATE chat_members SET role = 'owner' WHERE chat_id = $1 AND user_id = $2`, [
    group.id,
    accounts[0]!.id,
  ]);
  return { attackers: accounts, group: group.id };
}

/** A chat with messages of 4,000 characters. */
export async function longChat(
  db: Database,
  chat: string,
  sender: string,
  text: string,
  count: number,
): Promise<void> {
  await db.query(
    `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at)
     SELECT uuidv7(), $1, i, $2, 'text', repeat($3, 4000 / length($3)), now() FROM generate_series(1, $4::int) AS i`,
    [chat, sender, text, count],
  );
  await db.query('UPDATE chats SET last_seq = $2 WHERE id = $1', [chat, count]);
}
