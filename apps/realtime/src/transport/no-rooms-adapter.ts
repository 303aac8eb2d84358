import { Adapter } from 'socket.io-adapter';

/** The hub has the subscriptions of all connections, so Socket.IO's rooms are not used. */
export class NoRoomsAdapter extends Adapter {
  override addAll(): void {}
  override del(): void {}
  override delAll(): void {}
}
