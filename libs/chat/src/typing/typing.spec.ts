import { EventPublisher, Hub, chatTopic, blockedTopic, userTopic, type Topic } from '#realtime';
import { Typing } from './typing.js';

const anna = { id: 'anna', name: 'Анна', device: 'phone' };

let received: { topics: unknown; who: string; typing: boolean; notTo?: Topic[] }[];
let typing: Typing;
let publisher: EventPublisher;
/** The pending queries, in order; a call answers one. */
let answers: (() => void)[];
beforeEach(() => {
  jest.useFakeTimers();
  received = [];
  publisher = new EventPublisher(new Hub());
  publisher.publish = (topics, _, payload, options) => {
    const { user_id, is_typing } = payload as { user_id: string; is_typing: boolean };
    received.push({ topics, who: user_id, typing: is_typing, notTo: options?.except });
  };
  const member = { name: 'Анна', isUnseen: false };
  answers = [];
  const answer = () => new Promise<void>((resolve) => answers.push(resolve)).then(() => member);
  typing = new Typing(
    publisher,
    { require: answer, requireOpen: answer } as never,
    { take: () => Promise.resolve() } as never,
  );
});
afterEach(() => {
  typing.onModuleDestroy();
  jest.useRealTimers();
});

const states = () => received.map((event) => event.typing);

it('does not reach the typing user, and does not cross a block', () => {
  typing.set('chat', anna, true);
  expect(received).toEqual([
    {
      topics: chatTopic('chat'),
      who: 'anna',
      typing: true,
      notTo: [userTopic('anna'), blockedTopic('anna')],
    },
  ]);
});

it('stops by itself 30 s after the last event', () => {
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

it('is published once when it stops', () => {
  typing.set('chat', anna, true);
  typing.set('chat', anna, false);
  jest.advanceTimersByTime(60_000);
  expect(states()).toEqual([true, false]);
});

it('is not published as stopped before it began or after it stopped', () => {
  typing.set('chat', anna, false);
  expect(received).toEqual([]);
  typing.set('chat', anna, true);
  jest.advanceTimersByTime(30_000);
  typing.set('chat', anna, false);
  expect(states()).toEqual([true, false]);
});

it('stops in every chat, once, when its device disconnects, and only for that device', () => {
  typing.set('one', anna, true);
  typing.set('two', anna, true);
  typing.set('one', { ...anna, device: 'tablet' }, true);
  typing.stopAll('phone');
  expect(received.slice(3).map(({ topics, typing }) => [topics, typing])).toEqual([
    [chatTopic('two'), false],
  ]);
  typing.stopAll('phone');
  jest.advanceTimersByTime(30_000);
  expect(received.slice(4).map(({ topics, typing }) => [topics, typing])).toEqual([
    [chatTopic('one'), false],
  ]);
});

it('leaves no timer behind', () => {
  typing.set('chat', anna, true);
  typing.stopAll('phone');
  expect(jest.getTimerCount()).toBe(0);
  typing.set('chat', anna, true);
  typing.onModuleDestroy();
  expect(jest.getTimerCount()).toBe(0);
});

it('goes on while another device of the user types', () => {
  typing.set('chat', anna, true);
  typing.set('chat', { ...anna, device: 'tablet' }, true);
  typing.set('chat', anna, false);
  typing.stopAll('phone');
  expect(states()).toEqual([true, true]);
  typing.stopAll('tablet');
  expect(states()).toEqual([true, true, false]);
});

it.each<[string, (device: { connected: boolean }) => unknown]>([
  ['the user stops it', () => typing.report('chat', 'anna', { id: 'phone', connected: true }, false)],
  ['the user leaves the chat', () => typing.stop('chat', 'phone')],
  ['the user is removed', () => publisher.signal('typingEnds', { userIds: ['anna'], chatId: 'chat' })],
  ['the device disconnects', (device) => ((device.connected = false), typing.stopAll('phone'))],
])('does not begin when %s before the database has answered', async (_, end) => {
  const device = { id: 'phone', connected: true };
  const begins = typing.report('chat', 'anna', device, true);
  const ends = end(device);
  for (const answer of answers.reverse()) answer();
  await Promise.all([begins, ends]);
  expect(states()).toEqual([]);
  expect(jest.getTimerCount()).toBe(0);
});

it('begins again after a stop and a new start', async () => {
  const device = { id: 'phone', connected: true };
  const send = (isTyping: boolean) => typing.report('chat', 'anna', device, isTyping);
  const all = Promise.all([send(true), send(false), send(true)]);
  for (const answer of answers.reverse()) answer();
  await all;
  expect(states()).toEqual([true]);
});
