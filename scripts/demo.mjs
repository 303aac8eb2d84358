/**
 * npm run demo: plays the chat screens of two phones over real sockets against a running server (PORT or DEMO_URL). It is also
 * a check: an event that is missing, doubled or out of order ends it with one line and exit code 1.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Failure, assertSame, compareWithHistory, findServer } from './demo/check.mjs';
import { playDay } from './demo/day.mjs';
import { Phone, Refusal } from './demo/phone.mjs';
import {
  bubble,
  described,
  heads,
  line,
  note,
  paint,
  pause,
  scene,
  short,
  tick,
  whileShown,
} from './demo/screen.mjs';
import { prepare } from './prepare.mjs';

const url = (process.env.DEMO_URL ?? `http://127.0.0.1:${process.env.PORT ?? 3000}`).replace(/\/$/, '');
const PASSWORD = 'demo-password';
const started = performance.now();
/** Messages of both: { from, message_id, seq, body }, in the order of their acknowledgements. */
const sent = [];

await prepare();
const { io } = await import('socket.io-client');
const say = (text) => line(`  ${paint('dim', text)}`);
const anna = new Phone({ url, io, side: 'left', say });
const boris = new Phone({ url, io, side: 'right', say });
const other = (phone) => (phone === anna ? boris : anna);
let chatId;
let notifications;

try {
  await findServer(url);
  const firstSeq = await comeOnline();
  await exchangeMessages();
  await sendEveryType();
  await changeTheirMinds();
  await loseAndCatchUp();
  await compareWithHistory([anna, boris], sent, firstSeq);
  notifications = await playDay(anna, boris);
  await signOff();
  sumUp();
} catch (error) {
  const known = error instanceof Failure || error instanceof Refusal;
  const code = error instanceof Refusal ? ` (${error.code})` : '';
  line();
  console.error(paint('red', `✗ ${known ? error.message + code : error.stack}`));
  process.exitCode = 1;
} finally {
  anna.close();
  boris.close();
}

async function comeOnline() {
  scene('Two phones sign in');
  await anna.signIn('anna@example.com', PASSWORD);
  await boris.signIn('boris@example.com', PASSWORD);
  heads(anna.name, boris.name);
  await anna.connect();
  note('left', '● online');
  const { chat } = await anna.send('chat:get', { recipient_id: boris.id });
  anna.chatId = boris.chatId = chatId = chat.id;

  boris.isAlone = await isAway(boris);
  await boris.connect();
  if (boris.isAlone) await anna.until('user:online', () => anna.online.get(boris.id));
  // A direct chat is listed for the user who opens it, and for the other user after its first message.
  await boris.send('chat:get', { recipient_id: anna.id });
  note('right', '● online');
  const [about] = (await boris.send('presence:get', { user_ids: [anna.id] })).items;
  if (!about.online) throw new Failure(`${anna.firstName} is connected, but shown as offline`);

  for (const phone of [anna, boris]) {
    const here = (await phone.sync()).find(({ id }) => id === chatId);
    phone.lastSeq = here.last_seq;
    phone.changeSeq = here.change_seq;
    if (here.unread_count > 0) {
      // Messages left unread by an earlier run or by somebody else.
      const [newest] = await phone.history(chatId, here.last_seq - 1);
      await readUpTo(phone, newest.id);
    }
    const joined = await phone.send('chat:join', { chat_id: chatId });
    assertSame('chat:join', joined, { status: 'joined', last_seq: here.last_seq, unread_count: 0 });
  }
  await pause(800);
  return anna.lastSeq;
}

/** False when somebody else is signed in as Boris; a user who has just left counts as online for 3 s. */
async function isAway(phone) {
  const [{ online }] = (await anna.send('presence:get', { user_ids: [phone.id] })).items;
  if (!online) return true;
  const gone = () => anna.online.get(phone.id) === false;
  return anna.until('user:offline', gone, 4000).catch(() => gone());
}

async function exchangeMessages() {
  scene('typing…, and ticks as they come');
  await type(anna);
  const hello = await send(anna, {
    type: 'text',
    content: 'Hi Boris! The room is free on Friday. Shall I book you in?',
  });
  await type(boris);
  await send(boris, {
    type: 'text',
    content: 'Friday is perfect. After six, if you can.',
    reply_to: hello.id,
  });
}

async function type(phone) {
  const reader = other(phone);
  await phone.send('chat:typing', { chat_id: chatId, is_typing: true });
  await reader.until('typing…', () => reader.typing.get(phone.id) === true);
  await whileShown(reader.side, `${phone.firstName} is typing…`, 1200);
  await phone.send('chat:typing', { chat_id: chatId, is_typing: false });
  await reader.until('the end of typing', () => reader.typing.get(phone.id) === false);
  if (phone.typing.has(phone.id)) throw new Failure(`${phone.firstName} received their own typing`);
}

