import type { ChatViews } from '#chat';
import { Hub } from '#realtime';
import { until } from '#testing';
import type { DeviceConnection } from '../connections/device-connection.js';
import { JoinedChats } from './joined-chats.js';

it('a slow chat delays no other, and a few chats are read at once', async () => {
  let finish!: () => void;
  const held = new Promise<void>((resolve) => (finish = resolve));
  const reads: string[] = [];
  const views = {
    async *ofMembers(chatId: string) {
      reads.push(chatId);
      if (chatId.startsWith('slow')) await held;
      yield* [] as never[];
    },
  };
  const chats = new JoinedChats(new Hub(), views as unknown as ChatViews);
  const device = { userId: 'anna' } as DeviceConnection;
  chats.limit(device);
  for (const chat_id of ['slow', 'a', 'slower', 'b', 'slowest', 'c'])
    device.accepts!({ name: 'chat:message:new', payload: { chat_id } } as never);
  await until('three chats are slow', () => reads.includes('slowest'));
  expect(reads).toEqual(['slow', 'a', 'slower', 'b', 'slowest']);
  finish();
  await until('the rest is read', () => reads.includes('c'));
  chats.onModuleDestroy();
});
