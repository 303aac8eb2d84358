import type { ChatDto, MessageDto } from '#contracts';
import type { Dialect } from '../dialect.js';
import { sendText } from '../messenger-classic/messenger-classic.js';
import { chatIdOf, openChat } from '../open-chat.js';

const person = ({ id, name, avatar }: { id: string; name: string; avatar: string | null }) => ({
  _id: id,
  name,
  avatar,
});

/** Its clients expect an id as `_id`. */
const messageOf = (message: MessageDto) => ({
  _id: message.id,
  chat: message.chat_id,
  sender: person({ id: message.sender_id, name: message.sender_name, avatar: message.sender_avatar }),
  text: message.content,
  type: message.type,
  metadata: message.metadata,
  seq: message.seq,
  createdAt: message.created_at,
});

const chatOf = (chat: ChatDto) => ({
  _id: chat.id,
  type: chat.type,
  title: chat.title,
  participants: chat.participants.map(person),
  lastMessage: chat.last_message && messageOf(chat.last_message),
  unreadCount: chat.unread_count,
  createdAt: chat.created_at,
});

/** The dialect of the basic chat clients. */
export const chatBasic = (): Dialect => ({
  namespace: '/chat-basic',
  welcome: () => [],
  client: {
    'chat:join': async ({ chatId }, call) => {
      const messages = await openChat(chatId, call);
      return { success: true, message: `Joined chat ${chatId as string}`, messages: messages.map(messageOf) };
    },
    'chat:leave': ({ chatId }, call) => {
      const id = chatIdOf(chatId);
      call.leave(id);
      return { success: true, message: `Left chat ${id}` };
    },
    'message:send': async ({ chatId, text }, call) => ({
      success: true,
      message: messageOf(await sendText(chatId, text, call)),
    }),
  },
  server: {
    'chat:message:new': (message) => [['message:new', messageOf(message)]],
    'chat:created': (chat) => (chat.type === 'group' ? [['chat:created', chatOf(chat)]] : []),
    'chat:updated': (chat) => [['chat:updated', chatOf(chat)]],
    'chat:opened': (chat) => [['chat:created', chatOf(chat)]],
    error: ({ message }) => [['error', { message, error: message }]],
  },
  words: {
    CHAT_NOT_FOUND: 'Access denied',
    not_a_member: 'Access denied',
    UNAUTHORIZED: 'Authentication failed',
  },
  fields: { content: 'text' },
  refused: (error) => ({ success: false, error }),
});
