import { setImmediate as others, setTimeout as sleep } from 'node:timers/promises';
import { Counter } from 'prom-client';
import { WORK, logFailure, logger, retry, within, type Metrics, type RedisConnections } from '#platform';
import type { ClusterCommand } from './command.js';
import type { NodeRegistry } from './node-registry.js';
import { RedisStream, isAfter } from './redis-stream.js';
import { fromWire, toWire, type WireCommand } from './wire.js';

/** Limit of messages that wait while Redis is unavailable. */
const MAX_WAITING = WORK.nodes.most;
/** Interval of attempts to publish a loss notice, ms. */
const LOSS_NOTICE_MS = 200;
/** Minimum time between two resyncs of all devices of a node, ms: a resync is the most expensive work of a node. */
const RESYNC_MS = WORK.resyncs.most;
/** How long a stop waits for Redis, ms. */
const LEAVE_MS = 500;
/** Delay before a failed read of the stream is repeated, ms. */
const READ_AGAIN_MS = 200;
/**
 * Interval of the check for dead nodes, ms. It fits twice into the time that a lease must be missing: a check slightly
 * too early would otherwise add a round.
 */
const LOOK_MS = 2500;

/**
 * A message of the stream, in JSON. Without a command, it is a loss notice, or announces that its node leaves. The keys
 * must not change: during an update, nodes of two versions read one stream.
 */
interface ClusterEnvelope {
  /** The node, and the number of this message among the node's own: from 1, without gaps. */
  from: string;
  n: number;
  deed?: WireCommand;
  leaves?: true;
}

/**
 * Carries node commands between the processes of a cluster by a stream in Redis. A node that was disconnected continues
 * to read from its last offset (ADR 17).
 */
export class RedisStreamBroker {
  private readonly stream: RedisStream;
  /** The number of the last published message, and the messages without an answer of Redis. */
  private sequence = 0;
  private readonly waiting = { messages: 0, characters: 0 };
  /** The number of commands dropped since the last loss notice. */
  private droppedSinceNotice = 0;
  /** The offset up to which the stream was read, and the last sequence number of each node. */
  private offset = '';
  private readonly lastSequence = new Map<string, number>();
  /** Nodes that were running before this one, and may die without having published. */
  private readonly initialNodes = new Set<string>();
  private readonly leaving = new Set<string>();
  private timer?: NodeJS.Timeout;
  private isClosed = false;
  private readonly dropped: Counter;
  private readonly resyncs: Counter;
  /** The reasons of losses since the last resync. */
  private readonly reasons = new Set<string>();
  /** In ms of `performance.now()`. */
  private resyncedAt = -Infinity;
  private resyncTimer?: NodeJS.Timeout;

  constructor(
    redis: RedisConnections,
    metrics: Metrics,
    private readonly leases: Pick<NodeRegistry, 'id' | 'dead' | 'all'>,
    private readonly node: {
      handle(command: ClusterCommand): void;
      /** Called when commands of other nodes may have been missed, at most once in 5 s. */
      onMissed(): void;
    },
  ) {
    this.stream = new RedisStream(redis);
    this.dropped = new Counter({
      name: 'node_messages_dropped_total',
      help: 'Node commands that were not published, because too many waited or Redis refused them',
      registers: [metrics.registry],
    });
    this.resyncs = new Counter({
      name: 'node_resyncs_total',
      help: 'Resyncs of all devices of this node, because it may have missed commands of other nodes',
      registers: [metrics.registry],
    });
  }

  /** Resolves when no later command of another node can be missed, if this node reads them. */
  async ready({ reads }: { reads: boolean }): Promise<void> {
    this.offset = await this.write();
    if (!reads) return;
    void this.read();
    // Nodes that start later are known from their messages.
    for (const id of await this.leases.all()) this.initialNodes.add(id);
    const lookForDead = () => void this.detectDeadNodes().catch(logFailure('dead node check failed'));
    this.timer = setInterval(lookForDead, LOOK_MS);
    this.stream.onBack(() => void this.detectGap().catch(logFailure('stream gap check failed')));
  }

  /**
   * Announces the stop. Later commands of this process are few, and lost if it dies: other nodes do not treat it as
   * dead.
   */
  async leave(): Promise<void> {
    clearInterval(this.timer);
    await within(LEAVE_MS, this.write({ leaves: true })).catch(() => undefined);
  }

  /** The connections are closed together with all others of Redis. */
  close(): void {
    clearInterval(this.timer);
    clearTimeout(this.resyncTimer);
    this.isClosed = true;
  }

  /** Sends a command to all other nodes. A command that cannot be sent is dropped, and a loss notice follows. */
  publish(command: ClusterCommand): void {
    const { messages, characters } = this.waiting;
    if (messages >= MAX_WAITING.messages || characters >= MAX_WAITING.characters)
      return this.drop('the command queue is full');
    this.write({ deed: toWire(command) }).catch((err: Error) => this.drop(err.message));
  }

