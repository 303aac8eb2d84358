import { ChatGetPayload, ForwardPayload, MAX_PAGE, MessageIdPayload, UsersListPayload } from '#contracts';
import { CreateChat, GetMessage, ForwardMessages, ListPins, MarkMessages, PinMessage } from '#chat';
import { ListUsers } from '#identity';
import { validated } from '#platform';
import type { Call, ClientRule, Dialect, ServerRules, OutgoingEvent } from '../dialect.js';
import { chatForm, chatMessage, type Status } from '../messenger-classic/chat-message.js';
import { classicClient, classicServer, sendText } from '../messenger-classic/messenger-classic.js';
import { chatIdOf, openChat } from '../open-chat.js';
import { Statuses } from './statuses.js';

const ok = { status: 'ok' } as const;

const messageIdOf = (messageId: unknown) => validated(MessageIdPayload, { message_id: messageId }).message_id;

async function pin(messageId: unknown, on: boolean, { userId, run }: Call) {
  return { ...ok, message: chatMessage(await run(new PinMessage(userId, messageIdOf(messageId), on))) };
}

async function forward(payload: object, { userId, run }: Call) {
  const messages = await run(new ForwardMessages(userId, validated(ForwardPayload, payload)));
  return messages.map(chatMessage);
}

const client: Record<string, ClientRule> = {
  ...classicClient,
  message: async ({ chatId, content }, call) => {
    const message = await sendText(chatId, content, call);
    call.emit('message:ack', { messageId: message.id });
    return chatMessage(message);
  },
  'chat:get': async ({ recipientId }, call) => {
    const { recipient_id } = validated(ChatGetPayload, { recipient_id: recipientId });
    const body = { type: 'direct' as const, participant_ids: [recipient_id] };
    const made = await call.run(new CreateChat(call.userId, body));
    return { ...ok, chat: chatForm(made.chat) };
  },
  'chat:join': async ({ chatId }, call) => {
    const messages = await openChat(chatId, call);
    return { ...ok, message: 'Joined chat room successfully', messages: messages.map(chatMessage) };
  },
  'chat:leave': ({ chatId }, call) => {
    call.leave(chatIdOf(chatId));
    return { success: true };
  },
  'users:list': async ({ query, limit, cursor }, { userId, ask, present }) => {
    // Its clients ask once, for all users.
    const page = validated(UsersListPayload, { query, limit: limit ?? MAX_PAGE, cursor });
    const { items, next_cursor } = await ask(new ListUsers(page.query, page.limit, page.cursor, userId));
    const online = await present(items.map(({ id }) => id));
    const users = items.map(({ id, name, avatar }) => ({ id, name, avatar, isOnline: online.has(id) }));
    return { ...ok, users, nextCursor: next_cursor };
  },
  'message:read': async ({ messageId }, { userId, run, ask }) => {
    const { id: message_id, chat_id } = await ask(new GetMessage(userId, messageIdOf(messageId)));
    await run(new MarkMessages(userId, 'read', { message_id, chat_id }));
    return ok;
  },
  'message:pin': ({ messageId }, call) => pin(messageId, true, call),
  'message:unpin': ({ messageId }, call) => pin(messageId, false, call),
  'chat:get-pinned': async ({ chatId }, { userId, ask }) => {
    const { items } = await ask(new ListPins(userId, chatIdOf(chatId)));
    return { ...ok, messages: items.map(chatMessage) };
  },
  'message:forward': async ({ messageId, toChatId, additionalContent }, call) => {
    // An empty input.
    const comment = additionalContent === '' ? undefined : additionalContent;
    const payload = { message_ids: [messageIdOf(messageId)], to_chat_id: toChatId, comment };
    return { ...ok, message: (await forward(payload, call))[0] };
  },
  'message:forward-multiple': async ({ messageIds, toChatId }, call) => ({
    ...ok,
    messages: await forward({ message_ids: messageIds, to_chat_id: toChatId }, call),
  }),
};

function server(statuses: Statuses): ServerRules {
  const status = (messageId: string, status: Status, timestamp: string): OutgoingEvent[] =>
    statuses.advances(messageId, status) ? [['message:status', { messageId, status, timestamp }]] : [];
  return {
    ...classicServer,
    'chat:message:new': (message) => [
      ['message', chatMessage(message)],
      ...classicServer['chat:message:new'](message),
    ],
    'chat:message:delivered': (receipt) => [
      ...status(receipt.message_id, 'DELIVERED', receipt.delivered_at),
      ...classicServer['chat:message:delivered'](receipt),
    ],
    'chat:message:read': ({ message_id, read_at }) => status(message_id, 'READ', read_at),
    'chat:message:pinned': (message) => [['message:pinned', chatMessage(message)]],
    'chat:message:unpinned': (message) => [['message:unpinned', chatMessage(message)]],
    'user:online': (event) => [
      ['users:update', { userId: event.user_id, isOnline: true }],
      ...classicServer['user:online'](event),
    ],
    'user:offline': (event) => [
      ['users:update', { userId: event.user_id, isOnline: false }],
      ...classicServer['user:offline'](event),
    ],
  };
}

const SUCCESS_OR_NOT = new Set([...Object.keys(classicClient), 'chat:leave']);

/** The dialect of the messenger clients. Event names of the earlier dialect work too, since the clients use both. */
export const messenger = (): Dialect => ({
  namespace: '/messenger',
  // For this message its clients open the sign-in page; for others they retry after a pause, and for an `error` at
  // once.
  handshakeError: 'User not found',
  returnsWhenDisconnected: true,
  welcome: (userId) => [
    ['connection:established', { userId }],
    ['connected', { userId }],
  ],
  client,
  server: server(new Statuses()),
  words: {
    CHAT_NOT_FOUND: 'Chat not found',
    message_not_found: 'Message not found',
    user_not_found: 'User not found',
    not_a_member: 'User is not a participant of this chat',
  },
  fields: { comment: 'additionalContent' },
  refused: (message, event) =>
    SUCCESS_OR_NOT.has(event) ? { success: false, error: message } : { status: 'error', message },
});
