import { Injectable } from '@nestjs/common';
import { blockedTopic, userTopic, sessionTopic, type Topic, type TopicKind } from '../topics.js';
import type { Connection, Subscribers } from './connection.js';
import { Encoding, type Redaction } from './encoding.js';
import type { OutgoingEvent } from './outgoing-event.js';
import {
  STORED,
  SubscriptionChanges,
  seesChange,
  type SeenSnapshots,
  type SubscriptionChange,
} from './subscription-changes.js';

/** An event and its audience: each connection subscribed to any of `topics`, and to none of `except`. */
export interface Delivery {
  event: OutgoingEvent;
  /** None means every connection. */
  topics: Topic[];
  except?: Topic[];
  /** The id of a connection that does not receive it. */
  exceptConnection?: string;
}

/** The subscriptions of a user's device, as the database has them. */
export interface SubscriptionSnapshot {
  topics: Topic[];
  seen: SeenSnapshots;
  /** The connection's `invalidations` when the read began. */
  readAfter: number;
}

/** Reacts to changes of subscriptions. */
export interface HubObserver {
  /** The subscriptions of an active connection must be read again: a change with an unknown outcome may concern them. */
  onStale(connection: Connection): void;
  /** A change has subscribed the connection to one more topic. */
  onSubscribed(connection: Connection): void;
}

/** Above this number of excluded topics, their connections are collected first. */
const MANY = 4;

/** Tracks the connections of this process and their subscriptions, and delivers events to them. */
@Injectable()
export class Hub {
  private readonly topics = new Map<TopicKind, Map<string, Subscribers>>();
  private readonly connections = new Set<Connection>();
  /** Recent changes of subscriptions, by connected user. */
  private readonly changes = new Map<string, SubscriptionChanges>();
  private readonly deliveryListeners: ((delivery: Delivery) => void)[] = [];
  /** Hides names in some events. */
  redaction?: Redaction;
  observer?: HubObserver;

  /**
   * Adds an inactive connection: it receives no events until `activate`, but it can be signed out, and changes of its
   * subscriptions are recorded.
   */
  register(connection: Connection): void {
    this.connections.add(connection);
    this.subscribe(connection, userTopic(connection.userId));
    this.subscribe(connection, sessionTopic(connection.sessionId));
  }

  /** Adds an active connection without stored subscriptions. */
  registerActive(connection: Connection): void {
    this.register(connection);
    connection.activeSince = performance.now();
  }

  /**
   * Replaces the stored subscriptions by a later snapshot, and applies the changes that the snapshot has not seen. A
   * registered connection becomes active.
   * @returns false if the snapshot is outdated, or the connection was removed
   */
  activate(connection: Connection, { topics, seen, readAfter }: SubscriptionSnapshot): boolean {
    if (!this.connections.has(connection) || readAfter !== connection.invalidations) return false;
    connection.readAfter = readAfter;
    connection.seen = seen;
    connection.activeSince ??= performance.now();
    const current = new Set(topics.map((topic) => this.subscribers(topic)));
    for (const { topic, change } of this.changes.get(connection.userId)?.after(seen) ?? [])
      if (change.member) current.add(this.subscribers(topic));
      else this.drop(topic, current);
    for (const subscribers of connection.subscriptions)
      if (STORED.has(subscribers.kind) && !current.has(subscribers)) this.leave(connection, subscribers);
    for (const subscribers of current) this.enter(connection, subscribers);
    return true;
  }

  remove(connection: Connection): void {
    this.connections.delete(connection);
    for (const subscribers of connection.subscriptions) this.leave(connection, subscribers);
    if (this.audience(userTopic(connection.userId)) === 0) this.changes.delete(connection.userId);
  }

  /** A removed connection stays without subscriptions: its last event may end after its disconnection. */
  subscribe(connection: Connection, topic: Topic): void {
    if (this.connections.has(connection)) this.enter(connection, this.subscribers(topic));
  }

  unsubscribe(connection: Connection, topic: Topic): void {
    const subscribers = this.topics.get(topic.kind)?.get(topic.id);
    if (subscribers) this.leave(connection, subscribers);
  }

  /** Without `change`, its outcome is unknown: the connections receive nothing until it is read. */
  subscriptionsChanged(topic: Topic, userIds: string[], change?: SubscriptionChange): void {
    for (const userId of userIds) {
      const connections = this.connectionsOf(userTopic(userId));
      if (connections.size === 0) continue;
      if (!change) for (const connection of [...connections]) this.suspend(connection, topic);
      else if (this.changesOf(userId).record(topic, change))
        for (const connection of [...connections]) this.applyChange(connection, topic, change);
    }
  }

  deliver(delivery: Delivery): void {
    const audience = this.audienceOf(delivery.topics);
    if (audience.size > 0) this.send(audience, delivery);
    for (const listener of this.deliveryListeners) listener(delivery);
  }

