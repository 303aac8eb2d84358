import type { ClassConstructor } from 'class-transformer';
import * as chats from './schemas/chats.js';
import { ErrorBody } from './errors.js';
import * as identity from './schemas/identity.js';
import * as marketplace from './schemas/marketplace.js';
import * as messages from './schemas/messages.js';
import * as notifications from './schemas/notifications.js';
import * as presence from './schemas/presence.js';
import * as social from './schemas/social.js';

/** Client → server: the payload and the acknowledgement of each event. */
export const CLIENT_EVENTS = {
  'auth:refresh': { payload: identity.AuthRefreshPayload, ack: identity.AuthRefreshAck },
  'chat:message:send': { payload: messages.SendMessagePayload, ack: messages.SendMessageAck },
  'chat:message:edit': { payload: messages.EditMessagePayload, ack: messages.MessageAck },
  'chat:message:delete': { payload: messages.MessageIdPayload, ack: identity.OkAck },
  'chat:message:pin': { payload: messages.MessageIdPayload, ack: messages.MessageAck },
  'chat:message:unpin': { payload: messages.MessageIdPayload, ack: messages.MessageAck },
  'chat:message:forward': { payload: messages.ForwardPayload, ack: messages.MessagesAck },
  'chat:message:react': { payload: messages.ReactPayload, ack: identity.OkAck },
  'chat:message:read': { payload: chats.ReceiptPayload, ack: chats.ReadAck },
  'chat:message:delivered': { payload: chats.ReceiptPayload, ack: identity.OkAck },
  'chat:typing': { payload: chats.TypingPayload, ack: identity.OkAck },
  'chat:join': { payload: chats.ChatIdPayload, ack: chats.JoinAck },
  'chat:leave': { payload: chats.ChatIdPayload, ack: chats.LeaveAck },
  'chat:get': { payload: chats.ChatGetPayload, ack: chats.ChatAck },
  'chat:pins': { payload: messages.PinsPayload, ack: messages.PinsAck },
  'chat:mute': { payload: chats.MutePayload, ack: chats.ChatAck },
  'chat:archive': { payload: chats.ArchivePayload, ack: chats.ChatAck },
  'users:list': { payload: presence.UsersListPayload, ack: presence.UsersListAck },
  'presence:get': { payload: presence.PresenceGetPayload, ack: presence.PresenceAck },
  'notification:read': {
    payload: notifications.NotificationReadPayload,
    ack: notifications.NotificationReadAck,
  },
  'presence:watch': { payload: presence.PresenceWatchPayload, ack: presence.PresenceAck },
} as const satisfies Record<string, { payload: ClassConstructor<object>; ack: ClassConstructor<object> }>;

/** Server → client: the payload of each event. */
export const SERVER_EVENTS = {
  connected: identity.ConnectedEvent,
  'sync:required': identity.SyncRequiredEvent,
  error: ErrorBody,
  'chat:created': chats.ChatDto,
  'chat:updated': chats.ChatDto,
  'chat:removed': chats.ChatRemovedEvent,
  'chat:message:new': messages.MessageDto,
  'chat:message:edited': messages.MessageDto,
  'chat:message:deleted': messages.MessageDto,
  'chat:message:reaction': messages.MessageDto,
  'chat:message:pinned': messages.MessageDto,
  'chat:message:unpinned': messages.MessageDto,
  'chat:message:delivered': chats.DeliveredEvent,
  'chat:message:read': chats.ReadEvent,
  'chat:read': chats.ChatReadEvent,
  'chat:typing': chats.TypingEvent,
  'booking:updated': marketplace.BookingUpdatedEvent,
  'notification:new': notifications.NotificationDto,
  'notification:updated': notifications.NotificationDto,
  'notification:removed': notifications.NotificationRemovedEvent,
  'notification:read': notifications.NotificationReadAck,
  'post:liked': social.PostLikedEvent,
  'post:commented': social.PostCommentedEvent,
  'post:comment_deleted': social.PostCommentDeletedEvent,
  'post:deleted': social.PostDeletedEvent,
  'user:updated': identity.UserUpdatedEvent,
  'user:online': presence.PresenceEvent,
  'user:offline': presence.PresenceEvent,
} as const satisfies Record<string, ClassConstructor<object>>;

export type ClientEvent = keyof typeof CLIENT_EVENTS;
export type ServerEvent = keyof typeof SERVER_EVENTS;
export type PayloadOf<E extends ServerEvent> = InstanceType<(typeof SERVER_EVENTS)[E]>;
