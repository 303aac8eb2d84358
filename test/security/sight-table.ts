import type { ServerEvent } from '#contracts';

/** The relation of a person to the looker. `blocking`: the looker has blocked them. */
export const RELATIONS = ['blocked by', 'blocking', 'banned', 'former member', 'stranger'] as const;
export type Relation = (typeof RELATIONS)[number];
type Relations = readonly Relation[];

const CUT: Relations = ['blocked by', 'blocking'];
/** Relations without a block or ban. */
const PUBLIC: Relations = ['former member', 'stranger'];
/** Relations in which a common group goes on: neither a block nor a ban closes it. */
const OF_GROUPS: Relations = [...CUT, 'banned'];
/** The looker's own data, or data about nobody. */
const OWN: Relations = RELATIONS;
const NOBODY: Relations = [];

const rows = (relations: Relations, fields: string) =>
  Object.fromEntries(fields.split(/\s+/).map((field) => [field, relations]));

/** The relations for which a field of an answer or event may show later changes of the person. */
export const FIELDS: Record<string, Relations> = {
  ...rows(PUBLIC, 'name handle avatar is_master online last_seen sender_name sender_avatar user_name'),
  ...rows(PUBLIC, 'author_name author_avatar media_url'),
  ...rows(NOBODY, 'last_read_seq last_delivered_seq status marks delivered_to delivered_at delivered_count'),
  ...rows(NOBODY, 'read_by read_at read_count is_typing is_open role left removed removed_by member_count'),
  ...rows(NOBODY, 'note reason review text no_show disputed service_name notification_id is_read data'),
  // The sum of all reviews is public.
  ...rows([...CUT, ...PUBLIC], 'rating average reviews_count'),
  ...rows(PUBLIC, 'body'),
  ...rows(OF_GROUPS, 'title'),
  ...rows(OF_GROUPS, 'content metadata edited_at pinned_at deleted_at reactions emoji count user_ids'),
  ...rows(OF_GROUPS, 'change_seq last_seq seq last_message forwarded_from message reply_to'),
  // A booking of the two goes on across a block.
  ...rows(CUT, 'starts_at ends_at booking reminder'),
  ...rows(
    OWN,
    'updated_at unread_count created_at id chat_id sender_id author_id user_id type kind message_id',
  ),
  ...rows(OWN, 'cursor next_cursor items chats notifications participants master client author from to'),
  ...rows(OWN, 'service_id booking_id post_id comment_id parent_id muted_until archived price duration'),
  ...rows(
    OWN,
    'messages_from groups_from email locale access_token refresh_token accessToken expires_at token user device user_agent',
  ),
  ...rows(OWN, 'ip current last_used_at reset code message details field retry_after_ms timestamp socket_id'),
  ...rows(OWN, 'client_id chat read_marks direction is_repost repost_of liked likes_count comments_count'),
  ...rows(OWN, 'reposts_count media_urls description timezone weekly weekday days_off min_notice_minutes'),
  ...rows(
    OWN,
    'types quiet_hours mention booking_request booking_confirmed booking_cancelled friend_request',
  ),
  ...rows(
    OWN,
    'friend_accepted post_liked post_commented post_reposted review_received auto_booking_proposal',
  ),
  ...rows(OWN, 'comment messages target_id against reporter resolution resolved_at resolved_by action admin'),
  ...rows(
    OWN,
    'banned_at all banned new_today users bookings posts open_reports estimated requested confirmed',
  ),
  ...rows(
    OWN,
    'declined cancelled expired completed waiting active delayed failed outbox counts attempts failed_at',
  ),
};

