import type { Client as Database } from 'pg';
import type { Attack } from './attack.js';
import { addressOf, Client, flood } from './client.js';

/** These attackers create, change and contact as much as their limits allow. */

const MEMBERS = 1000;
const GROUPS = 25;

/** A group of filler accounts with different read cursors. */
export const groupTitle: Attack = {
  name: 'group-title',
  what: 'changes of the title of a group of 1,000',
  prepare: async (db, { group }) => {
    await join(db, [group], MEMBERS - 20);
    await db.query('UPDATE chats SET last_seq = $2 WHERE id = $1', [group, MEMBERS]);
    await db.query(
      `UPDATE chat_members SET last_read_seq = n.seq, last_delivered_seq = n.seq
       FROM (SELECT user_id, row_number() OVER () AS seq FROM chat_members WHERE chat_id = $1) AS n
       WHERE chat_id = $1 AND chat_members.user_id = n.user_id`,
      [group],
    );
  },
  run: async ({ api, attackers: [owner], group }, tally, isOver) => {
    const client = new Client(api, addressOf(0));
    await flood(20, 5000, isOver, async (i) => {
      const body = { title: `Title ${i}` };
      tally.answered(await client.ask('PATCH', `chats/${group}`, { token: owner!.token, body }));
    });
  },
};

async function join(db: Database, groups: string[], members: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT id FROM users WHERE handle LIKE 'filler\\_%' LIMIT $1`,
    [members],
  );
  const ids = rows.map(({ id }) => id);
  await db.query(
    `INSERT INTO chat_members (chat_id, user_id)
     SELECT chat_id, user_id FROM unnest($1::uuid[]) AS chat_id, unnest($2::uuid[]) AS user_id`,
    [groups, ids],
  );
  await db.query('UPDATE chats SET member_count = member_count + $2 WHERE id = ANY($1::uuid[])', [
    groups,
    members,
  ]);
  return ids;
}

interface Groups {
  groups: string[];
  members: string[];
}

export const groupChanges: Attack<Groups> = {
  name: 'group-changes',
  what: 'changes of the members of 75 groups of 200',
  prepare: async (db, { attackers }) => {
    const { rows } = await db.query<{ id: string }>(
      `INSERT INTO chats (id, type, title, member_count)
       SELECT gen_random_uuid(), 'group', 'Group', 1 FROM generate_series(1, $1::int) RETURNING id`,
      [3 * GROUPS],
    );
    const groups = rows.map(({ id }) => id);
    await db.query(
      `INSERT INTO chat_members (chat_id, user_id, role)
       SELECT id, owners[1 + (at - 1) / ${GROUPS}], 'owner'
       FROM unnest($1::uuid[]) WITH ORDINALITY AS t (id, at), (SELECT $2::uuid[] AS owners) AS o`,
      [groups, attackers.slice(0, 3).map(({ id }) => id)],
    );
    return { groups, members: await join(db, groups, 200) };
  },
  run: async ({ api, attackers, data: { groups, members } }, tally, isOver) => {
    const clients = [0, 1, 2].map((i) => new Client(api, addressOf(i)));
    await flood(60, 5000, isOver, async (i) => {
      const owner = i % 3;
      const { token } = attackers[owner]!;
      const path = `chats/${groups[owner * GROUPS + (i % GROUPS)]!}/members`;
      const member = members[i % members.length]!;
      const [method, of, body] =
        i % 2 ? (['POST', path, { user_ids: members }] as const) : (['DELETE', `${path}/${member}`] as const);
      tally.answered(await clients[owner]!.ask(method, of, { token, body }));
    });
  },
};

interface Strangers {
  ids: string[];
  handles: string[];
}

export const reach: Attack<Strangers> = {
  name: 'reach',
  what: 'requests, groups, chats and mentions that reach strangers',
  prepare: async (db) => {
    const { rows } = await db.query<{ id: string; handle: string }>(
      `SELECT id, handle FROM users WHERE handle LIKE 'filler\\_%' LIMIT 1000`,
    );
    return { ids: rows.map(({ id }) => id), handles: rows.map(({ handle }) => handle) };
  },
  run: async ({ api, attackers, data: { ids, handles } }, tally, isOver) => {
    const clients = attackers.map((_, i) => new Client(api, addressOf(i)));
    const some = <T>(all: T[], i: number) =>
      Array.from({ length: 20 }, (_, k) => all[(i * 20 + k) % all.length]!);
    const steps: ((i: number) => [string, object])[] = [
      (i) => ['friends/requests', { user_id: ids[i % ids.length] }],
      (i) => [
        'posts',
        {
          content: some(handles, i)
            .map((handle) => `@${handle}`)
            .join(' '),
        },
      ],
      (i) => ['chats', { type: 'direct', participant_ids: [ids[i % ids.length]] }],
      (i) => ['chats', { type: 'group', title: `Group ${i}`, participant_ids: ids }],
      (i) => ['services', { name: `Service ${i}`, price: 1, duration: 5 }],
    ];
    await flood(30, 20_000, isOver, async (i) => {
      const [path, body] = steps[i % steps.length]!(i);
      const { token } = attackers[i % 3]!;
      tally.answered(await clients[i % 3]!.ask('POST', path, { token, body }));
    });
  },
};
