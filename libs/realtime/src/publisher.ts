import { Metrics, RedisConnections, WORK, inParts, isDatabaseUnavailable } from '#platform';
import type { AssistantEvent, PayloadOf, ServerEvent } from '#contracts';
import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClusterCommand, Signals } from './cluster/command.js';
import { NodeRegistry } from './cluster/node-registry.js';
import { RedisStreamBroker } from './cluster/redis-stream-broker.js';
import { Hub, type Delivery } from './hub/hub.js';
import type { OutgoingEvent } from './hub/outgoing-event.js';
import type { SubscriptionChange } from './hub/subscription-changes.js';
import { assistantTopic, sessionTopic, userTopic, type Topic } from './topics.js';

const { packets: MAX_PACKETS, together: MAX_TOGETHER, waiting: MAX_WAITING } = WORK.queuedEvents.most;

type Listener<S extends keyof Signals> = (data: Signals[S]) => void;

/**
 * Publishes events to connections, from any process and to all nodes. Publish only after the commit: clients must never
 * see changes that are rolled back.
 */
@Injectable()
export class EventPublisher implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly broker?: RedisStreamBroker;
  private readonly listeners: { [S in keyof Signals]?: Listener<S> } = {};
  /** Set by the process that holds connections: called when it may have missed commands of other nodes. */
  private onMissed?: () => void;

  constructor(
    private readonly hub: Hub,
    redis?: RedisConnections,
    metrics?: Metrics,
    nodes?: NodeRegistry,
  ) {
    if (redis?.shared)
      this.broker = new RedisStreamBroker(redis, metrics!, nodes!, {
        handle: (command) => this.apply(command),
        onMissed: () => this.onMissed?.(),
      });
  }

  async onModuleInit(): Promise<void> {
    // A process without connections has no commands to apply.
    await this.broker?.ready({ reads: this.onMissed !== undefined });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.broker?.leave();
  }

  onApplicationShutdown(): void {
    this.broker?.close();
  }

  /** Called once by a process that holds connections, before `onModuleInit`. */
  receive(onMissed: () => void): void {
    this.onMissed = onMissed;
  }

  /** Sends once to each connection that is subscribed to any of the topics. */
  publish<E extends ServerEvent>(
    topics: Topic | Topic[] | 'everyone',
    event: E,
    payload: PayloadOf<E>,
    options: Pick<Delivery, 'except' | 'exceptConnection'> & {
      /** Fields that only the devices of this user receive. */
      own?: { userId: string; fields: Partial<PayloadOf<E>> };
    } = {},
  ): void {
    const { own, ...audience } = options;
    this.deliver(topics, { name: event, payload, own }, audience);
  }

  /** Sends many events of one name, in order. */
  publishEach<E extends ServerEvent>(topic: Topic, event: E, payloads: PayloadOf<E>[]): void {
    this.deliver(topic, { name: event, payloads });
  }

  /** Sends to devices of older clients, which receive a direct chat when it is opened, not with its first message. */
  publishOpened(userIds: string[], chat: PayloadOf<'chat:created'>): void {
    this.deliver(userIds.map(userTopic), { name: 'chat:opened', payload: chat });
  }

  /** Sends to every connection that has this assistant chat open. */
  publishAssistant(chatId: string, event: AssistantEvent): void {
    this.deliver(assistantTopic(chatId), { name: 'assistant', payload: { chatId, event } });
  }

  /**
   * The users are subscribed to a topic from now on, or no more. Without `change`, the outcome is unknown, and nodes read
   * the users' subscriptions again.
   */
  subscriptionsChanged(topic: Topic, userIds: string[], change?: SubscriptionChange): void {
    if (userIds.length > 0) this.run({ name: 'subscriptionsChanged', topic, userIds, change });
  }

  /**
   * Stores a change of subscriptions. If its outcome is unknown, since the answer of the database was lost, nodes read the
   * users' subscriptions again. The caller publishes a known outcome.
   * @param store names the changed subscriptions in its transaction, once the change is decided: an earlier failure changes
   *   nothing, and a client may have chosen the users
   * @throws any error of `store`
   */
  async changeSubscriptions<T>(
    store: (name: (changed: { topics: Topic[]; userIds: string[] }) => void) => Promise<T>,
  ): Promise<T> {
    let named: { topics: Topic[]; userIds: string[] } | undefined;
    try {
      return await store((changed) => (named = changed));
    } catch (error) {
      if (named && isDatabaseUnavailable(error))
        for (const topic of named.topics) this.subscriptionsChanged(topic, named.userIds);
      throw error;
    }
  }

  /** Notifies the connections of a session, or of all sessions of a user, that they are signed out, and closes them. */
  signOut(target: { sessionId: string } | { userId: string }, error: PayloadOf<'error'>): void {
    const topic = 'sessionId' in target ? sessionTopic(target.sessionId) : userTopic(target.userId);
    this.publish(topic, 'error', error);
    this.run({ name: 'signOut', topic });
  }

  /** Calls the listeners of this signal on all nodes. */
  signal<S extends keyof Signals>(signal: S, data: Signals[S]): void {
    this.run({ name: 'signal', signal, data } as ClusterCommand);
  }

  /** Each signal has one listener in a process. */
  onSignal<S extends keyof Signals>(signal: S, listener: Listener<S>): void {
    Object.assign(this.listeners, { [signal]: listener });
  }

  /** The number of connections of this process that are subscribed to a topic. */
  audience(topic: Topic): number {
    return this.hub.audience(topic);
  }

  private deliver(
    topics: Topic | Topic[] | 'everyone',
    event: OutgoingEvent,
    audience: Omit<Delivery, 'event' | 'topics'> = {},
  ): void {
    const list = topics === 'everyone' ? [] : Array.isArray(topics) ? topics : [topics];
    // No topics would mean every connection.
    if (list.length === 0 && topics !== 'everyone') return;
    this.run({ name: 'deliver', delivery: { event, topics: list, ...audience } });
  }

  private run(command: ClusterCommand): void {
    this.apply(command);
    this.broker?.publish(command);
  }

  private apply(command: ClusterCommand): void {
    switch (command.name) {
      case 'deliver':
        return this.hub.deliver(command.delivery);
      case 'signOut':
        return this.hub.signOut(command.topic);
      case 'subscriptionsChanged':
        return this.hub.subscriptionsChanged(command.topic, command.userIds, command.change);
      case 'signal':
        return this.listeners[command.signal]?.(command.data as never);
    }
  }
}

