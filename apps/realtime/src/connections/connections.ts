import { AppError } from '#contracts';
import { Typing } from '#chat';
import { Authenticator, invalidToken, type Connected, type SignedIn } from '#identity';
import { Presence } from '#presence';
import { Metrics, RateLimits, Reads, logger, toAppError, within, sessionRoom, userRoom } from '#platform';
import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DisconnectReason, Namespace } from 'socket.io';
import { Admission } from './admission.js';
import { Deadlines } from './deadlines.js';
import type { DeviceAdapter } from '../delivery/device-adapter.js';
import { SubscriptionLoader, presenceAudience } from '../delivery/subscription-loader.js';
import { userOf, type DeviceSocket } from './device-socket.js';
import { visitOf } from '../transport/handshakes.js';
import { isBlockRoom, type BufferingAdapter } from '../delivery/buffering-adapter.js';
import { SocketBudget } from './socket-budget.js';
import { UnparsedPayload } from '../transport/text-parser.js';

/** Number of devices that are resynced at once, after this node may have missed commands. */
const AT_ONCE = 8;
/** How long an answer waits for earlier events, ms: longer only if the database stalls. */
const CATCH_UP_MS = 500;
/** How long a connection that has left its last namespace may take to enter another, ms. */
const NAMESPACE_MS = 3000;
/** `Reads` charges so many characters per room of a connecting device. */
const ROOM_LENGTH = 42;
/** Delay before subscriptions are loaded again after a failure, ms. */
const RETRY_MS = 1000;

/** Sends the first and last events to the devices of a namespace. */
export interface ConnectionObserver {
  onAccepted(socket: DeviceSocket, reason: Connected['reason']): void;
  /** The device may have missed events. */
  onMissed(socket: DeviceSocket): void;
  onRejected(socket: DeviceSocket, error: AppError): void;
}

