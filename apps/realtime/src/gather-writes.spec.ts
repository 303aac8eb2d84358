import { EventEmitter } from 'node:events';
import { gatherWrites } from './gather-writes.js';

/** A device that does not read: what is sent to it stays. */
function deviceThatReadsNothing() {
  const engine = new EventEmitter();
  gatherWrites(engine as never);
  const writeBuffer: { data: string }[] = [];
  const socket = { writeBuffer, transport: {}, flush: () => undefined, close: () => undefined };
  engine.emit('connection', socket);
  return {
    waiting: () => writeBuffer.map(({ data }) => data),
    send(data: string) {
      writeBuffer.push({ data });
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
