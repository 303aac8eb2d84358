import { WORK } from '#platform';
import type { Topic, TopicKind } from '../topics.js';

/** A committed change of a subscription. */
export interface SubscriptionChange {
  /** Whether the users are subscribed to the topic from now on. */
  member: boolean;
  /** Two changes of one user and topic have versions in the order of their commits (`subscriptionVersion`). */
  version: bigint;
  /** The transaction of the change. */
  xid: bigint;
}

/** A snapshot of the database: `pg_current_snapshot()`. */
export class DatabaseSnapshot {
  private readonly xmin: bigint;
  private readonly xmax: bigint;
  private readonly running: Set<bigint>;

  /** @param text `xmin:xmax:xid,xid…` */
  constructor(text: string) {
    const [xmin, xmax, running = ''] = text.split(':') as [string, string, string?];
    this.xmin = BigInt(xmin);
    this.xmax = BigInt(xmax);
    this.running = new Set(running.split(',').filter(Boolean).map(BigInt));
  }

  /** Whether the snapshot has the effects of this committed transaction. */
  sees(xid: bigint): boolean {
    return xid < this.xmin || (xid < this.xmax && !this.running.has(xid));
  }
}

/** The snapshots with which the subscriptions of a connection were read: of chats, and of relationships. */
export interface SeenSnapshots {
  chats: DatabaseSnapshot;
  relationships: DatabaseSnapshot;
}

export const seesChange = ({ chats, relationships }: SeenSnapshots, { kind }: Topic, xid: bigint) =>
  (kind === 'chat' ? chats : relationships).sees(xid);

/** Kinds of topics whose subscribers are stored in the database. */
export const STORED: ReadonlySet<TopicKind> = new Set<TopicKind>(['chat', 'followers', 'friends', 'blocked']);

/**
 * Limit of remembered changes per user. A change is only needed until all older ones have arrived and all reads of
 * subscriptions that began before it have ended: a few seconds.
 */
const { most: MAX_REMEMBERED } = WORK.subscriptionChanges;

const keyOf = ({ kind, id }: Topic) => `${kind}:${id}`;

/**
 * The newest changes of one user's subscriptions, by topic. Nodes publish changes after the commit, perhaps in another
 * order than their commits, and a read of the subscriptions may be older or newer than a change. So the last change by
 * version counts, unless the read has seen it.
 */
export class SubscriptionChanges {
  private readonly newest = new Map<string, { topic: Topic; change: SubscriptionChange }>();

  /** @returns false if a newer change of this topic is known */
  record(topic: Topic, change: SubscriptionChange): boolean {
    const key = keyOf(topic);
    const known = this.newest.get(key);
    if (known && known.change.version >= change.version) return false;
    this.newest.delete(key);
    this.newest.set(key, { topic, change });
    if (this.newest.size > MAX_REMEMBERED) this.newest.delete(this.newest.keys().next().value!);
    return true;
  }

  /** The changes that these snapshots have not seen. */
  *after(seen: SeenSnapshots): Iterable<{ topic: Topic; change: SubscriptionChange }> {
    for (const entry of this.newest.values())
      if (!seesChange(seen, entry.topic, entry.change.xid)) yield entry;
  }
}
