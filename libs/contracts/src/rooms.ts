/**
 * Socket.IO rooms. A socket is in its user's and its session's, in those of all of its user's chats, of whom its user
 * follows, of their friends and of whom a block cuts its user off from.
 */
export const userRoom = (userId: string) => `user:${userId}`;
export const sessionRoom = (sessionId: string) => `session:${sessionId}`;
export const chatRoom = (chatId: string) => `chat:${chatId}`;
/** Those who follow this user. */
export const followersRoom = (userId: string) => `followers:${userId}`;
/** This user's friends. */
export const friendsRoom = (userId: string) => `friends:${userId}`;
/** Those whom a block, either way, cuts off from this user. */
export const blockedRoom = (userId: string) => `cut:${userId}`;
/** The connections that have a chat with the assistant open. */
export const assistantRoom = (chatId: string) => `assistant:${chatId}`;
/** Those who asked with `presence:watch` to hear about this user. */
export const watchersRoom = (userId: string) => `watchers:${userId}`;
