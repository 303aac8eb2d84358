import {
  AppError,
  type AssistantEvent,
  type AssistantChatDto,
  type AssistantHistoryItem,
  type AssistantMessageDto,
} from '#contracts';

/** A chat's title until its first question. */
export const NEW_CHAT = 'Новый чат';
const TITLE_CHARACTERS = 50;

export const noSuchChat = () => new AppError('NOT_FOUND', 'Chat not found or access denied');

export const started = (messageId: string): AssistantEvent => ({
  type: 'assistant_message_start',
  data: { message: 'Ассистент печатает...', messageId },
});

/** The first question makes the title (`seeds/004-…`). */
export function titleFrom(question: string): string {
  const characters = [...question];
  return characters.slice(0, TITLE_CHARACTERS).join('') + (characters.length > TITLE_CHARACTERS ? '...' : '');
}

interface ChatRow {
  id: string;
  title: string;
  createdAt: Date;
  updatedAt: Date;
}

export const toChat = ({ id, title, createdAt, updatedAt }: ChatRow): AssistantChatDto => ({
  id,
  title,
  created_at: createdAt.toISOString(),
  updated_at: updatedAt.toISOString(),
});

/** As the document's clients know a message. */
export const toHistoryItem = (message: AssistantMessageDto): AssistantHistoryItem => ({
  _id: message.id,
  messageId: message.id,
  content: message.content,
  role: message.role,
  status: message.status,
  timestamp: message.created_at,
  createdAt: message.created_at,
});
