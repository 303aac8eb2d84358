import { randomInt, randomUUID } from 'node:crypto';
import { Agent, get } from 'node:http';
import type WebSocket from 'ws';
import { accessToken, groupsOf, store, type Group } from './accounts.js';
import { whole } from './report.js';
import type { System } from './system.js';
import { connect } from './raw-client.js';

export const PAGE = 50;

/** A chat of two people with a given number of messages. */
export class LongChat {
  sends: number[] = [];
  pages: number[] = [];
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  private sent = 0;
  private wrong: string[] = [];
  private answered: (seq: number, text?: string) => void = () => {};
  private sockets: WebSocket[] = [];
  private token = '';
  private closed = false;

  private constructor(
    readonly system: System,
    readonly count: number,
    private readonly group: Group,
  ) {}

  static async open(system: System, count: number): Promise<LongChat> {
    const [group] = groupsOf(1, 2) as [Group];
    await store(system.db, [group]);
    const chat = new LongChat(system, count, group);
    console.error(`writing ${whole(count)} messages`);
    await chat.fill();
    for (const account of group.accounts) {
      const token = accessToken(account, system.secret);
      if (!chat.token) chat.token = token;
      chat.sockets.push(
        await connect(
          system.url,
          { token },
          {
            onMessage: () => {},
            onAck: (_ackId, seq, _tail, text) => chat.answered(seq, text),
            onOther: () => {},
            // No answer will come any more: fail instead of waiting forever.
            onClose: () => {
              if (!chat.closed) throw new Error('the system closed a connection');
            },
          },
        ),
      );
    }
    return chat;
  }

  /** Sends messages and loads pages, sequentially. The results are checked after the clock has stopped. */
  async block(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const before = randomInt(PAGE + 1, this.count);
      const start = performance.now();
      await this.send();
      const sent = performance.now();
      const body = await this.fetch(before);
      this.pages.push(performance.now() - sent);
      this.sends.push(sent - start);
      this.checkPage(before, body);
    }
  }

  forget(): void {
    this.sends = [];
    this.pages = [];
  }

  /** The nodes of the query plan for a page: an index range and no sort, at either size. */
  async plan(): Promise<string> {
    const { rows } = await this.system.db.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (FORMAT JSON) SELECT * FROM messages WHERE chat_id = '${this.group.id}' AND seq < ${this.count / 2}
       ORDER BY seq DESC LIMIT ${PAGE}`,
    );
    const names: string[] = [];
    for (let node: PlanNode | undefined = rows[0]!['QUERY PLAN'][0].Plan; node; node = node.Plans?.[0]) {
      names.push(node['Index Name'] ? `${node['Node Type']} on ${node['Index Name']}` : node['Node Type']);
    }
    return names.join(' > ');
  }

  /** Bytes per message on disk, including its indexes. */
  async bytesEach(): Promise<number> {
    const { rows } = await this.system.db.query<{ bytes: number }>(
      `SELECT pg_total_relation_size('messages')::float / count(*) AS bytes FROM messages`,
    );
    return rows[0]!.bytes;
  }

  async problems(): Promise<string[]> {
    const { rows } = await this.system.db.query<{ rows: number; last: number; counter: number }>(
      `SELECT count(*)::int AS rows, max(seq) AS last, (SELECT last_seq FROM chats WHERE id = $1) AS counter
       FROM messages WHERE chat_id = $1`,
      [this.group.id],
    );
    const found = rows[0]!;
    const expected = this.count + this.sent;
    for (const [what, value] of Object.entries(found)) {
      if (value !== expected) this.wrong.push(`${what}: ${value} where ${expected} messages were sent`);
    }
    return this.wrong.map((problem) => `chat of ${whole(this.count)}: ${problem}`);
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const socket of this.sockets) socket.terminate();
    this.agent.destroy();
    await this.system.stop();
  }

  /** Fills the table as if the messages had been sent one by one: ids in order of time, random client ids. */
  private async fill(): Promise<void> {
    const { db } = this.system;
    await db.query(
      `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, client_id, created_at)
       SELECT uuidv7((n - $4::int) * interval '10 seconds'), $1, n, (ARRAY[$2::uuid, $3::uuid])[1 + n % 2], 'text',
              'Message ' || n || ': see you on Thursday, then. I would come straight from work.',
              gen_random_uuid()::text, now() + (n - $4::int) * interval '10 seconds'
       FROM generate_series(1, $4::int) AS n`,
      [this.group.id, this.group.accounts[0]!.id, this.group.accounts[1]!.id, this.count],
    );
    const marks = [this.group.id, this.count];
    await db.query('UPDATE chats SET last_seq = $2 WHERE id = $1', marks);
    await db.query(
      'UPDATE chat_members SET last_read_seq = $2, last_delivered_seq = $2 WHERE chat_id = $1',
      marks,
    );
    await db.query('VACUUM ANALYZE');
  }

  private send(): Promise<void> {
    const expected = this.count + ++this.sent;
    const id = randomUUID();
    this.sockets[0]!.send(
      `42${this.sent}["chat:message:send",{"chat_id":"${this.group.id}","type":"text","content":"Yes.","client_id":"${id}"}]`,
    );
    return new Promise((resolve) => {
      this.answered = (seq, text) => {
        if (seq !== expected) this.wrong.push(text ?? `seq ${seq} where ${expected} was next`);
        resolve();
      };
    });
  }

  private fetch(before: number): Promise<string> {
    const url = `${this.system.url}/api/v2/chats/${this.group.id}/messages?limit=${PAGE}&before_seq=${before}`;
    return new Promise((resolve, reject) => {
      get(url, { agent: this.agent, headers: { authorization: `Bearer ${this.token}` } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve(text));
      }).on('error', reject);
    });
  }

  private checkPage(before: number, body: string): void {
    const { items = [] } = JSON.parse(body) as { items?: { seq: number }[] };
    const complete = items.length === PAGE && items.every(({ seq }, i) => seq === before - PAGE + i);
    if (!complete)
      this.wrong.push(`the page before ${before} is not the ${PAGE} messages there: ${body.slice(0, 200)}`);
  }
}

interface PlanNode {
  'Node Type': string;
  'Index Name'?: string;
  Plans?: PlanNode[];
}
