import type { EventPacket } from '#platform';
import type { Namespace } from 'socket.io';
import type { Delivery } from '../connections/device-socket.js';
import { BufferingAdapter } from '../delivery/buffering-adapter.js';
import type { ServerRules, OutgoingEvent } from './dialect.js';

/** Sends the events of `/` to a namespace's devices in their own dialect. Encodes once for all of them. */
export class DialectAdapter extends BufferingAdapter {
  constructor(
    namespace: Namespace,
    private readonly rules: ServerRules,
  ) {
    super(namespace);
  }

  protected override writer({
    type,
    data: [event, payload],
    each,
  }: EventPacket): Delivery['write'] | undefined {
    const rule = this.rules[event as keyof ServerRules] as
      ((payload: unknown) => OutgoingEvent[]) | undefined;
    const translated = rule ? (each ?? [payload]).flatMap((one) => rule(one)) : [];
    if (translated.length === 0) return undefined;
    const all = translated.map((data) => this.encoding({ type, data }));
    // No dialect has this event: it is only for devices of scope `joined`.
    const isForScoped = event === 'chat:updated';
    return (socket) => {
      if (!isForScoped || socket.data.joined) all.forEach((write) => write(socket));
    };
  }
}
