/** An event waits in one of three limiters of its user: sends, reads, or writes over REST and by events. */
export type EventKind = 'send' | 'read' | 'write';

/**
 * In all namespaces. These events are written in batches, or only look something up, so they hold no database
 * connection while they wait.
 */
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

/**
 * Other events change rows that another transaction may lock. A device closes a chat (`chat:leave`) in order after
 * opening it.
 */
export const kindOf = (event: string): EventKind => KINDS.get(event) ?? 'write';
