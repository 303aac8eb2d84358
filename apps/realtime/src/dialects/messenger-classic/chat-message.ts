import type { ChatDto, MessageDto, MessageStatus } from '#contracts';

export type Status = 'SENT' | 'DELIVERED' | 'READ';

export const statusOf = (status: MessageStatus): Status => status.toUpperCase() as Status;

/** A message for both messenger dialects, which differ in the name of the status. */
export const chatMessage = (message: MessageDto) => ({
  id: message.id,
  chatId: message.chat_id,
  senderId: message.sender_id,
  senderName: message.sender_name,
  senderAvatar: message.sender_avatar,
  content: message.content,
  type: message.type,
  metadata: message.metadata,
  seq: message.seq,
  status: statusOf(message.status),
  deliveryStatus: statusOf(message.status),
  isPinned: message.pinned_at !== null,
  pinnedAt: message.pinned_at,
  forwardedFrom: message.forwarded_from && {
    messageId: message.forwarded_from.message_id,
    senderId: message.forwarded_from.sender_id,
    senderName: message.forwarded_from.sender_name,
    createdAt: message.forwarded_from.created_at,
  },
  createdAt: message.created_at,
});

/** A chat in these dialects. */
export const chatForm = (dto: ChatDto) => ({
  id: dto.id,
  type: dto.type,
  title: dto.title,
  participants: dto.participants.map(({ id }) => id),
  users: dto.participants.map(({ id, name, avatar, online }) => ({ id, name, avatar, isOnline: online })),
  lastMessage: dto.last_message && chatMessage(dto.last_message),
  unreadCount: dto.unread_count,
  createdAt: dto.created_at,
});
