import { AppError } from '#contracts';
import { Typing } from '#chat';
import { Authenticator, invalidToken, type SignedIn } from '#identity';
import { Presence } from '#presence';
import { Metrics, logger, retry, toAppError } from '#platform';
import { Hub, type Connection, type HubObserver } from '#realtime';
import { Injectable } from '@nestjs/common';
import type { DisconnectReason } from 'socket.io';
import { SubscriptionLoader, presenceAudience } from '../delivery/subscription-loader.js';
import { visitOf } from '../transport/handshakes.js';
import { clientOf } from '../transport/internals.js';
import { Admission } from './admission.js';
import { Deadlines } from './deadlines.js';
import { DeviceConnection, userOf, type DeviceSocket, type SocketProtocol } from './device-connection.js';
import { SocketBudget } from './socket-budget.js';

/** Number of devices that are resynced at once, after this node may have missed commands. */
const AT_ONCE = 8;
/** How long a connection that has left its last namespace may take to enter another, ms. */
const NAMESPACE_MS = 3000;

/** Opens connections after their handshake, keeps their subscriptions, and closes them when their sign-in ends. */
@Injectable()
export class Connections implements HubObserver {
  private readonly open = new Set<DeviceConnection>();
  private readonly expiries = new Deadlines<DeviceConnection>((connection) =>
    this.end(connection, invalidToken('token_expired')),
  );
  /** Connections whose subscriptions are unknown, and are being loaded again. */
  private readonly reloading = new Set<DeviceConnection>();
  /** Shared by all sockets, which are their `this`: separate functions would be a large part of a device's memory. */
  private readonly onDisconnect: (this: DeviceSocket, reason: DisconnectReason) => void;
  private readonly onDisconnecting: (this: DeviceSocket) => void;
  private resyncing?: Promise<void>;
  private missedAgain = false;

  constructor(
    private readonly hub: Hub,
    private readonly authenticator: Authenticator,
    private readonly subscriptions: SubscriptionLoader,
    private readonly presence: Presence,
    private readonly typing: Typing,
    private readonly metrics: Metrics,
    private readonly admission: Admission,
    private readonly budget: SocketBudget,
  ) {
    hub.observer = this;
    presence.publishChanges((userId) => subscriptions.audienceOf(userId));
    const leave = this.leave.bind(this);
    this.onDisconnecting = function () {
      leave(this.data.connection!);
    };
    this.onDisconnect = function (reason) {
      metrics.connections.dec();
      endIfUnused(this, reason);
    };
  }

  /** Opens a device that has signed in; any other is refused by `refusing`. */
  accept(socket: DeviceSocket, refusing: SocketProtocol): void {
    this.metrics.connections.inc();
    socket.on('disconnect', this.onDisconnect);
    const { connection, refusal } = socket.data;
    if (!connection) return this.refuse(socket, refusing, refusal!);
    const { reason, subscriptions } = connection.opening!;
    connection.opening = undefined;
    const user = userOf(socket);
    try {
      if (refusal) throw refusal;
      this.budget.requireRoom(user, subscriptions.topics.length);
      if (!this.hub.activate(connection, subscriptions)) throw outdated();
    } catch (error) {
      this.hub.remove(connection);
      return this.refuse(socket, connection.protocol, toAppError(error));
    }
    this.budget.enter(user);
    this.admission.signedIn(visitOf(socket.conn));
    this.open.add(connection);
    socket.on('disconnecting', this.onDisconnecting);
    this.endAtExpiry(connection);
    this.presence.connected(
      user.userId,
      socket.id,
      presenceAudience(connection.subscriptions, subscriptions.unseen),
    );
    if (reason !== 'connection_established') this.metrics.reconnections.inc();
    connection.protocol.onAccepted(connection, reason);
    logger.info({ socket_id: socket.id, user_id: user.userId, reason }, 'connected');
  }

  onStale(connection: Connection): void {
    if (connection instanceof DeviceConnection) void this.reloadUntilKnown(connection);
  }

  onSubscribed(connection: Connection): void {
    if (!(connection instanceof DeviceConnection)) return;
    try {
      this.budget.requireStay(connection, connection.subscriptions.size);
    } catch (error) {
      this.end(connection, toAppError(error));
    }
  }

  /**
   * Commands of other nodes may have been missed, even a sign-out or a removal: the subscriptions of every device are
   * loaded again, and it is asked to sync.
   */
  resync(): void {
    for (const connection of this.hub.all())
      if (connection.activeSince === undefined) connection.invalidations += 1;
    this.missedAgain = true;
    this.resyncing ??= this.resyncAll().finally(() => (this.resyncing = undefined));
  }

