import { TestApp, type Account } from '#testing';
import type { ChatDto } from '#contracts';
import type { Socket as TcpSocket } from 'node:net';
import { expectNothingLost } from './oracle.js';
import { Phone } from './phone.js';

/** Characters that may wait for a device, and how many before typing and presence are dropped. */
const MAX_WAITING = 4 * 1024 * 1024;
const MAX_BEFORE_PASSING = 64 * 1024;
const LONG = 'Я'.repeat(4000);
/** As many of these as one round measures may all wait. */
const SHORT = 'Я'.repeat(1000);
const AT_ONCE = 20;
/** Rounds with and without the slow device alternate, so that other load affects both. */
const ROUNDS = 7;
const MESSAGES = 500;

interface Connection {
  writeBuffer: { data?: string }[];
  transport: { socket: { _socket: TcpSocket } };
}

let app: TestApp;
let people: [Account, Account, Account];
let group: ChatDto;
let slow: Phone;
let other: Phone;
let sender: Phone;
/** The server's end. */
let connection: Connection;
beforeEach(async () => {
  app = await TestApp.start();
  people = await app.people('Анна', 'Борис', 'Вера');
  const [anna, boris, vera] = people;
  group = await app.group(vera, anna, boris);
  [slow, other, sender] = await Promise.all([
    Phone.open(app, anna),
    Phone.open(app, boris),
    Phone.open(app, vera),
  ]);
  connection = serversEnd();
});
afterEach(() => app.stop());

const serversEnd = () => {
  return app.socketServer.of('/').sockets.get(slow.socket.id!)!.conn as unknown as Connection;
};
const waiting = () => connection.writeBuffer.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
const tcp = () => (slow.socket.io.engine.transport as unknown as { ws: { _socket: TcpSocket } }).ws._socket;
const received = (phone: Phone, event: string) => {
  const payloads: Record<string, unknown>[] = [];
  phone.socket.on(event, (payload: Record<string, unknown>) => payloads.push(payload));
  return payloads;
};
/** Everybody but the slow one has received all messages, once and in order. */
const expectOthersHearAll = async (seqs: { seq: number }[]) => {
  const said = sender.acked.at(-1)!.seq;
  while (seqs.at(-1)?.seq !== said) await new Promise(setImmediate);
  expect(seqs.map(({ seq }) => seq)).toEqual(seqs.map((_, i) => i + 1));
};
const sayUntil = async (enough: () => boolean) => {
  let most = 0;
  while (!enough()) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => sender.send(group.id, LONG)));
    most = Math.max(most, waiting());
  }
  return most;
};

it('typing and presence are dropped for a device that is behind, messages are not', async () => {
  const seqs = received(other, 'chat:message:new') as unknown as { seq: number }[];
  const typing = [slow, other].map((phone) => received(phone, 'chat:typing'));
  const online = [slow, other].map((phone) => received(phone, 'user:online'));
  tcp().pause();
  await sayUntil(() => waiting() > MAX_BEFORE_PASSING);
  const before = waiting();
  const type = (isTyping: boolean) =>
    sender.socket.emitWithAck('chat:typing', { chat_id: group.id, is_typing: isTyping });
  await type(true);
  const gleb = await app.register('Глеб');
  await Phone.open(app, gleb);
  while (typing[1]!.length < 1 || online[1]!.length < 1) await new Promise(setImmediate);
  expect(waiting()).toBe(before);
  await type(false);
  await expectOthersHearAll(seqs);
  tcp().resume();
  await sender.send(group.id, 'last');
  await expectNothingLost(app, [slow, other, sender]);
  expect([typing[0], online[0]]).toEqual([[], []]);
  expect(slow.syncs).toBe(1);
  // It keeps up again.
  await type(true);
  while (typing[0]!.length < 1) await new Promise(setImmediate);
});

it('a device that reads nothing is disconnected at 4 MiB, delays nobody, and catches up on return', async () => {
  const seqs = received(other, 'chat:message:new') as unknown as { seq: number }[];
  const { _socket: end } = connection.transport.socket;
  tcp().pause();
  const most = await sayUntil(() => end.destroyed);
  expect(most).toBeGreaterThan(MAX_WAITING / 2);
  expect(most).toBeLessThanOrEqual(MAX_WAITING);
  await expectOthersHearAll(seqs);
  tcp().resume();
  await new Promise((resolve) => slow.socket.once('sync:required', resolve));
  await expectNothingLost(app, [slow, other, sender]);
  expect(slow.syncs).toBe(2);
});

const p99 = (values: number[]) => values.sort((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1]!;
const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

it('a device that reads nothing does not make others wait longer than without it', async () => {
  const arrived = new Map<string, number>();
  other.socket.on('chat:message:new', ({ id }: { id: string }) => arrived.set(id, performance.now()));
  const all = async () => {
    while (!arrived.has(sender.acked.at(-1)!.messageId)) await new Promise(setImmediate);
  };
  /** The sender's wait for its answer, and the other device's wait for the message, ms. */
  const measure = async () => {
    const [acks, arrivals]: [number[], number[]] = [[], []];
    for (let i = 0; i < MESSAGES; i++) {
      const since = performance.now();
      const { messageId } = await sender.send(group.id, SHORT);
      acks.push(performance.now() - since);
      await all();
      arrivals.push(arrived.get(messageId)! - since);
    }
    return [p99(acks), p99(arrivals)] as const;
  };
  const ratios: [number, number][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    tcp().pause();
    // More than the system's buffers take.
    await sayUntil(() => waiting() > MAX_BEFORE_PASSING);
    await all();
    const silent = await measure();
    expect(waiting()).toBeGreaterThan(MAX_BEFORE_PASSING);
    expect(waiting()).toBeLessThanOrEqual(MAX_WAITING);
    tcp().resume();
    await slow.holds(sender.acked);
    slow.socket.disconnect();
    const without = await measure();
    ratios.push([silent[0] / without[0], silent[1] / without[1]]);
    const back = new Promise((resolve) => slow.socket.once('sync:required', resolve));
    slow.socket.connect();
    await back;
    await slow.holds(sender.acked);
    connection = serversEnd();
  }
  for (const which of [0, 1] as const) expect(median(ratios.map((ratio) => ratio[which]))).toBeLessThan(2);
  await expectNothingLost(app, [slow, other, sender]);
  expect(slow.syncs).toBe(1 + ROUNDS);
}, 300_000);
