import { EventEmitter } from 'node:events';
import { disconnectSlow, coalesceWrites } from './write-coalescing.js';

/** A device that takes one batch at a time, and only when `reads` is called. */
function deviceThatReadsNothing() {
  const engine = new EventEmitter();
  const disconnected = jest.fn();
  coalesceWrites(engine as never, disconnected);
  const transport = { writable: true };
  const socket = {
    writeBuffer: [] as { data: string }[],
    transport,
    flush() {
      if (!transport.writable) return;
      transport.writable = false;
      socket.writeBuffer = [];
    },
    close: () => undefined,
  };
  engine.emit('connection', socket);
  return {
    disconnected,
    waiting: () => socket.writeBuffer.map(({ data }) => data),
    reads: () => (transport.writable = true),
    send(data: string) {
      socket.writeBuffer.push({ data });
      socket.flush();
    },
  };
}

const PASSING = [
  '2["chat:typing",{}]',
  '2["user:online",{}]',
  '2["user:offline",{}]',
  '2/messenger-classic,["user-typing",{}]',
  '2/messenger-classic,["user-stopped-typing",{}]',
  '2/messenger-classic,["user-online",{}]',
  '2/messenger,["user-offline",{}]',
  '2/messenger,["users:update",{}]',
];
const LASTING = [
  '2["chat:message:new",{"content":"2[\\"chat:typing\\""}]',
  '2/chat-basic,["message:new",{}]',
  '3["ok"]',
];

it('sends only lasting events to a device that is behind, in every namespace', () => {
  const { send, waiting } = deviceThatReadsNothing();
  const message = `2["chat:message:new","${'x'.repeat(64 * 1024)}"]`;
  for (const data of [...PASSING, message, ...PASSING, ...LASTING]) send(data);
  expect(waiting()).toEqual([...PASSING, message, ...LASTING]);
});

it('counts data as waiting until the device has read it', async () => {
  const { send, waiting, reads, disconnected } = deviceThatReadsNothing();
  const message = `2["chat:message:new","${'x'.repeat(3 * 1024 * 1024)}"]`;
  send(message);
  await new Promise(setImmediate);
  for (const data of [...PASSING, ...LASTING]) send(data);
  expect(waiting()).toEqual(LASTING);
  reads();
  send(message);
  await new Promise(setImmediate);
  expect([waiting(), disconnected.mock.calls]).toEqual([[], []]);
  send(message);
  expect(disconnected).toHaveBeenCalledTimes(1);
});

it('disconnects a device that takes nothing between two checks, but not one that takes some or has nothing to take', () => {
  jest.useFakeTimers();
  const device = (sizeGiven: number, takes: number) => {
    const handle = { writeQueueSize: 1_000_000 };
    const tcp = { _bytesDispatched: 1_000_000, _handle: handle, destroy: jest.fn() };
    const transport = { writable: false, socket: { _socket: tcp } };
    const read = () => (handle.writeQueueSize -= takes);
    return { transport, sizeGiven, sizeWaiting: 0, isStuck: false, taken: 0, close: jest.fn(), read };
  };
  const devices = { stuck: device(100, 0), slow: device(100, 20_000), idle: device(0, 0) };
  const polling = { ...device(100, 0), transport: { writable: false } };
  const onCutOff = jest.fn();
  const looking = disconnectSlow({ clients: { ...devices, polling } }, onCutOff);
  for (let i = 0; i < 2; i++) {
    jest.advanceTimersByTime(15_000);
    for (const { read } of Object.values(devices)) read();
  }
  const cut = Object.entries({ ...devices, polling }).filter(([, { close }]) => close.mock.calls.length > 0);
  expect(cut.map(([name]) => name)).toEqual(['stuck', 'polling']);
  expect(onCutOff).toHaveBeenCalledTimes(2);
  clearInterval(looking);
  jest.useRealTimers();
});

it('does not delay a device with little to read behind many with much, and keeps the order of each', async () => {
  const engine = new EventEmitter();
  coalesceWrites(engine as never);
  const written: string[] = [];
  const device = (name: string, takesMs: number) => {
    const socket = {
      writeBuffer: [] as { data: string }[],
      transport: { writable: true },
      flush() {
        written.push(...socket.writeBuffer.map(({ data }) => `${name}${data[0]}`));
        socket.writeBuffer = [];
        for (const end = performance.now() + takesMs; performance.now() < end;);
      },
      send(data: string) {
        socket.writeBuffer.push({ data });
        socket.flush();
      },
    };
    engine.emit('connection', socket);
    return socket;
  };
  const many = Array.from({ length: 10 }, (_, i) => device(`${i}`, 6));
  for (const one of many) one.send('a'.repeat(40_000));
  const little = device('little', 0);
  little.send('b');
  await new Promise(setImmediate);
  expect(written).toEqual(['littleb', '0a']);
  for (const one of many) one.send('c');
  await new Promise(setImmediate);
  little.send('d');
  for (let i = 0; i < 12; i++) await new Promise(setImmediate);
  expect(written.indexOf('littled')).toBeLessThan(8);
  for (const [i] of many.entries())
    expect(written.filter((one) => one.startsWith(String(i)))).toEqual([`${i}a`, `${i}c`]);
});
