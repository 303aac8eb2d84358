import {
  AppError,
  isVisible,
  oneLine,
  type AssistantEvent,
  type AssistantChatDto,
  type AssistantHistoryItem,
  type AssistantMessageDto,
} from '#contracts';

/** A chat's title until its first question. */
export const NEW_CHAT = 'Новый чат';
const TITLE_CHARACTERS = 50;
const readersCharacters = new Intl.Segmenter('ru', { granularity: 'grapheme' });

export const noSuchChat = () => new AppError('NOT_FOUND', 'Chat not found or access denied');

export const started = (messageId: string): AssistantEvent => ({
  type: 'assistant_message_start',
  data: { message: 'Ассистент печатает...', messageId },
});

/**
 * The first question makes the title (`seeds/004-…`): its first 50 characters from the first visible one, in one line.
 * What people see as one character, such as a family emoji, is kept whole.
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
