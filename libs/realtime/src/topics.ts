export type TopicKind =
  'user' | 'session' | 'chat' | 'followers' | 'friends' | 'blocked' | 'watchers' | 'assistant';

/** A subject of events. Connections subscribe to it, and publishers publish to it. */
export interface Topic {
  readonly kind: TopicKind;
  readonly id: string;
}

export const userTopic = (id: string): Topic => ({ kind: 'user', id });
export const sessionTopic = (id: string): Topic => ({ kind: 'session', id });
/** All members of a chat. */
export const chatTopic = (id: string): Topic => ({ kind: 'chat', id });
/** The followers of this user. */
export const followersTopic = (id: string): Topic => ({ kind: 'followers', id });
/** The friends of this user. */
export const friendsTopic = (id: string): Topic => ({ kind: 'friends', id });
/** People with a block between them and this user, either way. */
export const blockedTopic = (id: string): Topic => ({ kind: 'blocked', id });
/** Devices that watch this user's online state by `presence:watch`. */
export const watchersTopic = (id: string): Topic => ({ kind: 'watchers', id });
/** Connections that have this assistant chat open. */
export const assistantTopic = (id: string): Topic => ({ kind: 'assistant', id });
