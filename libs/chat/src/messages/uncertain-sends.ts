import { PrismaService, logFailure } from '#platform';
import { messageColumns, type MessageRow } from './message-wire.js';
import { uuid } from '../receipts/shown-cursors.js';

/** Longer than the statement timeout of the database. */
const UNCERTAIN_MS = 10_000;
const LOOK_UP_MS = 1000;

export type FoundMessage = MessageRow & { client_id: string | null };

/** Sends with an uncertain commit. They are looked up later: no other process publishes the stored ones. */
export class UncertainSends {
  /** Until when each may still commit (ms), by id. */
  private readonly until = new Map<string, number | undefined>();
  private resolving?: Promise<void>;
  private timer?: NodeJS.Timeout;

  /** @param publish is called with the messages that were stored, in the order of their numbers in each chat */
  constructor(
    private readonly prisma: PrismaService,
    private readonly publish: (found: FoundMessage[]) => void,
  ) {}

  get areNone(): boolean {
    return this.until.size === 0;
  }

  add(ids: string[]): void {
    for (const id of ids) this.until.set(id, undefined);
    this.resolveLater();
  }

  /** Looks them up at once. Concurrent calls share the look-up. */
  resolve(): Promise<void> {
    this.resolving ??= this.lookUp().finally(() => {
      this.resolving = undefined;
      if (!this.areNone) this.resolveLater();
    });
    return this.resolving;
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async lookUp(): Promise<void> {
    const askedAt = performance.now();
    const found = await this.prisma.$queryRaw<FoundMessage[]>`
      SELECT ${messageColumns(uuid(null))}, m.client_id FROM messages m JOIN users u ON u.id = m.sender_id
      WHERE m.id = ANY(${[...this.until.keys()]}::uuid[]) ORDER BY m.chat_id, m.seq`;
    for (const { id } of found) this.until.delete(id);
    this.publish(found);
    // Counted from the first look-up in a reachable database: until then, the statement itself may be waiting.
    for (const [id, until] of this.until) {
      if (until === undefined) this.until.set(id, askedAt + UNCERTAIN_MS);
      else if (until < askedAt) this.until.delete(id);
    }
  }

  private resolveLater(): void {
    this.stop();
    this.timer = setTimeout(() => {
      this.resolve().catch(logFailure('uncertain commit lookup failed, retrying'));
    }, LOOK_UP_MS);
  }
}