  /** @returns the offset in the stream */
  private async write(what: Pick<ClusterEnvelope, 'deed' | 'leaves'> = {}): Promise<string> {
    const text = JSON.stringify({
      from: this.leases.id,
      n: ++this.sequence,
      ...what,
    } satisfies ClusterEnvelope);
    this.waiting.messages += 1;
    this.waiting.characters += text.length;
    try {
      return await this.stream.add(text);
    } finally {
      this.waiting.messages -= 1;
      this.waiting.characters -= text.length;
    }
  }

  private drop(reason: string): void {
    if (this.isClosed) return;
    this.dropped.inc();
    if (this.droppedSinceNotice++ > 0) return;
    logger.warn({ err: reason }, 'cluster publish failed, requesting resync');
    void this.publishLossNotice();
  }

  /**
   * A dropped command leaves no gap in the stream, so the loss is announced as soon as Redis accepts messages again.
   */
  private async publishLossNotice(): Promise<void> {
    while (this.droppedSinceNotice > 0 && !this.isClosed) {
      await sleep(LOSS_NOTICE_MS, undefined, { ref: false });
      if (this.waiting.messages > MAX_WAITING.messages / 2) continue;
      if (this.waiting.characters > MAX_WAITING.characters / 2) continue;
      const { droppedSinceNotice: dropped } = this;
      await this.write().then(
        () => (this.droppedSinceNotice -= dropped),
        () => undefined,
      );
    }
  }

  private read(): Promise<void> {
    const logWarning = (err: Error) => {
      if (!this.isClosed) logger.warn({ err: err.message }, 'cluster read failed');
    };
    return retry(() => this.readUntilClosed(), logWarning, READ_AGAIN_MS);
  }

  private async readUntilClosed(): Promise<void> {
    while (!this.isClosed) {
      const entries = await this.stream.after(this.offset);
      let since = performance.now();
      for (const { offset, text } of entries) {
        this.offset = offset;
        this.handle(JSON.parse(text) as ClusterEnvelope);
        if (performance.now() - since < WORK.applyCommands.most) continue;
        await others();
        // The stream may have been replaced meanwhile.
        if (this.isClosed || this.offset !== offset) break;
        since = performance.now();
      }
    }
  }

  private handle({ from, n, deed: command, leaves }: ClusterEnvelope): void {
    if (from === this.leases.id) return;
    const last = this.lastSequence.get(from);
    // A repeated message: the connection broke before the answer of Redis arrived.
    if (last !== undefined && n <= last) return;
    this.lastSequence.set(from, n);
    // Messages lost when Redis failed over to its replica.
    const isGap = last !== undefined && n > last + 1;
    // The first message of each node has no command either; a later one without a command is a loss notice.
    const isLossNotice = !command && !leaves && n > 1;
    if (isGap) this.miss('commands of a node are missing');
    if (isLossNotice) this.miss('a node dropped commands');
    if (leaves) this.leaving.add(from);
    if (!command) return;
    try {
      const known = fromWire(command);
      if (known) this.node.handle(known);
    } catch (err) {
      logger.error({ err }, 'cluster command failed');
      this.miss('a command could not be applied');
    }
  }

  /** A dead node may have stored and acknowledged something without publishing it. */
  private async detectDeadNodes(): Promise<void> {
    const dead = await this.leases.dead([...new Set([...this.initialNodes, ...this.lastSequence.keys()])]);
    for (const id of dead) {
      this.initialNodes.delete(id);
      this.lastSequence.delete(id);
    }
    const killed = dead.filter((id) => !this.leaving.delete(id));
    for (const id of killed) logger.warn({ node: id }, 'node died');
    if (killed.length > 0) this.miss('node died');
  }

  /** Redis is connected again. It may be empty, or have trimmed the stream past the last offset. */
  private async detectGap(): Promise<void> {
    // Reads continue to move `offset` while this waits for Redis.
    const { offset } = this;
    const ends = await this.stream.ends();
    // Another stream, perhaps with an older clock, or an earlier state of this one. Its messages may be old and come
    // from unknown nodes; their results are in the database.
    const isAnother = !ends || isAfter(offset, ends.last);
    if (isAnother) this.offset = ends?.last ?? '0-0';
    if (isAnother) this.miss('the stream was replaced');
    else if (isAfter(ends.first, offset)) this.miss('the stream was trimmed past the last offset');
  }

  /** Requests a resync at once, or together with further losses when the next one is due. */
  private miss(reason: string): void {
    this.reasons.add(reason);
    const wait = this.resyncedAt + RESYNC_MS - performance.now();
    if (wait <= 0) this.resync();
    else this.resyncTimer ??= setTimeout(() => this.resync(), wait);
  }

  private resync(): void {
    clearTimeout(this.resyncTimer);
    this.resyncTimer = undefined;
    if (this.isClosed) return;
    this.resyncedAt = performance.now();
    this.resyncs.inc();
    logger.warn({ reasons: [...this.reasons] }, 'requesting resync of all devices');
    this.reasons.clear();
    this.node.onMissed();
  }
}
