import { setImmediate as others, setTimeout as sleep } from 'node:timers/promises';
import { Counter } from 'prom-client';
import { WORK } from '../limits/budgets/index.js';
import { applyCommand, type NodeCommand, type Sockets } from './node-command.js';
import { logger } from '../observability/logging.js';
import type { Metrics } from '../observability/metrics.js';
import type { NodeRegistry } from './node-registry.js';
import { RedisStream, isAfter } from './redis-stream.js';
import type { RedisConnections } from '../redis/redis.js';
import { within } from '../concurrency/time-limit.js';

/** Messages that may wait while Redis is away. */
const MAX_WAITING = WORK.nodes.most;
/** How often it is looked whether others can be told that something was not told, ms. */
const LOSS_NOTICE_MS = 200;
/** The least time from one resync of all devices of a node to the next, ms: it is the dearest thing that a node can do. */
const RESYNC_MS = WORK.resyncs.most;
/** How long a stop waits for Redis, ms. */
const LEAVE_MS = 500;
/** Before the stream is read again that could not be, ms. */
const RETRY_MS = 200;
/** How often it is looked who has died, ms. Twice in the time that a lease has to be missing: else one look just too early adds a round. */
const LOOK_MS = 2500;

/**
 * A message of the stream, in JSON. Without a command it is a loss notice, or says that its node leaves. Its keys stay as they
 * are: during an update nodes of two versions read one stream.
 */
interface ClusterEnvelope {
  /** The node, and the number of this message among the node's own: from 1, without gaps. */
  from: string;
  n: number;
  deed?: NodeCommand;
  leaves?: true;
}

/**
 * The other processes of this program. What one does to its sockets the others do to theirs, by a stream in Redis: a
 * node that was cut off reads on where it was (ADR 17).
 */
export class ClusterBroker {
  private readonly stream: RedisStream;
  /** What was told last, and what of it has not been answered yet. */
  private sequence = 0;
  private readonly waiting = { messages: 0, characters: 0 };
  /** How many deeds were not told, and the others do not know it. */
  private droppedSinceNotice = 0;
  /** The stream has been read up to here, and of each process that was heard up to this count. */
  private offset = '';
  private readonly lastSequence = new Map<string, number>();
  /** Who was there before this node, and may die without a word. */
  private readonly initialNodes = new Set<string>();
  private readonly leaving = new Set<string>();
  private timer?: NodeJS.Timeout;
  private isClosed = false;
  private readonly dropped: Counter;
  private readonly resyncs: Counter;
  /** Why something was missed since the last resync. */
  private readonly reasons = new Set<string>();
  /** In ms of `performance.now()`. */
  private resyncedAt = -Infinity;
  private resyncTimer?: NodeJS.Timeout;

  /**
   * @param local this process's sockets, if it has any
   * @param onMissed called when something that others did is not known here, at most once in 5 s
   */
  constructor(
    redis: RedisConnections,
    metrics: Metrics,
    private readonly leases: Pick<NodeRegistry, 'id' | 'dead' | 'all'>,
    private readonly local: () => Sockets | undefined,
    private readonly onMissed: () => void,
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

  /** Resolves when nothing of the others will be missed from here on. */
  async ready(): Promise<void> {
    this.offset = await this.write();
    // Without sockets there is nothing to do of what others tell.
    if (!this.local()) return;
    void this.read();
    // Whoever comes later is heard.
    for (const id of await this.leases.all()) this.initialNodes.add(id);
    const logWarning = (message: string) => (err: Error) => logger.warn({ err: err.message }, message);
    const lookForDead = () => void this.detectDeadNodes().catch(logWarning('dead node check failed'));
    this.timer = setInterval(lookForDead, LOOK_MS);
    this.stream.onBack(() => void this.detectGap().catch(logWarning('stream gap check failed')));
  }

  /** What this process tells from here on is little, and lost if it dies: it is not missed as one that has died. */
  async leave(): Promise<void> {
    clearInterval(this.timer);
    await within(LEAVE_MS, this.write({ leaves: true })).catch(() => undefined);
  }

  /** The connections end with all others. */
  close(): void {
    clearInterval(this.timer);
    clearTimeout(this.resyncTimer);
    this.isClosed = true;
  }

  /** Has the others do it. What cannot be told, they are told later that there was. */
  publish(command: NodeCommand): void {
    const { messages, characters } = this.waiting;
    if (messages >= MAX_WAITING.messages || characters >= MAX_WAITING.characters)
      return this.drop('the command queue is full');
    this.write({ deed: command }).catch((err: Error) => this.drop(err.message));
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

  /** What is not in the stream nobody misses: the others are told that there was something, once they can be. */
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

  private async read(): Promise<void> {
    while (!this.isClosed) {
      try {
        const entries = await this.stream.after(this.offset);
        let since = performance.now();
        for (const { offset, text } of entries) {
          this.offset = offset;
          this.handle(JSON.parse(text) as ClusterEnvelope);
          if (performance.now() - since < WORK.applyCommands.most) continue;
          await others();
          // Meanwhile the stream may have become another one.
          if (this.isClosed || this.offset !== offset) break;
          since = performance.now();
        }
      } catch (err) {
        if (!this.isClosed) logger.warn({ err: (err as Error).message }, 'cluster read failed');
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  private handle({ from, n, deed: command, leaves }: ClusterEnvelope): void {
    if (from === this.leases.id) return;
    const last = this.lastSequence.get(from);
    // Told again, since the connection broke before Redis's answer was there.
    if (last !== undefined && n <= last) return;
    this.lastSequence.set(from, n);
    // What a Redis that has failed over to its replica had lost.
    const isGap = last !== undefined && n > last + 1;
    // Each begins with a message that says nothing; a later one says that there was something.
    const isAdmission = !command && !leaves && n > 1;
    if (isGap) this.miss('commands of a node are missing');
    if (isAdmission) this.miss('a node dropped commands');
    if (leaves) this.leaving.add(from);
    if (!command) return;
    try {
      applyCommand(command, this.local()!);
    } catch (err) {
      logger.error({ err }, 'cluster command failed');
    }
  }

  /** Who has died may have stored something, and acknowledged it, and not have told it. */
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

  /** Redis is back, perhaps empty, or has gone on for longer than it keeps. */
  private async detectGap(): Promise<void> {
    // It moves on while Redis is asked.
    const { offset } = this;
    const ends = await this.stream.ends();
    // Another stream, by a clock that may be behind the old one's, or an earlier state of this one. What it holds may have
    // been told long ago, by processes that this one has never heard; whatever came of it is in the database.
    const isAnother = !ends || isAfter(offset, ends.last);
    if (isAnother) this.offset = ends?.last ?? '0-0';
    if (isAnother) this.miss('the stream was replaced');
    else if (isAfter(ends.first, offset)) this.miss('the stream was trimmed past the last offset');
  }

  /** At once, or together with all that is missed until the next resync is due. */
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
    this.onMissed();
  }
}
