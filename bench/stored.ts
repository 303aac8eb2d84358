import type { Client } from 'pg';
import { compareStored, type Ledger } from './delivery-record.js';
import { idTail } from './raw-client.js';

/** Compares a stored chat with its acks. Returns the differences. */
export async function compareWithRows(
  db: Client,
  chatId: string,
  acked: Ledger,
): Promise<string | undefined> {
  const chat = await db.query<{ last_seq: number }>('SELECT last_seq FROM chats WHERE id = $1', [chatId]);
  const messages = await db.query<{ id: string; seq: number }>(
    'SELECT id, seq FROM messages WHERE chat_id = $1',
    [chatId],
  );
  const rows: Ledger = new Map(messages.rows.map(({ id, seq }) => [seq, idTail(id)]));
  if (rows.size !== messages.rows.length) return 'two rows share a seq';
  return compareStored(acked, rows, chat.rows[0]!.last_seq);
}
