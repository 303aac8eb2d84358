import { Memberships } from '#chat';
import { Relationships } from '#social';
import { chatTopic, userTopic, type Connection, type SubscriptionSnapshot, type Topic } from '#realtime';
import { Injectable } from '@nestjs/common';

export interface LoadedSubscriptions extends SubscriptionSnapshot {
  /** Direct chats that have not been shown to the other member: they do not receive this user's online state. */
  unseen: Set<string>;
}

/** Loads the stored subscriptions of a user's devices. */
@Injectable()
export class SubscriptionLoader {
  constructor(
    private readonly memberships: Memberships,
    private readonly relationships: Relationships,
  ) {}

  /** Later calls resolve later (`Batcher`), so an older snapshot never replaces a newer one. */
  async load({ userId, invalidations: readAfter }: Connection): Promise<LoadedSubscriptions> {
    return { ...(await this.read(userId)), readAfter };
  }

  /** The presence audience of a user. */
  async audienceOf(userId: string): Promise<Topic[]> {
    const { topics, unseen } = await this.read(userId);
    return presenceAudience(topics, unseen);
  }

  private async read(userId: string): Promise<Omit<LoadedSubscriptions, 'readAfter'>> {
    const [chats, related] = await Promise.all([
      this.memberships.chatIdsOf(userId),
      this.relationships.topicsOf(userId),
    ]);
    return {
      topics: [...chats.chatIds.map(chatTopic), ...related.topics],
      unseen: new Set(chats.unseen),
      seen: { chats: chats.snapshot, relationships: related.snapshot },
    };
  }
}

/** The topics that receive the online state of a user with these subscriptions: chats, and the users whom the user follows. */
export const presenceAudience = (
  topics: Iterable<Topic> | Connection['subscriptions'],
  unseen: Set<string>,
): Topic[] =>
  [...topics].flatMap(({ kind, id }) => {
    if (kind === 'followers') return [userTopic(id)];
    return kind === 'chat' && !unseen.has(id) ? [chatTopic(id)] : [];
  });
