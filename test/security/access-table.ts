import type { ASSISTANT_FRAMES, ClientEvent, ErrorCode } from '#contracts';
import type { Who } from './scenario.js';

/** The outcome of a request: it is done, or the code of the refusal. */
export type Outcome = 'ok' | ErrorCode;
/**
 * The outcomes that differ from the default. The default is UNAUTHORIZED without a good token, else FORBIDDEN. `none` is
 * the outcome for an unknown id.
 */
export type Access = Partial<Record<Who | 'none', Outcome>>;
/** The access, and the body or payload. In braces: `{chat}` and the like of `FIXTURES`, or somebody's id. */
export type Row = readonly [access: Access, body?: object];

const signedIn = (outcome: Outcome): Access => ({
  stranger: outcome,
  former: outcome,
  member: outcome,
  owner: outcome,
  admin: outcome,
});
const ANYBODY: Access = { nobody: 'ok', banned: 'ok', ...signedIn('ok') };
const SIGNED_IN = signedIn('ok');
const ADMINS: Access = { admin: 'ok' };
const OWNER: Access = { owner: 'ok' };
/** The members of the chat. */
const MEMBERS: Access = { member: 'ok', owner: 'ok' };
/** Former members may read the messages up to their leaving. */
const READERS: Access = { former: 'ok', ...MEMBERS };
/** Other users receive that it does not exist. */
const OWNERS_SECRET: Access = { ...signedIn('NOT_FOUND'), owner: 'ok' };
const MEMBERS_SECRET: Access = { ...signedIn('NOT_FOUND'), member: 'ok' };
/** The owner as the master, the member as the client; the author of the post and that of the comment. */
const BOTH_SIDES = MEMBERS;
/** The other user need not exist. */
const OF_ANYBODY: Access = { ...SIGNED_IN, none: 'ok' };

const PASSWORD = 'correct horse battery';