  /** Delivers an event to some connections, as far as they are still subscribed to the topic. */
  deliverTo(connections: Iterable<Connection>, topic: Topic, event: OutgoingEvent): void {
    const subscribed = this.connectionsOf(topic);
    const encoding = new Encoding(event);
    for (const connection of connections) {
      if (!subscribed.has(connection)) continue;
      const frame = encoding.frameFor(connection);
      if (frame !== undefined) connection.send(frame, event);
    }
  }

  /** Called after each delivery. */
  onDelivered(listener: (delivery: Delivery) => void): void {
    this.deliveryListeners.push(listener);
  }

  /** Signs out all connections of a session, or of a banned user. */
  signOut(topic: Topic): void {
    const reason = topic.kind === 'user' ? 'account_banned' : 'session_revoked';
    for (const connection of [...this.connectionsOf(topic)]) connection.signOut(reason);
  }

  connectionsOf({ kind, id }: Topic): ReadonlySet<Connection> {
    return this.topics.get(kind)?.get(id)?.connections ?? NONE;
  }

  /** The number of connections of this process that are subscribed to a topic. */
  audience(topic: Topic): number {
    return this.connectionsOf(topic).size;
  }

  all(): ReadonlySet<Connection> {
    return this.connections;
  }

  private send(
    audience: Iterable<Connection>,
    { event, topics, except = [], exceptConnection }: Delivery,
  ): void {
    const excluded = this.excludedBy(except);
    const encoding = new Encoding(event, this.redactionOf(event, topics));
    for (const connection of audience) {
      if (connection.activeSince === undefined || connection.id === exceptConnection) continue;
      if (excluded.some((connections) => connections.has(connection))) continue;
      const frame = encoding.frameFor(connection);
      if (frame !== undefined) connection.send(frame, event);
    }
  }

  private applyChange(connection: Connection, topic: Topic, { member, xid }: SubscriptionChange): void {
    const { seen, readAfter, invalidations } = connection;
    if (!seen || seesChange(seen, topic, xid)) return;
    // The change with an unknown outcome may be newer. Until the read, a change only ends deliveries.
    if (readAfter !== invalidations && member === (topic.kind !== 'blocked')) return;
    if (!member) return this.unsubscribe(connection, topic);
    this.subscribe(connection, topic);
    this.observer?.onSubscribed(connection);
  }

  private suspend(connection: Connection, topic: Topic): void {
    connection.invalidations += 1;
    if (!connection.seen) return;
    if (topic.kind === 'blocked') this.subscribe(connection, topic);
    else this.unsubscribe(connection, topic);
    this.observer?.onStale(connection);
  }

  private excludedBy(topics: Topic[]): ReadonlySet<Connection>[] {
    const excluded = topics.map((topic) => this.connectionsOf(topic)).filter(({ size }) => size > 0);
    return excluded.length > MANY ? [new Set(excluded.flatMap((connections) => [...connections]))] : excluded;
  }

  private redactionOf(event: OutgoingEvent, topics: Topic[]) {
    const { redaction: redact } = this;
    if (!redact) return undefined;
    const hideable = redact
      .namesIn(event, topics)
      .map((id) => ({ id, connections: this.connectionsOf(blockedTopic(id)) }))
      .filter(({ connections }) => connections.size > 0);
    return hideable.length > 0 ? { redact, hideable } : undefined;
  }

  private changesOf(userId: string): SubscriptionChanges {
    const known = this.changes.get(userId) ?? new SubscriptionChanges();
    this.changes.set(userId, known);
    return known;
  }

  /** Each connection once. */
  private audienceOf(topics: Topic[]): ReadonlySet<Connection> {
    if (topics.length === 0) return this.connections;
    if (topics.length === 1) return this.connectionsOf(topics[0]!);
    const found = topics.map((topic) => this.connectionsOf(topic)).filter(({ size }) => size > 0);
    return found.length === 1 ? found[0]! : new Set(found.flatMap((connections) => [...connections]));
  }

  private subscribers({ kind, id }: Topic): Subscribers {
    let ofKind = this.topics.get(kind);
    if (!ofKind) this.topics.set(kind, (ofKind = new Map<string, Subscribers>()));
    let subscribers = ofKind.get(id);
    if (!subscribers) ofKind.set(id, (subscribers = { kind, id, connections: new Set() }));
    return subscribers;
  }

  private drop({ kind, id }: Topic, from: Set<Subscribers>): void {
    const subscribers = this.topics.get(kind)?.get(id);
    if (!subscribers) return;
    from.delete(subscribers);
    this.deleteUnused(subscribers);
  }

  private deleteUnused({ kind, id, connections }: Subscribers): void {
    if (connections.size === 0) this.topics.get(kind)?.delete(id);
  }

  private enter(connection: Connection, subscribers: Subscribers): void {
    subscribers.connections.add(connection);
    connection.subscriptions.add(subscribers);
  }

  private leave(connection: Connection, subscribers: Subscribers): void {
    subscribers.connections.delete(connection);
    connection.subscriptions.delete(subscribers);
    this.deleteUnused(subscribers);
  }
}

const NONE: ReadonlySet<Connection> = new Set();
