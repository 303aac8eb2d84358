import type { Status } from '../messenger-classic/chat-message.js';

const RANK = { SENT: 0, DELIVERED: 1, READ: 2 };
const MAX_KNOWN = 20_000;

/**
 * What senders were told of their messages last. The document knows one status a message, the first of anybody's:
 * in a group, one who receives it after another has read it must not turn it back.
 */
export class Statuses {
  private readonly known = new Map<string, Status>();

  /** Whether a message has come further than was told; of those long forgotten, true. */
  advances(messageId: string, status: Status): boolean {
    const before = this.known.get(messageId) ?? 'SENT';
    if (RANK[status] <= RANK[before]) return false;
    this.known.delete(messageId);
    this.known.set(messageId, status);
    if (this.known.size > MAX_KNOWN) this.known.delete(this.known.keys().next().value!);
    return true;
  }
}
