/** Socket.IO rooms. A socket is in its user's, its session's and all of its user's chats' rooms. */
export const userRoom = (userId: string) => `user:${userId}`;
export const sessionRoom = (sessionId: string) => `session:${sessionId}`;
export const chatRoom = (chatId: string) => `chat:${chatId}`;
/** Those who follow this user. */
export const followersRoom = (userId: string) => `followers:${userId}`;
/** Those who asked with `presence:watch` to hear about this user. */
export const watchersRoom = (userId: string) => `watchers:${userId}`;
