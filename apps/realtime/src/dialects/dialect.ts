import type { ChatDto, ErrorCode, ErrorReason, PayloadOf, ServerEvent } from '#contracts';
import type { Command, Query } from '@nestjs/cqrs';

/** An event in a dialect. */
export type OutgoingEvent = [event: string, payload: unknown];

/** The functions that the rule of a client event can use. */
export interface Call {
  userId: string;
  run<R>(command: Command<R>): Promise<R>;
  ask<R>(query: Query<R>): Promise<R>;
  setTyping(chatId: string, isTyping: boolean): Promise<void>;
  /** Opens the chat on the calling device, if `open` does not throw. */
  join<R>(chatId: string, open: () => Promise<R>): Promise<R>;
  /** Closes the chat on the calling device. */
  leave(chatId: string): void;
  /** The users among these who are online. */
  present(userIds: string[]): Promise<Set<string>>;
  /** Sends to the calling device alone. */
  emit(...outgoing: OutgoingEvent): void;
}

/** Runs our command for a client's event and converts its answer to the dialect's acknowledgement. */
export type ClientRule = (payload: Record<string, unknown>, call: Call) => Promise<object> | object;

/** Converts our events to the dialect's events. `chat:opened`: a direct chat was created, without messages so far. */
export type ServerRules = { [E in ServerEvent]?: (payload: PayloadOf<E>) => OutgoingEvent[] } & {
  'chat:opened'?: (chat: ChatDto) => OutgoingEvent[];
};

/** The names, payloads, acknowledgements and messages of older clients for our commands and events. */
export interface Dialect {
  /** Its Socket.IO namespace. */
  namespace: string;
  /** The first events of a signed-in device. */
  welcome(userId: string): OutgoingEvent[];
  /**
   * The message of a handshake without a valid token, as a `connect_error`. Without it, the device is accepted,
   * receives `error` and is disconnected.
   */
  handshakeError?: string;
  /**
   * Its clients reconnect by themselves when they are disconnected. Socket.IO's client does so when the transport is
   * closed. These clients would do both, and hang if the server is not available at once.
   */
  returnsWhenDisconnected?: true;
  client: Record<string, ClientRule>;
  /** Events without a rule are not sent. */
  server: ServerRules;
  /** The dialect's error messages, by our reason or code. Other errors keep our message. */
  words: Partial<Record<ErrorReason | ErrorCode, string>>;
  /** Its names of our fields, where they are not our names in camel case. */
  fields?: Record<string, string>;
  /** An error as the acknowledgement of an event. */
  refused(message: string, event: string): object;
}
