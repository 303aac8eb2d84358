import fc from 'fast-check';
import { blockedTopic, chatTopic, friendsTopic, type Topic } from '../topics.js';
import { Hub } from './hub.js';
import { DatabaseSnapshot, type SubscriptionChange } from './subscription-changes.js';
import { TestConnection } from './test-connection.js';

const USER = 'anna';
const TOPICS = [chatTopic('a'), friendsTopic('b'), blockedTopic('c')];

interface Change extends SubscriptionChange {
  topic: number;
}

/** Part of a read: the state of some topics, as of one snapshot. */
interface Part {
  snapshot: DatabaseSnapshot;
  versions: bigint[];
}

/** Snapshots and locks of PostgreSQL, for the subscriptions of one user. */
class Database {
  private nextXid = 100n;
  private lastCompleted = 99n;
  private running: Change[] = [];
  readonly committed: Change[] = [];

  begin(topic: number, member: boolean): void {
    this.running.push({ topic, member, xid: this.nextXid++, version: 0n });
  }

  /** The version is taken under the lock of the topic, so transactions may commit in another order than they began. */
  end(which: number, isCommit: boolean): void {
    const [change] = this.running.splice(which % Math.max(this.running.length, 1), 1);
    if (!change) return;
    if (change.xid > this.lastCompleted) this.lastCompleted = change.xid;
    if (isCommit) this.committed.push({ ...change, version: BigInt(this.committed.length + 1) });
  }

  read(): Part {
    const xmax = this.lastCompleted + 1n;
    const running = this.running.map(({ xid }) => xid).filter((xid) => xid < xmax);
    const text = `${running[0] ?? xmax}:${xmax}:${running.join()}`;
    return {
      snapshot: new DatabaseSnapshot(text),
      versions: TOPICS.map((_, topic) => this.newest(topic)?.version ?? 0n),
    };
  }

  newest(topic: number): Change | undefined {
    return this.committed.findLast((change) => change.topic === topic);
  }

  isMember(version: bigint): boolean {
    return version > 0n && this.committed[Number(version) - 1]!.member;
  }
}

/** A device with the read that it waits for, and the version of each topic that it must have reached. */
interface Device {
  connection: TestConnection;
  reading?: { chats: Part; relationships?: Part; readAfter: number };
  reached?: bigint[];
  /** Topics with a change of an unknown outcome that no read has seen so far. */
  unknown: Set<Topic>;
}

/** A node with devices of one user, whose commands arrive in any order. */
class Node {
  readonly hub = new Hub();
  readonly devices: Device[] = [];
  /** The newest change of each topic that has arrived while the user had devices. */
  private arrived = TOPICS.map(() => 0n);
  private opened = 0;

  constructor(private readonly database: Database) {}

  connect(): void {
    const connection = new TestConnection(USER, `device ${++this.opened}`);
    this.hub.register(connection);
    this.devices.push({ connection, unknown: new Set() });
  }

  /** The chats and the relationships are read one after the other. */
  read(device: Device | undefined): void {
    if (!device) return;
    const readAfter = device.connection.invalidations;
    if (!device.reading) device.reading = { chats: this.database.read(), readAfter };
    else device.reading.relationships ??= this.database.read();
  }

  activate(device: Device | undefined): void {
    if (!device?.reading?.relationships) return;
    const { chats, relationships, readAfter } = device.reading;
    const versions = TOPICS.map(({ kind }, i) => (kind === 'chat' ? chats : relationships).versions[i]!);
    const topics = TOPICS.filter((_, i) => this.database.isMember(versions[i]!));
    const seen = { chats: chats.snapshot, relationships: relationships.snapshot };
    const isCurrent = this.hub.activate(device.connection, { topics, seen, readAfter });
    device.reading = undefined;
    expect(isCurrent).toBe(readAfter === device.connection.invalidations);
    if (!isCurrent) return;
    device.unknown.clear();
    device.reached = versions;
  }

  deliver({ topic, member, version, xid }: Change): void {
    this.hub.subscriptionsChanged(TOPICS[topic]!, [USER], { member, version, xid });
    if (this.devices.length > 0 && version > this.arrived[topic]!) this.arrived[topic] = version;
  }

