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

/**
 * The first question makes the title (`seeds/004-…`): its first 50 characters in one line. What people see as one
 * character, such as a family emoji, is kept whole.
 */
export function titleFrom(question: string): string {
  const line = question.replace(/[\p{Z}\p{Cc}]+/gu, ' ').trim();
  const characters = [...line];
  if (characters.length <= TITLE_CHARACTERS) return line;
  const first = characters.slice(0, TITLE_CHARACTERS).join('');
  // The next character may belong to the last.
  const seen = [...new Intl.Segmenter().segment(first + characters[TITLE_CHARACTERS]!)].at(-1)!;
  const end = seen.index === 0 ? first.length : Math.min(seen.index, first.length);
  return `${first.slice(0, end)}...`;
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
