import { setTimeout as sleep } from 'node:timers/promises';
import type WebSocket from 'ws';
import { connect } from '../raw-client.js';
import { Client } from './client.js';

/** A process of honest users: each acts twice a second, and waits for the answer. */

export interface HonestUser {
  token: string;
  address: string;
  realtime: string;
  chat: string;
}
export interface Credentials {
  email: string;
  password: string;
  address: string;
}
export type HonestOrder =
  | { do: 'open'; api: string; users: HonestUser[]; credentials: Credentials[] }
  | { do: 'act'; seconds: number; signIn: boolean };
export interface Honest {
  /** The time of each answer, milliseconds. */
  waits: Float64Array;
  errors: string[];
}

/** Time between two acts of a user, ms. */
const PACE = 500;
/** The acts of a user, in a cycle. */
const ACTS = ['send', 'chats', 'send', 'feed'];
/** Every 10th act comes with a sign-in. */
const SIGN_IN_EVERY = 10;
const PATIENCE_MS = 10_000;

let users: User[] = [];
let credentials: Credentials[] = [];
let api: string;
let signedIn = 0;

class User {
  private socket?: WebSocket;
  private readonly client: Client;
  private readonly acks = new Map<number, (problem?: string) => void>();
  private sent = 0;

  constructor(
    private readonly user: HonestUser,
    api: string,
  ) {
    this.client = new Client(api, user.address);
  }

  async connect(): Promise<void> {
    this.socket = await connect(
      this.user.realtime,
      { token: this.user.token },
      {
        onMessage: () => {},
        onAck: (id, seq, _, text) => this.acks.get(id)?.(seq < 0 ? text : undefined),
        onOther: () => {},
        onClose: () => this.acks.forEach((done) => done('disconnected')),
      },
      this.user.address,
    );
  }

  /** @returns an error, if any */
  async act(what: string): Promise<string | undefined> {
    if (what === 'send') return this.send();
    const status = await this.client.ask('GET', what, { token: this.user.token });
    return status === 200 ? undefined : `${what}: ${status}`;
  }

  private send(): Promise<string | undefined> {
    const id = this.sent++;
    const payload = { chat_id: this.user.chat, type: 'text', content: `Hello ${id}`, client_id: `${id}` };
    return new Promise((resolve) => {
      const done = (problem?: string) => {
        clearTimeout(timer);
        this.acks.delete(id);
        resolve(problem && `send: ${problem}`);
      };
      const timer = setTimeout(done, PATIENCE_MS, 'no answer');
      this.acks.set(id, done);
      this.socket!.send(`42${id}["chat:message:send",${JSON.stringify(payload)}]`, (error) => {
        if (error) done(error.message);
      });
    });
  }
}

/** Signs in from a known address. The accounts take turns, so none reaches its own limit. */
async function signIn(): Promise<string | undefined> {
  const { address, ...body } = credentials[signedIn++ % credentials.length]!;
  const client = new Client(api, address, 1);
  const status = await client.ask('POST', 'auth/login', { body });
  return status === 200 ? undefined : `sign-in: ${status}`;
}

async function act(seconds: number, withSignIn: boolean): Promise<Honest> {
  const waits: number[] = [];
  const errors: string[] = [];
  const end = performance.now() + seconds * 1000;
  const measured = async (answer: Promise<string | undefined>) => {
    const began = performance.now();
    const problem = await answer;
    waits.push(performance.now() - began);
    if (problem) errors.push(problem);
  };
  await Promise.all(
    users.map(async (user, at) => {
      // Spreads the acts of the users over time.
      let next = performance.now() + (at * PACE) / users.length;
      for (let i = at; next < end; i++) {
        await sleep(next - performance.now());
        await measured(withSignIn && i % SIGN_IN_EVERY === 0 ? signIn() : user.act(ACTS[i % ACTS.length]!));
        next = Math.max(next + PACE, performance.now());
      }
    }),
  );
  return { waits: Float64Array.from(waits), errors };
}

async function run(order: HonestOrder): Promise<object> {
  if (order.do === 'act') return act(order.seconds, order.signIn);
  ({ api, credentials } = order);
  users = order.users.map((user) => new User(user, api));
  for (const user of users) await user.connect();
  return {};
}

process.on('message', (order: HonestOrder) => {
  run(order).then(
    (answer) => process.send!(answer),
    (error: unknown) => process.send!({ failed: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
