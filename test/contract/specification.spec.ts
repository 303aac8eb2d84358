import {
  ERROR_STATUS,
  SERVER_EVENTS,
  SYNC_REASONS,
  SendMessageAck,
  SendMessagePayload,
  messageMetadata,
  type ErrorCode,
  type ServerEvent,
} from '#contracts';
import { validated } from '#platform';
import { contractErrors } from '#testing';
import { randomUUID } from 'node:crypto';
import { specifiedMessages } from '../specified-messages.js';

// The samples of the specification, with ids and milliseconds, which it abbreviates.
const uuid = randomUUID();
const at = '2026-01-09T12:00:00.000Z';

describe('a client payload of the specification', () => {
  it.each(Object.entries(specifiedMessages(uuid)))('%s is valid and passes unchanged', (type, sample) => {
    const payload = { chat_id: uuid, type, ...sample };
    const taken = validated(SendMessagePayload, payload);
    expect({ ...taken }).toEqual(payload);
    expect(messageMetadata(taken.type, taken.content, taken.metadata ?? {})).toEqual(taken.metadata ?? {});
  });
});

describe('a server payload of the specification', () => {
  /** Fields that our contract adds to a message. */
  const added = {
    seq: 1,
    change_seq: 0,
    reply_to: null,
    forwarded_from: null,
    edited_at: null,
    pinned_at: null,
    deleted_at: null,
    reactions: [],
  };
  it.each<[ServerEvent, object]>([
    ['connected', { socket_id: 'abc123socket', user_id: uuid, timestamp: at }],
    ['sync:required', { user_id: uuid, reason: 'connection_established', timestamp: at }],
    [
      'chat:message:new',
      {
        id: uuid,
        chat_id: uuid,
        sender_id: uuid,
        sender_name: 'Анна',
        sender_avatar: 'https://...',
        type: 'text',
        content: 'Hello!',
        metadata: {},
        created_at: at,
        status: 'sent',
        ...added,
      },
    ],
    ['chat:typing', { chat_id: uuid, user_id: uuid, user_name: 'Анна', is_typing: true }],
    ['chat:message:read', { message_id: uuid, chat_id: uuid, read_by: uuid, read_at: at }],
    ['chat:message:delivered', { message_id: uuid, chat_id: uuid, delivered_to: uuid, delivered_at: at }],
    ['post:liked', { post_id: uuid, user_id: uuid, user_name: 'Анна', likes_count: 125 }],
    [
      'post:commented',
      {
        post_id: uuid,
        comment: {
          id: uuid,
          author_id: uuid,
          author_name: 'Мария',
          author_avatar: 'https://storage.service.com/avatars/user.jpg',
          content: 'Классная работа!',
          created_at: at,
          parent_id: null,
        },
        comments_count: 42,
      },
    ],
    ['user:online', { user_id: uuid, online: true, last_seen: at }],
    ['user:offline', { user_id: uuid, online: false, last_seen: at }],
    ['error', { code: 'UNAUTHORIZED', message: 'Invalid or expired token', timestamp: at }],
  ])('%s is valid, and each of its fields is required', (event, sample) => {
    expect(contractErrors(SERVER_EVENTS[event], sample)).toEqual([]);
    for (const field of Object.keys(sample)) {
      const without = Object.fromEntries(Object.entries(sample).filter(([name]) => name !== field));
      // In large chats counts replace these two.
      const optional = field === 'read_by' || field === 'delivered_to';
      expect([field, contractErrors(SERVER_EVENTS[event], without).length > 0]).toEqual([field, !optional]);
    }
    expect(contractErrors(SERVER_EVENTS[event], { ...sample, userId: uuid })).not.toEqual([]);
  });

  it('is valid as the acknowledgement of a send', () => {
    const sample = { status: 'sent', message_id: uuid, created_at: at };
    expect(contractErrors(SendMessageAck, { ...sample, seq: 1 })).toEqual([]);
    expect(
      contractErrors(SendMessageAck, { ...sample, seq: 1, created_at: '2026-01-09T12:00:00Z' }),
    ).not.toEqual([]);
  });

  it('has these reasons to sync and these error codes', () => {
    expect([...SYNC_REASONS]).toEqual(['connection_established', 'reconnection', 'token_refresh']);
    const codes: ErrorCode[] = [
      'UNAUTHORIZED',
      'INVALID_DATA',
      'RATE_LIMIT',
      'CHAT_NOT_FOUND',
      'MESSAGE_TOO_LARGE',
      'FORBIDDEN',
    ];
    expect(Object.keys(ERROR_STATUS)).toEqual(expect.arrayContaining(codes));
  });
});