  deliverUnknown(topic: Topic): void {
    this.hub.subscriptionsChanged(topic, [USER]);
    for (const { reached, unknown } of this.devices) if (reached) unknown.add(topic);
  }

  disconnect(which: number): void {
    const [device] = this.devices.splice(which % Math.max(this.devices.length, 1), 1);
    if (device) this.hub.remove(device.connection);
    if (this.devices.length === 0) this.arrived.fill(0n);
  }

  /**
   * Each active device has the newest state of its read and of the arrived changes. After a change with an unknown
   * outcome, it receives nothing of that topic, and perhaps less of others.
   */
  check(): void {
    for (const { connection, reached, unknown } of this.devices) {
      if (!reached) {
        if (connection.topics.length > 0) throw new Error('a device without a read receives something');
        continue;
      }
      for (const [i, topic] of TOPICS.entries()) {
        const newest = this.arrived[i]! > reached[i]! ? this.arrived[i]! : reached[i]!;
        const mayReceive = this.database.isMember(newest) === (topic.kind !== 'blocked');
        const receives = isOpen(connection, topic);
        if (receives && (!mayReceive || unknown.has(topic))) throw new Error(`receives ${topic.kind}`);
        if (!receives && mayReceive && unknown.size === 0) throw new Error(`misses ${topic.kind}`);
      }
    }
  }
}

/** Whether the device receives events of the topic, or of a person without a block. */
const isOpen = ({ topics }: TestConnection, topic: Topic) =>
  topics.includes(nameOf(topic)) === (topic.kind !== 'blocked');

const nameOf = ({ kind, id }: Topic) => `${kind}:${id}`;

type Step = (database: Database, node: Node) => void;
const any = fc.nat({ max: 100 });
const aTopic = fc.nat({ max: TOPICS.length - 1 });
const of = (devices: Device[], which: number) => devices[which % devices.length];
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: aTopic.map(
      (topic): Step =>
        (_, node) =>
          node.deliverUnknown(TOPICS[topic]!),
    ),
  },
  { weight: 6, arbitrary: fc.tuple(aTopic, fc.boolean()).map(begins) },
  { weight: 6, arbitrary: fc.tuple(any, fc.integer({ min: 0, max: 4 })).map(ends) },
  { weight: 6, arbitrary: any.map(arrives) },
  { weight: 1, arbitrary: fc.constant<Step>((_, node) => node.connect()) },
  {
    weight: 6,
    arbitrary: any.map(
      (which): Step =>
        (_, node) =>
          node.read(of(node.devices, which)),
    ),
  },
  {
    weight: 3,
    arbitrary: any.map(
      (which): Step =>
        (_, node) =>
          node.activate(of(node.devices, which)),
    ),
  },
  {
    weight: 1,
    arbitrary: any.map(
      (which): Step =>
        (_, node) =>
          node.disconnect(which),
    ),
  },
);

function begins([topic, member]: [number, boolean]): Step {
  return (database) => database.begin(topic, member);
}
function ends([which, luck]: [number, number]): Step {
  return (database) => database.end(which, luck > 0);
}
function arrives(which: number): Step {
  return ({ committed }, node) => {
    if (committed.length > 0) node.deliver(committed[which % committed.length]!);
  };
}

it('subscriptions follow the newest committed change, in whatever order changes and reads arrive', () => {
  const steps = fc.array(step, { minLength: 50, maxLength: 150, size: 'max' });
  fc.assert(
    fc.property(steps, fc.infiniteStream(fc.nat()), (steps, order) => {
      const database = new Database();
      const node = new Node(database);
      for (const step of steps) {
        step(database, node);
        node.check();
      }
      const keyed = database.committed.map((change) => ({ change, key: order.next().value as number }));
      for (const { change } of keyed.sort((a, b) => a.key - b.key)) node.deliver(change);
      for (const device of node.devices) {
        if (device.reached && !device.reading && device.unknown.size === 0) continue;
        if (device.reading?.readAfter !== device.connection.invalidations) device.reading = undefined;
        node.read(device);
        node.read(device);
        node.activate(device);
      }
      const newest = TOPICS.filter((_, i) => database.newest(i)?.member).map(nameOf);
      for (const { connection } of node.devices) expect(connection.topics).toEqual(newest.sort());
    }),
    { numRuns: 400 },
  );
});
