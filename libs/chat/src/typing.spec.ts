import { chatRoom, blockedRoom, userRoom } from '#contracts';
import { RealtimeEmitter } from '#platform';
import { Typing } from './typing.js';

const anna = { id: 'anna', name: 'Анна', device: 'phone' };

let received: { chat: string; who: string; typing: boolean; notTo?: string[] }[];
let typing: Typing;
/** What the database is asked, in order: called, it answers. */
let answers: (() => void)[];
beforeEach(() => {
  jest.useFakeTimers();
  received = [];
  const emitter = new RealtimeEmitter();
  emitter.toRooms = ([chat], _, payload, notTo) => {
    const { user_id, is_typing } = payload as { user_id: string; is_typing: boolean };
    received.push({ chat: chat!, who: user_id, typing: is_typing, notTo });
  };
  const member = { name: 'Анна', isUnseen: false };
  answers = [];
  const answer = () => new Promise<void>((resolve) => answers.push(resolve)).then(() => member);
  typing = new Typing(
    emitter,
    { require: answer, requireOpen: answer } as never,
    { take: () => Promise.resolve() } as never,
  );
});
afterEach(() => {
  typing.onModuleDestroy();
  jest.useRealTimers();
});

const states = () => received.map((event) => event.typing);

it('is not told to whoever types, nor across a block', () => {
  typing.set('chat', anna, true);
  expect(received).toEqual([
    { chat: chatRoom('chat'), who: 'anna', typing: true, notTo: [userRoom('anna'), blockedRoom('anna')] },
  ]);
});

it('stops by itself 30 s after the last word of it', () => {
  typing.set('chat', anna, true);
  jest.advanceTimersByTime(29_000);
  typing.set('chat', anna, true);
  jest.advanceTimersByTime(29_999);
  expect(states()).toEqual([true, true]);
  jest.advanceTimersByTime(1);
  expect(states()).toEqual([true, true, false]);
  jest.advanceTimersByTime(60_000);
  expect(states()).toHaveLength(3);
});

it('stops once when it is stopped', () => {
  typing.set('chat', anna, true);
  typing.set('chat', anna, false);
  jest.advanceTimersByTime(60_000);
  expect(states()).toEqual([true, false]);
});

it('does not stop what has not begun, or has stopped already', () => {
  typing.set('chat', anna, false);
  expect(received).toEqual([]);
  typing.set('chat', anna, true);
  jest.advanceTimersByTime(30_000);
  typing.set('chat', anna, false);
  expect(states()).toEqual([true, false]);
});

it('stops in every chat, once, when the device is gone, and of that device only', () => {
  typing.set('one', anna, true);
  typing.set('two', anna, true);
  typing.set('one', { ...anna, device: 'tablet' }, true);
  typing.stopAll('phone');
  expect(received.slice(3).map(({ chat, typing }) => [chat, typing])).toEqual([[chatRoom('two'), false]]);
  typing.stopAll('phone');
  jest.advanceTimersByTime(30_000);
  expect(received.slice(4).map(({ chat, typing }) => [chat, typing])).toEqual([[chatRoom('one'), false]]);
});

it('leaves no timer behind', () => {
  typing.set('chat', anna, true);
  typing.stopAll('phone');
  expect(jest.getTimerCount()).toBe(0);
  typing.set('chat', anna, true);
  typing.onModuleDestroy();
  expect(jest.getTimerCount()).toBe(0);
});

it('goes on while another device of the same person types', () => {
  typing.set('chat', anna, true);
  typing.set('chat', { ...anna, device: 'tablet' }, true);
  typing.set('chat', anna, false);
  typing.stopAll('phone');
  expect(states()).toEqual([true, true]);
  typing.stopAll('tablet');
  expect(states()).toEqual([true, true, false]);
});

it.each<[string, (device: { connected: boolean }) => unknown]>([
  ['it is stopped', () => typing.report('chat', 'anna', { id: 'phone', connected: true }, false)],
  ['the chat is left', () => typing.stop('chat', 'phone')],
  ['the device is gone', (device) => ((device.connected = false), typing.stopAll('phone'))],
])('does not begin when %s before the database has answered', async (_, end) => {
  const device = { id: 'phone', connected: true };
  const begins = typing.report('chat', 'anna', device, true);
  const ends = end(device);
  for (const answer of answers.reverse()) answer();
  await Promise.all([begins, ends]);
  expect(states()).toEqual([]);
  expect(jest.getTimerCount()).toBe(0);
});

it('begins again when it is begun again after a stop', async () => {
  const device = { id: 'phone', connected: true };
  const send = (isTyping: boolean) => typing.report('chat', 'anna', device, isTyping);
  const all = Promise.all([send(true), send(false), send(true)]);
  for (const answer of answers.reverse()) answer();
  await all;
  expect(states()).toEqual([true]);
});