/** Every route, as its address is written except for the names in braces. */
export const ROUTES: Record<string, Row> = {
  'GET /health': [ANYBODY],
  'GET /health/live': [ANYBODY],
  'GET /health/ready': [ANYBODY],
  'GET /metrics': [ANYBODY],
  'GET /docs': [ANYBODY],
  'GET /docs-json': [ANYBODY],
  'GET /docs/start.js': [ANYBODY],
  'GET /docs/swagger-ui.css': [ANYBODY],
  'GET /docs/swagger-ui-bundle.js': [ANYBODY],
  'POST /auth/login': [ANYBODY, { email: '{account}', password: PASSWORD }],

  'POST /api/v2/auth/register': [
    ANYBODY,
    { email: '{email}', password: 'correct horse battery', name: 'New' },
  ],
  'POST /api/v2/auth/login': [ANYBODY, { email: '{account}', password: PASSWORD }],
  'POST /api/v2/auth/refresh': [ANYBODY, { refresh_token: '{refresh}' }],
  'POST /api/v2/auth/logout': [SIGNED_IN],
  'GET /api/v2/auth/sessions': [SIGNED_IN],
  'DELETE /api/v2/auth/sessions/{session}': [OWNERS_SECRET],

  'GET /api/v2/users': [SIGNED_IN],
  'GET /api/v2/users/me': [SIGNED_IN],
  'PATCH /api/v2/users/me': [SIGNED_IN, { name: 'Another' }],
  'GET /api/v2/users/me/availability': [SIGNED_IN],
  'PUT /api/v2/users/me/availability': [SIGNED_IN, { timezone: 'UTC', weekly: [] }],
  'GET /api/v2/users/me/blocked': [SIGNED_IN],
  'GET /api/v2/users/{target}': [SIGNED_IN],
  'GET /api/v2/users/{target}/posts': [SIGNED_IN],
  'GET /api/v2/users/{target}/reviews': [SIGNED_IN],
  'PUT /api/v2/users/{target}/follow': [SIGNED_IN],
  'DELETE /api/v2/users/{target}/follow': [OF_ANYBODY],
  'PUT /api/v2/users/{target}/block': [SIGNED_IN],
  'DELETE /api/v2/users/{target}/block': [OF_ANYBODY],
  'GET /api/v2/presence?user_ids={owner}': [OF_ANYBODY],
  'GET /api/v2/friends': [SIGNED_IN],
  'GET /api/v2/friends/requests': [SIGNED_IN],
  'POST /api/v2/friends/requests': [SIGNED_IN, { user_id: '{target}' }],
  'POST /api/v2/friends/requests/{request}/accept': [OWNERS_SECRET],
  'POST /api/v2/friends/requests/{request}/decline': [OWNERS_SECRET],
  'DELETE /api/v2/friends/requests/{request}': [MEMBERS_SECRET],
  'DELETE /api/v2/friends/{friend}': [OWNERS_SECRET],

  'GET /api/v2/sync': [SIGNED_IN],
  'GET /api/v2/chats': [SIGNED_IN],
  'POST /api/v2/chats': [SIGNED_IN, { type: 'group', participant_ids: ['{target}'] }],
  'GET /api/v2/chats/{chat}': [MEMBERS],
  'PATCH /api/v2/chats/{chat}': [OWNER, { title: 'Theirs' }],
  'GET /api/v2/chats/{chat}/members': [MEMBERS],
  'POST /api/v2/chats/{chat}/members': [OWNER, { user_ids: ['{target}'] }],
  'PATCH /api/v2/chats/{chat}/members/{member}': [OWNER, { role: 'admin' }],
  'DELETE /api/v2/chats/{chat}/members/{member}': [MEMBERS],
  'PUT /api/v2/chats/{chat}/mute': [MEMBERS, { until: '2030-01-01T00:00:00.000Z' }],
  'DELETE /api/v2/chats/{chat}/mute': [MEMBERS],
  'PUT /api/v2/chats/{chat}/archive': [MEMBERS],
  'DELETE /api/v2/chats/{chat}/archive': [MEMBERS],
  'POST /api/v2/chats/{chat}/read': [MEMBERS, { message_id: '{message}' }],
  'POST /api/v2/chats/{chat}/delivered': [MEMBERS, { message_id: '{message}' }],
  'GET /api/v2/chats/{chat}/pins': [MEMBERS],
  'GET /api/v2/chats/{chat}/changes': [MEMBERS],
  'GET /api/v2/chats/{chat}/messages': [READERS],
  'POST /api/v2/chats/{chat}/messages': [MEMBERS, { type: 'text', content: 'theirs' }],
  'POST /api/v2/chats/{chat}/forward': [MEMBERS, { message_ids: ['{message}'] }],
  'GET /api/v2/chats/{chat}/messages/search?query=ours': [READERS],
  'PATCH /api/v2/chats/{chat}/messages/{message}': [OWNER, { content: 'theirs' }],
  'DELETE /api/v2/chats/{chat}/messages/{message}': [OWNER],
  'GET /api/v2/chats/{chat}/messages/{message}/receipts': [OWNER],
  'POST /api/v2/chats/{chat}/messages/{message}/reactions': [MEMBERS, { emoji: '👍', on: true }],
  'PUT /api/v2/chats/{chat}/messages/{message}/pin': [MEMBERS],
  'DELETE /api/v2/chats/{chat}/messages/{message}/pin': [MEMBERS],
  'POST /api/v2/chats/{chat}/messages/{proposal}/accept': [{ member: 'ok' }, { starts_at: '{slot}' }],

  'GET /api/v2/notifications': [SIGNED_IN],
  'GET /api/v2/notifications/unread-count': [SIGNED_IN],
  'GET /api/v2/notifications/preferences': [SIGNED_IN],
  'PUT /api/v2/notifications/preferences': [SIGNED_IN, { types: { mention: false } }],
  'POST /api/v2/notifications/read-all': [SIGNED_IN],
  'POST /api/v2/notifications/{notification}/read': [OWNERS_SECRET],

  'GET /api/v2/feed': [SIGNED_IN],
  'POST /api/v2/posts': [SIGNED_IN, { content: 'A post' }],
  'GET /api/v2/posts/{post}': [SIGNED_IN],
  'DELETE /api/v2/posts/{post}': [{ ...OWNER, ...ADMINS }],
  'PUT /api/v2/posts/{post}/like': [SIGNED_IN],
  'DELETE /api/v2/posts/{post}/like': [SIGNED_IN],
  'POST /api/v2/posts/{post}/repost': [SIGNED_IN, { content: 'Look' }],
  'GET /api/v2/posts/{post}/comments': [SIGNED_IN],
  'POST /api/v2/posts/{post}/comments': [SIGNED_IN, { content: 'A comment' }],
  'DELETE /api/v2/posts/{post}/comments/{comment}': [BOTH_SIDES],

  'GET /api/v2/services': [SIGNED_IN],
  'POST /api/v2/services': [SIGNED_IN, { name: 'Haircut', price: 1, duration: 30 }],
  'GET /api/v2/services/{service}': [SIGNED_IN],
  'PATCH /api/v2/services/{service}': [OWNER, { price: 1 }],
  'DELETE /api/v2/services/{service}': [OWNER],
  'GET /api/v2/services/{service}/slots?from={slot}&to={later}': [SIGNED_IN],
  'GET /api/v2/bookings': [SIGNED_IN],
  'POST /api/v2/bookings': [
    { ...SIGNED_IN, owner: 'FORBIDDEN' },
    { service_id: '{service}', starts_at: '{slot}' },
  ],
  'GET /api/v2/bookings/{booking}': [BOTH_SIDES],
  'POST /api/v2/bookings/{booking}/confirm': [OWNER],
  'POST /api/v2/bookings/{booking}/decline': [OWNER, { reason: 'Ill' }],
  'POST /api/v2/bookings/{booking}/cancel': [BOTH_SIDES, { reason: 'Ill' }],
  'POST /api/v2/bookings/{visit}/complete': [OWNER],
  'POST /api/v2/bookings/{visit}/no-show': [OWNER, { reason: 'Nobody came' }],
  'POST /api/v2/bookings/{missed}/dispute': [{ member: 'ok' }],
  'POST /api/v2/bookings/{visited}/review': [{ member: 'ok' }, { rating: 5 }],

  'GET /api/v2/assistant/chats': [SIGNED_IN],
  'POST /api/v2/assistant/chats': [SIGNED_IN],
  'GET /api/v2/assistant/chats/{conversation}': [OWNERS_SECRET],
  'DELETE /api/v2/assistant/chats/{conversation}': [OWNERS_SECRET],

  'POST /api/v2/reports': [SIGNED_IN, { kind: 'user', target_id: '{target}', reason: 'Spam' }],
  'GET /api/v2/admin/users': [ADMINS],
  'GET /api/v2/admin/users/{target}': [ADMINS],
  'PATCH /api/v2/admin/users/{target}': [ADMINS, { role: 'admin' }],
  'POST /api/v2/admin/users/{target}/ban': [ADMINS, { reason: 'Spam' }],
  'POST /api/v2/admin/users/{target}/unban': [ADMINS],
  'GET /api/v2/admin/users/{target}/sessions': [ADMINS],
  'DELETE /api/v2/admin/users/{target}/sessions': [ADMINS],
  'GET /api/v2/admin/reports': [ADMINS],
  'POST /api/v2/admin/reports/{report}/resolve': [ADMINS, { resolution: 'Done' }],
  'POST /api/v2/admin/announcements': [ADMINS, { content: 'To everybody' }],
  'GET /api/v2/admin/queues': [ADMINS],
  'POST /api/v2/admin/queues/failed/{job}/retry': [ADMINS],
  'GET /api/v2/admin/audit': [ADMINS],
  'GET /api/v2/admin/stats': [ADMINS],
};

