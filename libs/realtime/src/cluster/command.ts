import type { Delivery } from '../hub/hub.js';
import type { SubscriptionChange } from '../hub/subscription-changes.js';
import type { Topic } from '../topics.js';

/** Notices for all nodes that no client receives, with their data. */
export interface Signals {
  /** Shows a changed chat to all members or only to some, except these users and one connection. */
  chatChanged: {
    chatId: string;
    /** None means all members. */
    onlyUserIds: string[];
    exceptUserIds: string[];
    exceptConnection?: string;
  };
  /** Ends the typing of these users: in a chat that they have left, or in all chats. */
  typingEnds: { userIds: string[]; chatId?: string };
  /** Stops the current answer of an assistant chat. */
  stopAnswer: { chatId: string };
  /** Stops all current answers of a user. */
  stopAnswersOf: { userId: string };
}

export type Signal = { [S in keyof Signals]: { signal: S; data: Signals[S] } }[keyof Signals];

/** A command that every node applies to its connections. */
export type ClusterCommand =
  | { name: 'deliver'; delivery: Delivery }
  | { name: 'signOut'; topic: Topic }
  | { name: 'subscriptionsChanged'; topic: Topic; userIds: string[]; change?: SubscriptionChange }
  | ({ name: 'signal' } & Signal);
