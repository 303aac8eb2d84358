import type { ChatDto, ErrorCode, ErrorReason, PayloadOf, ServerEvent } from '#contracts';
import type { Command, Query } from '@nestjs/cqrs';

/** An event as a document's clients know it. */
export type OutgoingEvent = [event: string, payload: unknown];

/** What a client event's rule has at hand. */
export interface Call {
  userId: string;
  run<R>(command: Command<R>): Promise<R>;
  ask<R>(query: Query<R>): Promise<R>;
  setTyping(chatId: string, isTyping: boolean): Promise<void>;
  /** The chat is open on the calling device, if `open` does not throw. */
  join<R>(chatId: string, open: () => Promise<R>): Promise<R>;
  /** The chat is closed on the calling device. */
  leave(chatId: string): void;
  /** Who of these users is online. */
  present(userIds: string[]): Promise<Set<string>>;
  /** To the calling device alone. */
  emit(...outgoing: OutgoingEvent): void;
}

/** Runs our command for a client's event and makes the document's acknowledgement of its answer. */
export type ClientRule = (payload: Record<string, unknown>, call: Call) => Promise<object> | object;

/** An event of ours as the document's events. `chat:opened`: a direct chat was made, in which nothing has been said yet. */
export type ServerRules = { [E in ServerEvent]?: (payload: PayloadOf<E>) => OutgoingEvent[] } & {
  'chat:opened'?: (chat: ChatDto) => OutgoingEvent[];
};

/** How the clients of one document speak: its names, payloads, acknowledgements and words for our commands and events. */
export interface Dialect {
  /** The Socket.IO namespace that is kept for it. */
  namespace: string;
  /** What a device hears when it is signed in. */
  welcome(userId: string): OutgoingEvent[];
  /**
   * Why a handshake without a good token fails, as a `connect_error`; without it the device is let in, told `error` and
   * disconnected.
   */
  handshakeError?: string;
  /**
   * That its clients connect anew by themselves when they are disconnected. Socket.IO's client does so when the transport
   * is closed; theirs, told to do it as well, would hang if the server is not back at once.
   */
  returnsWhenDisconnected?: true;
  client: Record<string, ClientRule>;
  /** What is not named here is not shown. */
  server: ServerRules;
  /** The document's error messages, by our reason or code. Other errors keep our message. */
  words: Partial<Record<ErrorReason | ErrorCode, string>>;
  /** Its names of our fields, where they are not the same in camel case. */
  fields?: Record<string, string>;
  /** A refusal as the acknowledgement of an event. */
  refused(message: string, event: string): object;
}
