/**
 * Socket.IO rooms. A device is in the rooms of its user and session, and of all chats of its user. It is also in the
 * rooms of the people whom the user follows, of friends, and of people with whom a block exists.
 */
export const userRoom = (userId: string) => `user:${userId}`;
export const sessionRoom = (sessionId: string) => `session:${sessionId}`;
export const chatRoom = (chatId: string) => `chat:${chatId}`;
/** The followers of this user. */
export const followersRoom = (userId: string) => `followers:${userId}`;
/** This user's friends. */
export const friendsRoom = (userId: string) => `friends:${userId}`;
/** People with a block between them and this user, either way. */
export const blockedRoom = (userId: string) => `cut:${userId}`;
/** The connections that have this assistant chat open. */
export const assistantRoom = (chatId: string) => `assistant:${chatId}`;
/** Devices that watch this user's online state by `presence:watch`. */
export const watchersRoom = (userId: string) => `watchers:${userId}`;