/** The relations for which an event may be published because of the person's later actions. */
export const EVENTS: Record<ServerEvent, Relations> = {
  connected: NOBODY,
  'sync:required': NOBODY,
  error: NOBODY,
  'chat:created': NOBODY,
  'chat:updated': OF_GROUPS,
  'chat:removed': NOBODY,
  'chat:message:new': OF_GROUPS,
  'chat:message:edited': OF_GROUPS,
  'chat:message:deleted': OF_GROUPS,
  'chat:message:reaction': OF_GROUPS,
  'chat:message:pinned': OF_GROUPS,
  'chat:message:unpinned': OF_GROUPS,
  'chat:message:delivered': NOBODY,
  'chat:message:read': NOBODY,
  'chat:read': NOBODY,
  'chat:typing': NOBODY,
  'booking:updated': CUT,
  'notification:new': NOBODY,
  'notification:updated': NOBODY,
  'notification:removed': NOBODY,
  'notification:read': NOBODY,
  'post:liked': NOBODY,
  'post:commented': NOBODY,
  'post:comment_deleted': NOBODY,
  'post:deleted': NOBODY,
  'user:updated': PUBLIC,
  'user:online': PUBLIC,
  'user:offline': PUBLIC,
};

/** Every answer that shows people and their content. */
export const LOOKS = [
  'users/me',
  'users/me/blocked',
  'users?query=Борис',
  'users/{subject}',
  'users/{subject}/posts',
  'users/{subject}/reviews',
  'presence?user_ids={subject}',
  'friends',
  'friends/requests',
  'friends/requests?direction=outgoing',
  'sync',
  'chats',
  'chats/{direct}',
  'chats/{direct}/members',
  'chats/{direct}/pins',
  'chats/{direct}/changes',
  'chats/{direct}/messages',
  'chats/{direct}/messages/search?query=слова',
  'chats/{direct}/messages/{mine}/receipts',
  'chats/{group}',
  'chats/{group}/members',
  'chats/{group}/pins',
  'chats/{group}/changes',
  'chats/{group}/messages',
  'chats/{group}/messages/search?query=слова',
  'chats/{group}/messages/search?query=тайна',
  'chats/{group}/messages/{ours}/receipts',
  'notifications',
  'notifications/unread-count',
  'feed',
  'posts/{post}',
  'posts/{post}/comments',
  'posts/{own}/comments',
  'services?master_id={subject}',
  'services/{service}',
  'services/{service}/slots?from={from}&to={to}',
  'bookings',
  'bookings/{booking}',
  'bookings/{visit}',
];

/** Answers about one's own account or the platform, which show no other people. */
export const OTHERS = [
  'users/me/availability',
  'auth/sessions',
  'notifications/preferences',
  'assistant/chats',
  'assistant/chats/{conversation}',
  'admin/users',
  'admin/users/{subject}',
  'admin/users/{subject}/sessions',
  'admin/reports',
  'admin/queues',
  'admin/audit',
  'admin/stats',
];

/** Requests to somebody or to their things. Across a block or ban they are answered as for an unknown user. */
export const ACTS: readonly [route: string, body?: object][] = [
  ['GET users/{subject}'],
  ['GET users/{subject}/posts'],
  ['GET users/{subject}/reviews'],
  ['PUT users/{subject}/follow'],
  ['DELETE users/{subject}/follow'],
  ['GET presence?user_ids={subject}'],
  ['POST friends/requests', { user_id: '{subject}' }],
  ['POST friends/requests/{request}/accept'],
  ['POST friends/requests/{request}/decline'],
  ['DELETE friends/{subject}'],
  ['POST chats', { type: 'direct', participant_ids: ['{subject}'] }],
  ['POST chats', { type: 'group', participant_ids: ['{subject}'] }],
  ['POST chats', { type: 'group', participant_ids: ['{subject}', '{third}'] }],
  ['POST chats/{lookers}/members', { user_ids: ['{subject}'] }],
  ['PATCH chats/{lookers}/members/{subject}', { role: 'admin' }],
  ['POST chats/{lookers}/messages', { type: 'profile_share', content: '{subject}' }],
  ['POST chats/{lookers}/messages', { type: 'post_share', content: '{post}' }],
  ['GET posts/{post}'],
  ['PUT posts/{post}/like'],
  ['DELETE posts/{post}/like'],
  ['POST posts/{post}/repost', { content: 'Слова' }],
  ['GET posts/{post}/comments'],
  ['POST posts/{post}/comments', { content: 'Слова' }],
  ['GET services/{service}'],
  ['GET services?master_id={subject}'],
  ['GET services/{service}/slots?from={from}&to={to}'],
  ['POST bookings', { service_id: '{service}', starts_at: '{from}' }],
];
