import type { Status } from '../messenger-classic/chat-message.js';

const RANK = { SENT: 0, DELIVERED: 1, READ: 2 };
const MAX_KNOWN = 20_000;

/**
 * The latest published status of messages. The dialect has one status per message, the first of any recipient. In a
 * group, a later delivery must not reset a read status.
 */
export class Statuses {
  private readonly known = new Map<string, Status>();

  /** Whether the status advances from the last published one; true for messages that are no longer tracked. */
  advances(messageId: string, status: Status): boolean {
    const before = this.known.get(messageId) ?? 'SENT';
    if (RANK[status] <= RANK[before]) return false;
    this.known.delete(messageId);
    this.known.set(messageId, status);
    if (this.known.size > MAX_KNOWN) this.known.delete(this.known.keys().next().value!);
    return true;
  }
}
