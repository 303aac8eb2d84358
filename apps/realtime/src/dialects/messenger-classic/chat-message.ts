import type { MessageDto, MessageStatus } from '#contracts';

export type Status = 'SENT' | 'DELIVERED' | 'READ';

export const statusOf = (status: MessageStatus): Status => status.toUpperCase() as Status;

/** A message as the messenger's two documents know it, each with its own name for the status. */
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