/** Sends a message, and waits for everything that the app would show: both screens, and each receipt. */
async function send(phone, message) {
  const reader = other(phone);
  const { message_id } = await post(phone, message);
  const copy = await reader.until(`message ${message_id}`, () => reader.messages.get(message_id));
  const { metadata = {}, ...rest } = message;
  assertSame(`the ${message.type} that arrived`, copy, { sender_id: phone.id, ...rest });
  assertSame(`its metadata`, copy.metadata, metadata);
  await phone.until('the message back from the server', () => phone.messages.get(message_id));
  await phone.until('✓✓ delivered', () => phone.delivered.has(message_id));
  await pause(350);
  tick('✓✓ delivered');
  await pause(450);
  await readUpTo(reader, message_id);
  await phone.until('✓✓ read', () => phone.read.has(message_id));
  tick('✓✓ read', 'blue');
  await pause(500);
  return copy;
}

/** Sends a message, and waits only for the acknowledgement. */
async function post(phone, message) {
  const body = { chat_id: chatId, client_id: randomUUID(), ...message };
  bubble(phone.side, described(message, anna.name));
  const ack = await phone.send('chat:message:send', body);
  assertSame('the acknowledgement', ack, { status: 'sent', client_id: body.client_id });
  tick('✓ sent');
  sent.push({ from: phone, message_id: ack.message_id, seq: ack.seq, body });
  return ack;
}

async function readUpTo(phone, message_id) {
  const { unread_count } = await phone.send('chat:message:read', { chat_id: chatId, message_id });
  if (unread_count !== 0)
    throw new Failure(`${phone.firstName} has read everything, and ${unread_count} are unread`);
}

async function sendEveryType() {
  scene('8 types of messages');
  const files = 'https://files.example.com';
  const photo = { width: 1080, height: 1920, thumbnail: `${files}/123-small.jpg` };
  await send(anna, { type: 'photo', content: `${files}/123.jpg`, metadata: photo });
  const video = { duration: 30, thumbnail: `${files}/456.jpg` };
  await send(boris, { type: 'video', content: `${files}/456.mp4`, metadata: video });
  await send(boris, { type: 'voice', content: `${files}/789.m4a`, metadata: { duration: 15 } });
  const place = { lat: 55.7558, lng: 37.6173, address: 'Красная площадь, Москва' };
  await send(anna, { type: 'location', content: '55.7558,37.6173', metadata: place });
  const profile = await send(anna, { type: 'profile_share', content: anna.id });
  assertSame('the shared profile', profile.metadata, { name: anna.name });

  const look = await boris.request('POST', 'posts', {
    content: 'What I would like',
    media_urls: [`${files}/look.jpg`],
  });
  const share = await send(boris, { type: 'post_share', content: look.id });
  assertSame('the shared post', share.metadata, {
    author_name: boris.name,
    media_url: `${files}/look.jpg`,
  });
  const [service] = (await anna.request('GET', `services?master_id=${anna.id}`)).items;
  if (!service)
    throw new Failure(`${anna.firstName} offers no services: was this database made by an older version?`);
  const offer = { type: 'booking_proposal', content: 'On Friday?', metadata: { service_id: service.id } };
  const { metadata } = await send(anna, offer);
  assertSame('the proposal', metadata, { service_name: service.name, price: service.price });
}

async function changeTheirMinds() {
  scene('A reaction, an edit, a deleted message');
  const [hello] = sent;
  await boris.send('chat:message:react', { message_id: hello.message_id, emoji: '❤️', on: true });
  const liked = await anna.until('the reaction', () =>
    changed(anna, hello.message_id, ({ reactions }) => reactions.length > 0),
  );
  assertSame('the reaction', liked.reactions[0], { emoji: '❤️', count: 1, user_ids: [boris.id] });
  note('left', `❤️ ${boris.firstName}, on “${short(hello.body.content)}”`);
  await pause(700);

  const content = 'Hi Boris! The room is free on Friday from six. Shall I book you in?';
  await anna.send('chat:message:edit', { message_id: hello.message_id, content });
  await boris.until('the edit', () =>
    changed(boris, hello.message_id, (message) => message.content === content),
  );
  hello.body.content = content;
  note('left', `✎ edited: “${content}”`);
  await pause(700);

  const slip = await send(boris, { type: 'text', content: 'Oops, wrong chat' });
  await boris.send('chat:message:delete', { message_id: slip.id });
  const gone = await anna.until('the deletion', () => changed(anna, slip.id, (m) => m.deleted_at));
  assertSame('the deleted message', gone, { content: '', seq: slip.seq });
  sent.at(-1).body.content = '';
  note('right', '✕ message deleted');
  await pause(900);
}

function changed(phone, messageId, test) {
  const message = phone.messages.get(messageId);
  return message && test(message) ? message : undefined;
}