  private async resyncAll(): Promise<void> {
    while (this.missedAgain) {
      this.missedAgain = false;
      // Devices that connect meanwhile have missed nothing; including them could continue without end.
      const connections = [...this.open].values();
      const next = async () => {
        for (const connection of connections) await this.resyncOne(connection);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, next));
    }
  }

  private async resyncOne(connection: DeviceConnection): Promise<void> {
    try {
      if (!this.open.has(connection)) return;
      await this.authenticator.stillSignedIn(connection.user);
      await this.reload(connection);
    } catch (error) {
      this.end(connection, toAppError(error));
    }
  }

  /** Retries while the database is unavailable, instead of disconnecting the device. */
  private async reloadUntilKnown(connection: DeviceConnection): Promise<void> {
    if (this.reloading.has(connection)) return;
    this.reloading.add(connection);
    const reload = async () => {
      while (this.open.has(connection) && !(await this.reload(connection)));
    };
    await retry(reload, (err) => {
      const error = toAppError(err);
      if (error.code === 'RATE_LIMIT') this.end(connection, error);
      else logger.warn({ err: err.message, socket_id: connection.id }, 'subscription load failed, retrying');
    }).finally(() => this.reloading.delete(connection));
  }

  /**
   * Loads the subscriptions, and asks the device to sync.
   * @returns false when a change of meanwhile made them outdated; it is being read by `reloadUntilKnown`
   * @throws AppError RATE_LIMIT (when the user's devices have too many subscriptions)
   */
  private async reload(connection: DeviceConnection): Promise<boolean> {
    const loaded = await this.subscriptions.load(connection);
    if (!this.hub.activate(connection, loaded)) return false;
    this.budget.requireStay(connection, connection.subscriptions.size);
    connection.protocol.onMissed(connection);
    return true;
  }

  /**
   * Detects a clock that was set ahead at the next event, before any timer. The device is disconnected after its
   * answer.
   * @throws AppError UNAUTHORIZED (when the token has expired)
   */
  requireLive(connection: DeviceConnection): void {
    if (connection.user.expiresAt.getTime() > Date.now()) return;
    const error = invalidToken('token_expired');
    setImmediate(() => this.end(connection, error));
    throw error;
  }

  /** The device now has another session, or another token of the same session. */
  renew(connection: DeviceConnection, user: SignedIn): void {
    if (!this.open.has(connection)) return;
    this.budget.leave(connection);
    this.budget.enter(user);
    connection.user = user;
    this.endAtExpiry(connection);
  }

  private endAtExpiry(connection: DeviceConnection): void {
    this.expiries.set(connection, connection.user.expiresAt);
  }

  private leave(connection: DeviceConnection): void {
    const { userId, id } = connection;
    this.open.delete(connection);
    this.hub.remove(connection);
    this.expiries.delete(connection);
    this.budget.leave(connection);
    this.presence.disconnected(userId, id);
    this.typing.stopAll(id);
    logger.info({ socket_id: id, user_id: userId }, 'disconnected');
  }

  private end(connection: DeviceConnection, error: AppError): void {
    if (this.open.has(connection)) this.refuse(connection.socket, connection.protocol, error);
  }

  /**
   * A refused client has to sign in again; after an unavailable database or an exceeded budget, it should reconnect by
   * itself.
   */
  private refuse(socket: DeviceSocket, protocol: SocketProtocol, error: AppError): void {
    this.metrics.errors.inc({ code: error.code });
    protocol.onRejected(socket, error);
    if (error.code === 'UNAUTHORIZED' || error.code === 'MESSAGE_TOO_LARGE') socket.disconnect();
    else socket.conn.close();
  }
}

/** A change with an unknown outcome arrived between the handshake and the opening. */
const outdated = () => new AppError('UNAVAILABLE', 'Subscriptions are changing, reconnect');

const ENDED_BY_US: DisconnectReason = 'server namespace disconnect';
const ENDED_BY_CLIENT: DisconnectReason = 'client namespace disconnect';

/** A connection may carry devices of several namespaces, each with its own token: the others continue. */
function endIfUnused(socket: DeviceSocket, reason: DisconnectReason): void {
  const { conn } = socket;
  const end = () => {
    if (clientOf(socket).sockets.size === 0) conn.close();
  };
  // In Engine.IO 3 every client enters `/` first: a client for another namespace sends that now.
  if (reason === ENDED_BY_US && conn.protocol !== 3) end();
  else if (reason === ENDED_BY_US || reason === ENDED_BY_CLIENT) setTimeout(end, NAMESPACE_MS).unref();
}
