import type { AssistantMessage, OutgoingEvent, Protocol } from '#realtime';

/** The frames of the assistant's WebSocket: JSON. Other events are not for it. */
export const assistantProtocol: Protocol<string> = {
  encode: ({ name, payload }: OutgoingEvent) =>
    name === 'assistant' ? JSON.stringify((payload as AssistantMessage).event) : undefined,
};
