import { RealtimeEmitter } from '#platform';
import { jest } from '@jest/globals';
import { Typing } from './typing.js';

const anna = { id: 'anna', name: 'Анна', device: 'phone' };

let told: { chat: string; who: string; typing: boolean; notTo?: string }[];
let typing: Typing;
beforeEach(() => {
  jest.useFakeTimers();
  told = [];
  const emitter = new RealtimeEmitter();
  emitter.toChat = (chat, _, payload, notTo) => {
    const { user_id, is_typing } = payload as { user_id: string; is_typing: boolean };
    told.push({ chat, who: user_id, typing: is_typing, notTo });
  };
  typing = new Typing(emitter, undefined as never);
});
afterEach(() => {
  typing.onModuleDestroy();
  jest.useRealTimers();
});

const states = () => told.map((event) => event.typing);

it('is not told to whoever types', () => {
  typing.set('chat', anna, true);
  expect(told).toEqual([{ chat: 'chat', who: 'anna', typing: true, notTo: 'anna' }]);
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
  expect(told).toEqual([]);
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
  expect(told.slice(3).map(({ chat, typing }) => [chat, typing])).toEqual([['two', false]]);
  typing.stopAll('phone');
  jest.advanceTimersByTime(30_000);
  expect(told.slice(4).map(({ chat, typing }) => [chat, typing])).toEqual([['one', false]]);
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
