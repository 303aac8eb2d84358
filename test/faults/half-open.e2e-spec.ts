import { Link, TestApp } from '#testing';
import type { Server } from 'socket.io';
import { expectNothingLost } from './oracle.js';
import { Phone } from './phone.js';

/** A short heartbeat for tests, ms. */
const HEARTBEAT = { pingInterval: 200, pingTimeout: 2000 };
const MISSED = 200;

let app: TestApp;
let link: Link;
let server: Server;
beforeAll(async () => {
  app = await TestApp.start();
  link = await Link.to(app.url);
  server = app.socketServer;
  Object.assign(server.engine.opts, HEARTBEAT);
});
afterAll(async () => {
  await app.stop();
  link.close();
});

it('a connection that died for both ends: no message of either side is lost meanwhile', async () => {
  const [anna, boris] = await app.people('Анна', 'Борис');
  const chat = await app.chat(anna, boris);
  const annaDevice = await Phone.open(app, anna);
  const borisDevice = await Phone.open(app, boris, link.url);
  const offline = new Promise((resolve) => annaDevice.socket.once('user:offline', resolve));
  const before = [...server.of('/').sockets.keys()];
  link.stick();
  // He does not know yet. She receives no event of it, and nobody waits for him.
  const saidByHim = borisDevice.send(chat.id, 'from his side');
  for (let i = 0; i < MISSED; i++) await annaDevice.send(chat.id, `${i}`);
  await offline;
  expect([...server.of('/').sockets.keys()]).toEqual([annaDevice.socket.id]);
  await annaDevice.send(chat.id, 'while he is offline');
  link.mend();
  const { seq } = await saidByHim;
  expect(seq).toBeGreaterThan(0);
  while (borisDevice.syncs < 2) await new Promise(setImmediate);
  await expectNothingLost(app, [annaDevice, borisDevice]);
  expect(borisDevice.chats.get(chat.id)!.messages.size).toBe(MISSED + 2);
  expect(before).not.toContain(borisDevice.socket.id);
}, 180_000);
