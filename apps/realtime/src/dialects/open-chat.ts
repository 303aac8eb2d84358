import { ChatIdPayload, type MessageDto } from '#contracts';
import { GetHistory, JoinChat } from '#chat';
import { validated } from '#platform';
import type { Call } from './dialect.js';

export const chatIdOf = (chatId: unknown) => validated(ChatIdPayload, { chat_id: chatId }).chat_id;

/** Number of newest messages that a device receives when it opens a chat. */
const MESSAGES = 200;

/**
 * Opens a chat on a device: all its messages count as delivered. Returns its newest messages, oldest first, without
 * deleted ones.
 */
export async function openChat(chatId: unknown, { userId, run, ask, join }: Call): Promise<MessageDto[]> {
  const id = chatIdOf(chatId);
  await join(id, () => run(new JoinChat(userId, id)));
  const { items } = await ask(new GetHistory(userId, id, { limit: MESSAGES }));
  return items.filter(({ deleted_at }) => deleted_at === null);
}
