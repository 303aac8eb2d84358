import type { Connection, Protocol } from './connection.js';
import type { Topic } from '../topics.js';
import type { OutgoingEvent } from './outgoing-event.js';

/** Hides people's new names and pictures from devices with a block between them. */
export interface Redaction {
  /** The people whose current names the event has, when it is published to these topics. */
  namesIn(event: OutgoingEvent, topics: Topic[]): string[];
  without(event: OutgoingEvent, userIds: string[]): OutgoingEvent;
}

/** A person named in an event, and the connections with a block between them. */
interface Hideable {
  id: string;
  connections: ReadonlySet<Connection>;
}

type Frames = Map<Protocol, unknown>;

/** The frames of one event: one for each protocol and form of the event, made for the first connection that needs it. */
export class Encoding {
  private readonly common: Frames = new Map();
  private readonly own: Frames = new Map();
  private forms?: Map<string, { event: OutgoingEvent; common: Frames; own: Frames }>;

  constructor(
    private readonly event: OutgoingEvent,
    private readonly redaction?: { redact: Redaction; hideable: Hideable[] },
  ) {}

  /** @returns undefined if the connection's protocol has no such event */
  frameFor(connection: Connection): unknown {
    const isOwn = this.event.own?.userId === connection.userId;
    const hidden = this.redaction?.hideable.filter(({ connections }) => connections.has(connection)) ?? [];
    if (hidden.length > 0) {
      const form = this.formWithout(hidden.map(({ id }) => id));
      return frameOf(form.event, connection.protocol, isOwn, isOwn ? form.own : form.common);
    }
    return frameOf(this.event, connection.protocol, isOwn, isOwn ? this.own : this.common);
  }

  private formWithout(userIds: string[]) {
    this.forms ??= new Map();
    const key = userIds.join();
    let form = this.forms.get(key);
    if (!form) {
      const event = this.redaction!.redact.without(this.event, userIds);
      this.forms.set(key, (form = { event, common: new Map(), own: new Map() }));
    }
    return form;
  }
}

function frameOf(event: OutgoingEvent, protocol: Protocol, isOwn: boolean, frames: Frames): unknown {
  if (!frames.has(protocol)) frames.set(protocol, protocol.encode(event, isOwn));
  return frames.get(protocol);
}
