import type { AssistantEvent, ServerEvent } from '#contracts';

/** Events between our processes, which clients receive in another form. */
type InternalEvent = 'chat:opened' | 'assistant';

/** An event of an assistant chat. */
export interface AssistantMessage {
  chatId: string;
  event: AssistantEvent;
}

/** An event for clients, before a protocol encodes it. */
export interface OutgoingEvent {
  readonly name: ServerEvent | InternalEvent;
  readonly payload?: unknown;
  /** The payloads of many events with one name, in place of a single payload. */
  readonly payloads?: object[];
  /** Fields that only the devices of this user receive. */
  readonly own?: { userId: string; fields: object };
}
