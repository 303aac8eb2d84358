import type { AssistantEvent } from '#contracts';
import { SOCKETS } from '#platform';

/** Limit of characters of live events that wait while a chat opens. */
const { most: MAX_WAITING } = SOCKETS.assistantUnread;

/** Live events of a chat that wait while a device reads the history. */
export class WaitingEvents {
  private readonly events: AssistantEvent[] = [];
  private characters = 0;

  /** @returns false when the limit is exceeded: the device reads too slowly */
  push(event: AssistantEvent): boolean {
    this.events.push(event);
    this.characters += lengthOf(event);
    return this.characters <= MAX_WAITING;
  }

  shift(): AssistantEvent | undefined {
    const event = this.events.shift();
    if (event) this.characters -= lengthOf(event);
    return event;
  }

  /** The first waiting token of the answer. */
  firstIndexOf(messageId: string): number | undefined {
    for (const { type, data } of this.events)
      if (type === 'assistant_message_token' && data.messageId === messageId) return data.index;
    return undefined;
  }
}

const lengthOf = (event: AssistantEvent): number => JSON.stringify(event).length;
