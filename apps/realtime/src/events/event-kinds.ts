/** An event waits in one of three lines of its user: sends, reads, or writes over REST and by events. */
export type EventKind = 'send' | 'read' | 'write';

/** Of all namespaces. What is written with many others' holds no connection of the database; nor does what only looks somebody up. */
const SENDS = [
  'chat:message:send',
  'chat:message:forward',
  'chat:message:read',
  'chat:message:delivered',
  'chat:typing',
  'auth:refresh',
  'message',
  'message:send',
  'send-message',
  'message:forward',
  'message:forward-multiple',
  'message:read',
  'typing-start',
  'typing-stop',
  'ping',
];
const READS = ['chat:pins', 'presence:get', 'presence:watch', 'users:list', 'chat:get-pinned'];

const KINDS = new Map<string, EventKind>([
  ...SENDS.map((event) => [event, 'send'] as const),
  ...READS.map((event) => [event, 'read'] as const),
]);

/** The others change rows that somebody else may hold. A device is closed to a chat (`chat:leave`) after it was opened to it. */
export const kindOf = (event: string): EventKind => KINDS.get(event) ?? 'write';
