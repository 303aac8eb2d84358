import { asNamed, namedIn } from '#chat';
import type { MessageDto } from '#contracts';
import { NAMELESS } from '#identity';
import type { Redaction } from '#realtime';

/** Events that carry a message, in one frame for a whole chat. */
const OF_MESSAGES = new Set<string>([
  'chat:message:new',
  'chat:message:edited',
  'chat:message:deleted',
  'chat:message:reaction',
  'chat:message:pinned',
  'chat:message:unpinned',
]);

/** In a message to a whole chat, a device sees neither the new name nor the picture of people hidden by a block. */
export const nameRedaction: Redaction = {
  namesIn: ({ name, payload }, topics) =>
    topics[0]?.kind === 'chat' && OF_MESSAGES.has(name) ? namedIn(payload as MessageDto) : [],
  without: (event, userIds) => ({
    ...event,
    payload: asNamed(event.payload as MessageDto, Object.fromEntries(userIds.map((id) => [id, NAMELESS]))),
  }),
};