interface Part {
  event: ServerEvent;
  payloads: PayloadOf<ServerEvent>[];
}

/**
 * Publishes many events of users in small parts, since each event is a packet for every device of its user. The event
 * loop does other work between two turns. The events of a user keep their order, and users take turns.
 */
@Injectable()
export class EventQueue {
  private readonly byUser = new Map<string, Part[]>();
  private waiting = 0;
  private isScheduled = false;

  constructor(private readonly publisher: EventPublisher) {}

  get isFull(): boolean {
    return this.waiting >= MAX_WAITING;
  }

  /** Resolves when the queue is not full. */
  async hasRoom(): Promise<void> {
    while (this.isFull) await nextTurn();
  }

  add<E extends ServerEvent>(userId: string, event: E, payloads: PayloadOf<E>[]): void {
    const parts = this.byUser.get(userId) ?? [];
    for (const part of inParts(payloads, MAX_TOGETHER)) parts.push({ event, payloads: part });
    this.byUser.set(userId, parts);
    this.waiting += payloads.length;
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.publishSome();
      if (this.byUser.size > 0) this.schedule();
    });
  }

  private publishSome(): void {
    let packets = 0;
    // A user with more events is set again, so this loop meets it again after the others.
    for (const [userId, parts] of this.byUser) {
      const { event, payloads } = parts[0]!;
      // Other nodes receive each command, whether or not this node has devices.
      const cost = Math.max(payloads.length * this.publisher.audience(userTopic(userId)), MAX_TOGETHER);
      if (packets > 0 && packets + cost > MAX_PACKETS) return;
      packets += cost;
      parts.shift();
      this.waiting -= payloads.length;
      this.byUser.delete(userId);
      if (parts.length > 0) this.byUser.set(userId, parts);
      this.publisher.publishEach(userTopic(userId), event, payloads);
    }
  }
}
