import { EventEmitter } from 'node:events';
import { gatherWrites } from './gather-writes.js';

/** A device that takes one batch at a time, and none by itself. */
function deviceThatReadsNothing() {
  const engine = new EventEmitter();
  const cutOff = jest.fn();
  gatherWrites(engine as never, cutOff);
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
    cutOff,
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

it('to a device that is behind only what lasts is sent, in every namespace', () => {
  const { send, waiting } = deviceThatReadsNothing();
  const message = `2["chat:message:new","${'x'.repeat(64 * 1024)}"]`;
  for (const data of [...PASSING, message, ...PASSING, ...LASTING]) send(data);
  expect(waiting()).toEqual([...PASSING, message, ...LASTING]);
});

it('what a device was given and has not read counts as waiting, until it has', async () => {
  const { send, waiting, reads, cutOff } = deviceThatReadsNothing();
  const message = `2["chat:message:new","${'x'.repeat(3 * 1024 * 1024)}"]`;
  send(message);
  await new Promise(setImmediate);
  for (const data of [...PASSING, ...LASTING]) send(data);
  expect(waiting()).toEqual(LASTING);
  reads();
  send(message);
  await new Promise(setImmediate);
  expect([waiting(), cutOff.mock.calls]).toEqual([[], []]);
  send(message);
  expect(cutOff).toHaveBeenCalledTimes(1);
});
