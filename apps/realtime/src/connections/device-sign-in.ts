import type { AppError } from '#contracts';
import { Authenticator, invalidToken, type Claims } from '#identity';
import { RateLimits, Reads, toAppError } from '#platform';
import { Hub } from '#realtime';
import { Injectable } from '@nestjs/common';
import type { Namespace } from 'socket.io';
import { SubscriptionLoader } from '../delivery/subscription-loader.js';
import { JoinedChats } from '../delivery/joined-chats.js';
import { enteringOf } from '../transport/internals.js';
import { UnparsedPayload } from '../transport/text-parser.js';
import { DeviceConnection, type DeviceSocket, type SocketProtocol } from './device-connection.js';
import { SocketBudget } from './socket-budget.js';

/** `Reads` charges so many characters per topic of a connecting device. */
const TOPIC_LENGTH = 42;

/** Authenticates devices and loads their subscriptions, before any of their events can arrive. */
@Injectable()
export class DeviceSignIn {
  /** The connections that are signing in to each namespace. */
  private readonly arriving = new WeakMap<Namespace, WeakSet<object>>();

  constructor(
    private readonly hub: Hub,
    private readonly authenticator: Authenticator,
    private readonly subscriptions: SubscriptionLoader,
    private readonly joined: JoinedChats,
    private readonly budget: SocketBudget,
    private readonly reads: Reads,
    private readonly limits: RateLimits,
  ) {}

  /**
   * A second CONNECT closes its connection. Socket.IO does that only after the first one has entered, and would accept
   * all others that arrive before.
   */
  takeOneAtATime(namespace: Namespace): void {
    const inside = enteringOf(namespace);
    const add = inside._add.bind(namespace);
    const arriving = new WeakSet<object>();
    this.arriving.set(namespace, arriving);
    inside._add = async (client, auth, then) => {
      if (arriving.has(client)) return void client.conn.close(true);
      arriving.add(client);
      await add(client, auth, then);
    };
  }

  /**
   * Stores the result in the socket's data: a registered connection, or a refusal.
   * @param protocols for devices that receive every chat, and for devices with `auth: { scope: "joined" }`
   * @returns the refusal
   */
  async signIn(
    socket: DeviceSocket,
    protocols: Record<'all' | 'joined', SocketProtocol>,
  ): Promise<AppError | undefined> {
    const { client, conn, nsp, handshake } = socket;
    const { query, headers } = handshake;
    const auth = handshake.auth as { token?: unknown; scope?: unknown };
    // Clients of Socket.IO 2 can send these only in the address.
    const inAddress = conn.protocol === 3 ? query : {};
    const given = auth.token || inAddress.token || headers.authorization;
    // It takes as much memory as all other data of the device.
    auth.token = undefined;
    try {
      if (given instanceof UnparsedPayload) throw given.error;
      if (typeof given !== 'string') throw invalidToken();
      const claims = this.authenticator.verify(given);
      const isScoped = (auth.scope ?? inAddress.scope) === 'joined';
      await this.register(
        new DeviceConnection(socket, protocols[isScoped ? 'joined' : 'all'], claims),
        claims,
      );
      if (isScoped) this.joined.limit(socket.data.connection!);
      return undefined;
    } catch (error) {
      // Also in a namespace that answers by `connect_error`, and after that answer.
      if (given instanceof UnparsedPayload) setImmediate(() => conn.close());
      return (socket.data.refusal = toAppError(error));
    } finally {
      this.arriving.get(nsp)!.delete(client);
    }
  }

  /** @throws AppError UNAUTHORIZED, RATE_LIMIT, UNAVAILABLE */
  private async register(connection: DeviceConnection, claims: Claims): Promise<void> {
    const { data, conn } = connection.socket;
    // Before the database is queried; `accept` decides.
    this.budget.requireRoom(claims);
    this.reads.requireLeft(claims.userId);
    await this.limits.take('connect', claims.userId);
    // First, so that no later change of the session or the subscriptions is missed.
    this.hub.register(connection);
    const remove = () => this.hub.remove(connection);
    conn.once('close', remove);
    try {
      do {
        const [{ user, reason }, subscriptions] = await Promise.all([
          this.authenticator.connected(claims),
          this.subscriptions.load(connection),
        ]);
        await this.reads.charge(claims.userId, subscriptions.topics.length * TOPIC_LENGTH);
        connection.user = user;
        connection.opening = { reason, subscriptions };
      } while (connection.opening.subscriptions.readAfter !== connection.invalidations);
      if (data.refusal) throw data.refusal;
      data.connection = connection;
    } catch (error) {
      remove();
      throw error;
    } finally {
      conn.off('close', remove);
    }
    if (conn.readyState !== 'open') remove();
  }
}