async function loseAndCatchUp() {
  scene(`${boris.firstName} drives into a tunnel`);
  // His last message leaves the phone, and no acknowledgement reaches him.
  const words = {
    chat_id: chatId,
    type: 'text',
    content: 'Leaving now, see you at six',
    client_id: randomUUID(),
  };
  bubble('right', words.content);
  boris.socket.emit('chat:message:send', words);
  await nextTurn();
  await boris.loseConnection();
  tick('✗ no answer', 'red');
  note('right', '○ no connection');
  await pause(900);

  const missed = [];
  for (const content of ['The door code is 4711', 'Second floor, on the left', 'I have put the kettle on']) {
    missed.push(await post(anna, { type: 'text', content }));
    await pause(600);
  }
  const perfect = sent.find(({ from }) => from === boris);
  await anna.send('chat:message:react', { message_id: perfect.message_id, emoji: '👍', on: true });
  note('left', `👍 ${anna.firstName}, on “${short(perfect.body.content)}”`);
  if (boris.isAlone && missed.some(({ message_id }) => anna.delivered.has(message_id)))
    throw new Failure(`a message was shown as delivered while ${boris.firstName} had no connection`);
  await pause(1200);

  scene(`${boris.firstName} is back: what did he miss?`);
  const reason = await boris.reconnect();
  if (reason !== 'reconnection') throw new Failure(`sync:required says “${reason}” after a lost connection`);
  await catchUp(missed);
  await anna.until('✓✓ delivered of what was missed', () =>
    missed.every((m) => anna.delivered.has(m.message_id)),
  );
  note('left', `✓✓ delivered, all ${missed.length}`);
  await pause(600);
  await readUpTo(boris, missed.at(-1).message_id);
  await anna.until('✓✓ read of what was missed', () => anna.read.has(missed.at(-1).message_id));
  line(`  ${paint('blue', '✓✓ read')}`);
  await pause(600);
  await sendAgain(words);
}

/** The steps of the app after `sync:required`: finds the changed chats, then loads missing messages. */
async function catchUp(missed) {
  const here = (await boris.sync()).find(({ id }) => id === chatId);
  assertSame('sync', here, { last_seq: anna.lastSeq, unread_count: missed.length });
  note('right', `● online, ${here.unread_count} unread`);
  for (const message of await boris.history(chatId, boris.lastSeq)) {
    if (message.seq !== boris.lastSeq + 1)
      throw new Failure(`history leaps from ${boris.lastSeq} to ${message.seq}`);
    if (!boris.keep(message)) throw new Failure(`history gave message ${message.seq} again`);
    if (message.sender_id === anna.id) note('right', `↓ ${anna.firstName}: ${message.content}`);
    await pause(400);
  }
  for (const { message } of await boris.changes(chatId, boris.changeSeq)) {
    if (!message || !boris.keep(message)) continue;
    const emojis = message.reactions.map(({ emoji }) => emoji).join('');
    note('right', `↓ ${emojis} on “${short(message.content)}”`);
    await pause(400);
  }
  boris.changeSeq = here.change_seq;
  const lost = missed.find(({ message_id }) => !boris.messages.has(message_id));
  if (lost) throw new Failure(`message ${lost.seq} was lost with the connection`);
}

/** With the same client_id there is one message, whether or not the first attempt arrived. */
async function sendAgain(words) {
  const arrived = [...anna.messages.values()].find(({ content }) => content === words.content);
  bubble('right', `${words.content}\n(sent again, with the same client_id)`);
  const ack = await boris.send('chat:message:send', words);
  if (arrived && arrived.id !== ack.message_id) throw new Failure('one client_id made two messages');
  tick('✓ sent');
  sent.push({ from: boris, message_id: ack.message_id, seq: ack.seq, body: words });
  await anna.until('the message that was sent again', () => anna.messages.get(ack.message_id));
  await boris.until('the message that was sent again', () => boris.messages.get(ack.message_id));
  await readUpTo(anna, ack.message_id);
  await boris.until('✓✓ read', () => boris.read.has(ack.message_id));
  tick('✓✓ read', 'blue');
  note(
    'right',
    `  ${arrived ? 'it had arrived the first time: it is there once' : 'the first try was lost: it is there now'}`,
  );
  await pause(1200);
}

async function signOff() {
  scene('Good night');
  await leave(boris);
  if (boris.isAlone) {
    // A reconnect within the grace time would not be visible.
    const away = () => anna.online.get(boris.id) === false;
    await anna.until('user:offline (3 s after the last device is gone, see PRESENCE_GRACE_MS)', away, 20_000);
    note('left', `${boris.firstName} was here a moment ago`);
  }
  await leave(anna);
}

async function leave(phone) {
  await phone.signOut();
  note(phone.side, '○ signed out');
}

function sumUp() {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const types = new Set(sent.map(({ body }) => body.type)).size;
  line(
    `\n${paint('green', '✓')} Checked: ${sent.length} messages, each once and in order on both phones and in the history, ` +
      `all ${types} types, ✓ ✓✓ and blue ✓✓ of each, nothing lost with the connection and nothing twice; ` +
      `${notifications.length} notifications, each once. ${seconds} s`,
  );
}
