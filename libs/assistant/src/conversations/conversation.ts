import {
  AppError,
  isVisible,
  oneLine,
  type AssistantEvent,
  type AssistantChatDto,
  type AssistantHistoryItem,
  type AssistantMessageDto,
} from '#contracts';

/** The title of a chat before its first question. */
export const NEW_CHAT = 'Новый чат';
const TITLE_CHARACTERS = 50;
const readersCharacters = new Intl.Segmenter('ru', { granularity: 'grapheme' });

export const noSuchChat = () => new AppError('NOT_FOUND', 'Chat not found or access denied');

export const started = (messageId: string): AssistantEvent => ({
  type: 'assistant_message_start',
  data: { message: 'Ассистент печатает...', messageId },
});

export const failed = (messageId: string): AssistantEvent => ({
  type: 'error',
  data: { message: 'The assistant could not answer, try again', code: 'ASSISTANT_UNAVAILABLE', messageId },
});

export interface StoredAnswer {
  id: string;
  content: string;
  createdAt: Date;
  title: string;
}

export const completed = (
  status: 'complete' | 'stopped' | 'interrupted' | 'apology',
  { id, content, createdAt, title }: StoredAnswer,
): AssistantEvent => ({
  type: 'assistant_message_complete',
  data: { messageId: id, content, role: 'assistant', timestamp: createdAt.toISOString(), status, title },
});

/**
 * The title from the first question, as older clients expect: its first 50 characters from the first visible one, on
 * one line. A visible character, such as a family emoji, is never split.
 */
export function titleFrom(question: string): string {
  let title = '';
  let length = 0;
  for (const { segment } of readersCharacters.segment(oneLine(question))) {
    if (length === 0 && !isVisible(segment)) continue;
    length += [...segment].length;
    if (length > TITLE_CHARACTERS) return title === '' ? NEW_CHAT : `${title}...`;
    title += segment;
  }
  return title;
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

/** A message in the form of older clients. */
export const toHistoryItem = (message: AssistantMessageDto): AssistantHistoryItem => ({
  _id: message.id,
  messageId: message.id,
  content: message.content,
  role: message.role,
  status: message.status,
  timestamp: message.created_at,
  createdAt: message.created_at,
});