/** Every event of namespace `/`. */
export const EVENTS: Record<ClientEvent, Row> = {
  // The token of another user does not replace one's own.
  'auth:refresh': [{ ...signedIn('UNAUTHORIZED'), owner: 'ok' }, { token: '{token}' }],
  'chat:message:send': [MEMBERS, { chat_id: '{chat}', type: 'text', content: 'theirs' }],
  'chat:message:edit': [OWNER, { message_id: '{message}', content: 'theirs' }],
  'chat:message:delete': [OWNER, { message_id: '{message}' }],
  'chat:message:pin': [MEMBERS, { message_id: '{message}' }],
  'chat:message:unpin': [MEMBERS, { message_id: '{message}' }],
  'chat:message:forward': [MEMBERS, { to_chat_id: '{chat}', message_ids: ['{message}'] }],
  'chat:message:react': [MEMBERS, { message_id: '{message}', emoji: '👍', on: true }],
  'chat:message:read': [MEMBERS, { chat_id: '{chat}', message_id: '{message}' }],
  'chat:message:delivered': [MEMBERS, { chat_id: '{chat}', message_id: '{message}' }],
  'chat:typing': [MEMBERS, { chat_id: '{chat}', is_typing: true }],
  'chat:join': [MEMBERS, { chat_id: '{chat}' }],
  'chat:leave': [OF_ANYBODY, { chat_id: '{chat}' }],
  'chat:get': [SIGNED_IN, { recipient_id: '{target}' }],
  'chat:pins': [MEMBERS, { chat_id: '{chat}' }],
  'chat:mute': [MEMBERS, { chat_id: '{chat}', muted: true }],
  'chat:archive': [MEMBERS, { chat_id: '{chat}', archived: true }],
  'users:list': [SIGNED_IN, { query: 'Some', limit: 10 }],
  'presence:get': [OF_ANYBODY, { user_ids: ['{owner}'] }],
  'presence:watch': [OF_ANYBODY, { user_ids: ['{owner}'] }],
  'notification:read': [OWNERS_SECRET, { notification_id: '{notification}' }],
};

