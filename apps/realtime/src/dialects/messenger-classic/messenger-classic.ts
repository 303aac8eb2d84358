import { SendMessagePayload, type MessageDto } from '#contracts';
import { SendMessage } from '#chat';
import { validated } from '#platform';
import type { Call, ClientRule, Dialect, ServerRules } from '../dialect.js';
import { chatIdOf, openChat } from '../open-chat.js';
import { chatForm, chatMessage } from './chat-message.js';

/** Without a client_id, every send is a new message. */
export async function sendText(
  chat_id: unknown,
  content: unknown,
  { userId, run }: Call,
): Promise<MessageDto> {
  const payload = validated(SendMessagePayload, { chat_id, type: 'text', content });
  return (await run(new SendMessage(userId, payload))).message!;
}

async function setTyping(chatId: unknown, isTyping: boolean, call: Call) {
  await call.setTyping(chatIdOf(chatId), isTyping);
  return { success: true };
}

export const classicClient = {
  'send-message': async ({ chatId, content }, call) => {
    const { id: messageId } = await sendText(chatId, content, call);
    return { success: true, messageId };
  },
  'join-chat': async ({ chatId }, call) => {
    const messages = await openChat(chatId, call);
    return { success: true, messages: messages.map(chatMessage) };
  },
  'typing-start': ({ chatId }, call) => setTyping(chatId, true, call),
  'typing-stop': ({ chatId }, call) => setTyping(chatId, false, call),
  // Optional: the transport has its own heartbeat.
  ping: (_, { emit: send }) => {
    const data = Date.now();
    send('pong', data);
    return { event: 'pong', data };
  },
} satisfies Record<string, ClientRule>;

export const classicServer = {
  'chat:message:new': (message) => [['new-message', chatMessage(message)]],
  'chat:updated': (chat) => [['chat:updated', chatForm(chat)]],
  'chat:message:delivered': ({ message_id, chat_id, delivered_to }) => [
    ['message-delivered', { messageId: message_id, chatId: chat_id, userId: delivered_to }],
  ],
  'chat:typing': ({ chat_id, user_id, is_typing }) => [
    [is_typing ? 'user-typing' : 'user-stopped-typing', { userId: user_id, chatId: chat_id }],
  ],
  'user:online': ({ user_id }) => [['user-online', { userId: user_id }]],
  'user:offline': ({ user_id }) => [['user-offline', { userId: user_id }]],
  error: ({ message }) => [['error', { message, error: message }]],
} satisfies ServerRules;

/** The dialect of the earlier messenger clients. */
export const messengerClassic = (): Dialect => ({
  namespace: '/messenger-classic',
  welcome: (userId) => [['connected', { userId }]],
  client: classicClient,
  server: classicServer,
  words: {
    CHAT_NOT_FOUND: 'Access denied',
    not_a_member: 'Access denied',
    UNAUTHORIZED: 'Authentication failed',
  },
  refused: (error) => ({ success: false, error }),
});