/** Authenticates devices, keeps them in their rooms, and closes them when their sign-in ends. */
@Injectable()
export class Connections {
  private readonly here = new Map<DeviceSocket, ConnectionObserver>();
  private readonly expiries = new Deadlines<DeviceSocket>((socket) =>
    this.refuse(socket, this.here.get(socket)!, invalidToken('token_expired')),
  );
  /** Shared by all sockets, which are their `this`: separate functions would be a large part of a device's memory. */
  private readonly onDisconnect: (this: DeviceSocket, reason: DisconnectReason) => void;
  private readonly onDisconnecting: (this: DeviceSocket) => void;
  /** The connections that are signing in to each namespace. */
  private readonly arriving = new WeakMap<Namespace, WeakSet<object>>();
  private resyncing?: Promise<void>;
  private missedAgain = false;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly subscriptions: SubscriptionLoader,
    private readonly presence: Presence,
    private readonly typing: Typing,
    private readonly metrics: Metrics,
    private readonly admission: Admission,
    private readonly budget: SocketBudget,
    private readonly reads: Reads,
    private readonly limits: RateLimits,
  ) {
    presence.setAudience(async (userId) => {
      const found = await subscriptions.load(userId);
      return presenceAudience(found.rooms, found);
    });
    const [leave, end] = [this.leave.bind(this), this.end.bind(this)];
    this.onDisconnecting = function () {
      leave(this);
    };
    this.onDisconnect = function (reason) {
      end(this, reason);
    };
  }

  /** Authenticates a device and loads its subscriptions, before any of its events can arrive. */
  async signIn(socket: DeviceSocket): Promise<void> {
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
      // Before the database is queried; `take` decides.
      this.budget.requireRoom(claims);
      this.reads.requireLeft(claims.userId);
      await this.limits.take('connect', claims.userId);
      const [{ user, reason }, found] = await Promise.all([
        this.authenticator.connected(claims),
        this.subscriptions.load(claims.userId),
      ]);
      await this.reads.charge(claims.userId, found.rooms.length * ROOM_LENGTH);
      Object.assign(socket.data, { user, arrival: { reason, found } });
      if ((auth.scope ?? inAddress.scope) === 'joined') socket.data.joined = new Set();
    } catch (error) {
      socket.data.refusal = toAppError(error);
      // Also in a namespace that answers by `connect_error`, and after that answer.
      if (given instanceof UnparsedPayload) setImmediate(() => conn.close());
    } finally {
      this.arriving.get(nsp)!.delete(client);
    }
  }

  /** Accepts a device that has signed in; any other is refused. */
  accept(socket: DeviceSocket, observer: ConnectionObserver): void {
    this.metrics.connections.inc();
    socket.on('disconnect', this.onDisconnect);
    const { user, arrival, refusal } = socket.data;
    if (!user || !arrival) return this.refuse(socket, observer, refusal ?? invalidToken());
    socket.data.arrival = undefined;
    try {
      this.budget.requireRoom(user, arrival.found.rooms.length);
    } catch (error) {
      return this.refuse(socket, observer, toAppError(error));
    }
    this.budget.enter(user);
    this.admission.signedIn(visitOf(socket.conn));
    this.here.set(socket, observer);
    if (socket.data.joined) (socket.nsp.adapter as BufferingAdapter).scoped += 1;
    socket.on('disconnecting', this.onDisconnecting);
    this.endAtExpiry(socket);
    const { reason, found } = arrival;
    const isStale = this.subscriptions.isStale(found);
    // An outdated snapshot may contain a chat that the user has left; blocks stay in effect.
    const rooms = isStale ? found.rooms.filter(isBlockRoom) : found.rooms;
    void socket.join([userRoom(user.userId), sessionRoom(user.sessionId), ...rooms]);
    if (!isStale) return this.open(socket, observer, reason, presenceAudience(rooms, found));
    socket.data.opening = this.reload(socket, observer, reason)
      .catch((error: unknown) => this.refuse(socket, observer, toAppError(error)))
      .finally(() => (socket.data.opening = undefined));
  }

  /** The events of the first namespace stand for all of these namespaces. */
  watch(namespaces: Namespace[]): void {
    const first = namespaces[0]!.adapter as DeviceAdapter;
    first.onMembershipChanged = () => this.subscriptions.invalidate();
    first.onTypingEnds = (users) => this.typing.endOf(users);
    for (const namespace of namespaces) {
      (namespace.adapter as BufferingAdapter).onPending = (socket) => void this.resolveUntilKnown(socket);
      this.takeOneAtATime(namespace);
    }
  }

  /**
   * A second CONNECT closes its connection. Socket.IO does that only after the first one has entered, and would accept
   * all others that arrive before.
   */
  private takeOneAtATime(namespace: Namespace): void {
    const inside = namespace as unknown as Entered;
    const add = inside._add.bind(namespace);
    const arriving = new WeakSet<object>();
    this.arriving.set(namespace, arriving);
    inside._add = async (client, auth, then) => {
      if (arriving.has(client)) return void client.conn.close(true);
      arriving.add(client);
      await add(client, auth, then);
    };
  }

  /** Resolves when buffered events have been delivered, or after a short time if the database does not answer. */
  async caughtUp(socket: DeviceSocket): Promise<void> {
    if (socket.data.pending) await within(CATCH_UP_MS, this.resolvePending(socket)).catch(() => undefined);
  }

  /** Retries while the database is unavailable, instead of disconnecting the device. */
  private async resolveUntilKnown(socket: DeviceSocket): Promise<void> {
    await socket.data.opening;
    while (socket.connected && socket.data.pending)
      try {
        await this.resolvePending(socket);
      } catch (err) {
        const error = toAppError(err);
        if (error.code === 'RATE_LIMIT') return this.refuse(socket, this.here.get(socket)!, error);
        logger.warn(
          { err: (err as Error).message, socket_id: socket.id },
          'subscription load failed, retrying',
        );
        await sleep(RETRY_MS, undefined, { ref: false });
      }
  }

  /** Puts a device into its rooms. @throws AppError RATE_LIMIT (when the user's devices are in too many rooms) */
  private async refresh(socket: DeviceSocket): ReturnType<SubscriptionLoader['refresh']> {
    const refreshed = await this.subscriptions.refresh(socket);
    if (socket.connected) this.budget.requireStay(userOf(socket), socket.rooms.size);
    return refreshed;
  }

  private async resolvePending(socket: DeviceSocket): Promise<void> {
    const { hasMissed } = await this.refresh(socket);
    if (hasMissed) this.here.get(socket)?.onMissed(socket);
  }

  /**
   * Commands of other nodes may have been missed, even a sign-out or a removal: every device is put into its rooms
   * again, and is asked to sync.
   */
  resync(): void {
    this.subscriptions.invalidate();
    this.missedAgain = true;
    this.resyncing ??= this.resyncAll().finally(() => (this.resyncing = undefined));
  }

  private async resyncAll(): Promise<void> {
    while (this.missedAgain) {
      this.missedAgain = false;
      // Devices that connect meanwhile have missed nothing; including them could continue without end.
      const devices = [...this.here].values();
      const next = async () => {
        for (const [socket, observer] of devices) await this.resyncOne(socket, observer);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, next));
    }
  }

  private async resyncOne(socket: DeviceSocket, observer: ConnectionObserver): Promise<void> {
    try {
      await socket.data.opening;
      if (!socket.connected) return;
      await this.authenticator.stillSignedIn(userOf(socket));
      await this.refresh(socket);
      if (socket.connected) observer.onMissed(socket);
    } catch (error) {
      this.refuse(socket, observer, toAppError(error));
    }
  }

  endAtExpiry(socket: DeviceSocket): void {
    if (socket.connected) this.expiries.set(socket, userOf(socket).expiresAt);
  }

  /**
   * Detects a clock that was set ahead at the next event, before any timer. The device is disconnected after its
   * answer.
   * @throws AppError UNAUTHORIZED (when the token has expired)
   */
  requireLive(socket: DeviceSocket): void {
    if (userOf(socket).expiresAt.getTime() > Date.now()) return;
    const error = invalidToken('token_expired');
    setImmediate(() => socket.connected && this.refuse(socket, this.here.get(socket)!, error));
    throw error;
  }

  /** The device now has another session, or another token of the same session. */
  renew(socket: DeviceSocket, user: SignedIn): void {
    if (!socket.connected) return;
    this.budget.leave(userOf(socket));
    this.budget.enter(user);
    socket.data.user = user;
    this.endAtExpiry(socket);
  }

  /**
   * A membership change or sign-out between the first load and entering the rooms finds no device. So the subscriptions
   * are loaded again once the device is in its user's and session's rooms. Earlier commits are in that result, and
   * later commands reach the device. A device that was signed out enters no chat.
   */
  private async reload(
    socket: DeviceSocket,
    observer: ConnectionObserver,
    reason: Connected['reason'],
  ): Promise<void> {
    await this.authenticator.connected(userOf(socket));
    const { rooms, unseen } = await this.refresh(socket);
    if (socket.connected) this.open(socket, observer, reason, presenceAudience(rooms, { unseen }));
  }

  private open(
    socket: DeviceSocket,
    observer: ConnectionObserver,
    reason: Connected['reason'],
    audience: string[],
  ): void {
    const { userId } = userOf(socket);
    socket.data.openedAt ??= performance.now();
    this.presence.connected(userId, socket.id, audience);
    if (reason !== 'connection_established') this.metrics.reconnections.inc();
    observer.onAccepted(socket, reason);
    logger.info({ socket_id: socket.id, user_id: userId, reason }, 'connected');
  }

  private leave(socket: DeviceSocket): void {
    const user = userOf(socket);
    const { userId } = user;
    this.here.delete(socket);
    this.budget.leave(user);
    if (socket.data.joined) (socket.nsp.adapter as BufferingAdapter).scoped -= 1;
    this.presence.disconnected(userId, socket.id);
    this.typing.stopAll(socket.id);
    logger.info({ socket_id: socket.id, user_id: userId }, 'disconnected');
  }

  private end(socket: DeviceSocket, reason: DisconnectReason): void {
    this.metrics.connections.dec();
    this.expiries.delete(socket);
    endIfUnused(socket, reason);
  }

  /**
   * A refused client has to sign in again; after an unavailable database or an exceeded budget, it should reconnect by
   * itself.
   */
  private refuse(socket: DeviceSocket, observer: ConnectionObserver, error: AppError): void {
    this.metrics.errors.inc({ code: error.code });
    observer.onRejected(socket, error);
    if (error.code === 'UNAUTHORIZED' || error.code === 'MESSAGE_TOO_LARGE') socket.disconnect();
    else socket.conn.close();
  }
}

const ENDED_BY_US: DisconnectReason = 'server namespace disconnect';
const ENDED_BY_CLIENT: DisconnectReason = 'client namespace disconnect';

/** Members of Socket.IO's client that are missing in its types: the devices of one connection, in all namespaces. */
interface Carrying {
  sockets: Map<string, unknown>;
}

/** The same for a namespace: how a connection enters it. */
interface Entered {
  _add(client: { conn: DeviceSocket['conn'] }, auth: object, then: (socket: unknown) => void): Promise<void>;
}

/** A connection may carry devices of several namespaces, each with its own token: the others continue. */
function endIfUnused({ client, conn }: DeviceSocket, reason: DisconnectReason): void {
  const end = () => {
    if ((client as unknown as Carrying).sockets.size === 0) conn.close();
  };
  // In Engine.IO 3 every client enters `/` first: a client for another namespace sends that now.
  if (reason === ENDED_BY_US && conn.protocol !== 3) end();
  else if (reason === ENDED_BY_US || reason === ENDED_BY_CLIENT) setTimeout(end, NAMESPACE_MS).unref();
}