const CHAT = { chatId: '{chat}' };
/** Two of the dialects have one error for an unknown chat and a foreign one. */
const MEMBERS_ONLY: Access = { ...MEMBERS, none: 'FORBIDDEN' };
const classic = (namespace: string, members: Access): Record<string, Row> => ({
  [`${namespace} send-message`]: [members, { ...CHAT, content: 'theirs' }],
  [`${namespace} join-chat`]: [members, CHAT],
  [`${namespace} typing-start`]: [members, CHAT],
  [`${namespace} typing-stop`]: [members, CHAT],
  [`${namespace} ping`]: [SIGNED_IN, {}],
});

/** Every event of the dialects' namespaces. */
export const DIALECT_EVENTS: Record<string, Row> = {
  ...classic('/messenger', MEMBERS),
  '/messenger message': [MEMBERS, { ...CHAT, content: 'theirs' }],
  '/messenger chat:get': [SIGNED_IN, { recipientId: '{target}' }],
  '/messenger chat:join': [MEMBERS, CHAT],
  '/messenger chat:leave': [OF_ANYBODY, CHAT],
  '/messenger users:list': [SIGNED_IN, { query: 'Some', limit: 10 }],
  '/messenger message:read': [MEMBERS, { messageId: '{message}' }],
  '/messenger message:pin': [MEMBERS, { messageId: '{message}' }],
  '/messenger message:unpin': [MEMBERS, { messageId: '{message}' }],
  '/messenger chat:get-pinned': [MEMBERS, CHAT],
  '/messenger message:forward': [MEMBERS, { messageId: '{message}', toChatId: '{chat}' }],
  '/messenger message:forward-multiple': [MEMBERS, { messageIds: ['{message}'], toChatId: '{chat}' }],
  ...classic('/messenger-classic', MEMBERS_ONLY),
  '/chat-basic chat:join': [MEMBERS_ONLY, CHAT],
  '/chat-basic chat:leave': [OF_ANYBODY, CHAT],
  '/chat-basic message:send': [MEMBERS_ONLY, { ...CHAT, text: 'theirs' }],
};

/** A connection that may not join the owner's chat with the assistant is in none. */
const IN_THE_TALK: Access = { ...signedIn('UNAUTHORIZED'), owner: 'ok' };

/** Every frame of `/ws/chat`, sent by a connection that tried to join the owner's chat with its own token. */
export const FRAMES: Record<keyof typeof ASSISTANT_FRAMES, Row> = {
  join_chat: [OWNERS_SECRET, { chatId: '{conversation}' }],
  create_chat: [SIGNED_IN],
  message: [IN_THE_TALK, { message: 'theirs' }],
  stop: [IN_THE_TALK],
  regenerate: [IN_THE_TALK],
};
