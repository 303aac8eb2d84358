import type { ServerEvent } from '#contracts';
import type { EventPacket } from '#platform';
import type { Namespace } from 'socket.io';
import type { BroadcastOptions } from 'socket.io-adapter';
import { HoldingAdapter, nobodyIsIn } from '../holding-adapter.js';
import type { ServerRules, Told } from './dialect.js';

/** Shows a namespace's devices what the devices of `/` are shown, in their own words. Encodes once for all of them. */
export class DialectAdapter extends HoldingAdapter {
  constructor(
    namespace: Namespace,
    private readonly rules: ServerRules,
  ) {
    super(namespace);
  }

  protected override show(
    { type, data: [event, payload], each, covered }: EventPacket,
    options: BroadcastOptions,
  ): void {
    if (this.sids.size === 0 || nobodyIsIn(this, options.rooms)) return;
    const rule = this.rules[event as ServerEvent] as
      ((payload: unknown, covered?: string[]) => Told[]) | undefined;
    if (!rule) return;
    for (const one of each ?? [payload])
      for (const data of rule(one, covered)) super.show({ type, data }, options);
  }
}
