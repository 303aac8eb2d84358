import { AppError } from '#contracts';
import { Typing } from '#chat';
import { Authenticator, invalidToken, type Connected, type SignedIn } from '#identity';
import { Presence } from '#presence';
import {
  Metrics,
  RateLimits,
  Reads,
  logger,
  toAppError,
  within,
  chatRoom,
  sessionRoom,
  userRoom,
} from '#platform';
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

/** How many devices look for themselves at once, after this node may have missed something. */
const AT_ONCE = 8;
/** How long an answer waits for what was told before it, ms: longer only if the database hangs. */
const CATCH_UP_MS = 500;
/** How long a connection that has left its last namespace may take to ask for another one, ms. */
const NAMESPACE_MS = 3000;
/** `Reads` counts so many characters for each room that a connecting device comes into. */
const ROOM_LENGTH = 42;
/** Before the database is asked again where a device belongs, ms. */
const RETRY_MS = 1000;

/** What a device of a namespace is told when it comes, and when it must leave. */
export interface ConnectionObserver {
  onAccepted(socket: DeviceSocket, reason: Connected['reason']): void;
  /** That it may have missed something. */
  onMissed(socket: DeviceSocket): void;
  onRejected(socket: DeviceSocket, error: AppError): void;
}

/** Contract, "Connecting": who comes in, in which rooms they are, and when they must leave. */
@Injectable()
export class Connections {
  private readonly here = new Map<DeviceSocket, ConnectionObserver>();
  private readonly expiries = new Deadlines<DeviceSocket>((socket) =>
    this.refuse(socket, this.here.get(socket)!, invalidToken('token_expired')),
  );
  /** The same two for all sockets, which are their `this`: functions of its own are much of what a device takes. */
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

  /** Finds out who it is and where it belongs, before any of its events can arrive. */
  async signIn(socket: DeviceSocket): Promise<void> {
    const { client, conn, nsp, handshake } = socket;
    const { query, headers } = handshake;
    const auth = handshake.auth as { token?: unknown; scope?: unknown };
    // Clients of Socket.IO 2 have no other place for the two.
    const inAddress = conn.protocol === 3 ? query : {};
    const given = auth.token || inAddress.token || headers.authorization;
    // As long as all the rest that is known of the device.
    auth.token = undefined;
    try {
      if (given instanceof UnparsedPayload) throw given.error;
      if (typeof given !== 'string') throw invalidToken();
      const claims = this.authenticator.verify(given);
      // Before the database is asked; `take` decides.
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

  /** Takes in a device that has signed in; any other is turned away. */
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
    // What is out of date may name a chat that it is to hear nothing of any more; whom it is cut off from stay unheard.
    const rooms = isStale ? found.rooms.filter(isBlockRoom) : found.rooms;
    void socket.join([userRoom(user.userId), sessionRoom(user.sessionId), ...rooms]);
    if (!isStale) return this.open(socket, observer, reason, presenceAudience(rooms, found));
    socket.data.opening = this.reload(socket, observer, reason)
      .catch((error: unknown) => this.refuse(socket, observer, toAppError(error)))
      .finally(() => (socket.data.opening = undefined));
  }

  /** Of these namespaces, the first one is told for all. */
  watch(namespaces: Namespace[]): void {
    const first = namespaces[0]!.adapter as DeviceAdapter;
    first.onMembershipChanged = () => this.subscriptions.invalidate();
    first.onTypingEnds = (room) => this.typing.endIn(room.slice(chatRoom('').length));
    for (const namespace of namespaces) {
      (namespace.adapter as BufferingAdapter).onPending = (socket) => void this.resolveUntilKnown(socket);
      this.takeOneAtATime(namespace);
    }
  }

  /**
   * A second CONNECT ends its connection. Socket.IO sees to it only once the first one is in; all that come until then
   * would be let in.
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

  /** Resolves when the device has been shown what was held for it until now, or the database does not say soon. */
  async caughtUp(socket: DeviceSocket): Promise<void> {
    if (socket.data.pending) await within(CATCH_UP_MS, this.resolvePending(socket)).catch(() => undefined);
  }

  /** A database that is away meanwhile is asked again: it is no reason to send the device away. */
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

  /** Puts a device where it belongs. @throws AppError RATE_LIMIT, of a user whose devices are in too many rooms by then */
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
   * What others did may have been missed here, a sign-out or a removal among it: every device is put where it belongs,
   * and is to look for itself.
   */
  resync(): void {
    this.subscriptions.invalidate();
    this.missedAgain = true;
    this.resyncing ??= this.resyncAll().finally(() => (this.resyncing = undefined));
  }

  private async resyncAll(): Promise<void> {
    while (this.missedAgain) {
      this.missedAgain = false;
      // Those who come meanwhile have missed nothing, and a device that connects anew would be sent away without end.
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
   * A clock that was set ahead is noticed by the next event, before any timer. The device is turned away after its answer.
   * @throws AppError UNAUTHORIZED when the token is over
   */
  requireLive(socket: DeviceSocket): void {
    if (userOf(socket).expiresAt.getTime() > Date.now()) return;
    const error = invalidToken('token_expired');
    setImmediate(() => socket.connected && this.refuse(socket, this.here.get(socket)!, error));
    throw error;
  }

  /** It is of another session from here on, or another token of the same. */
  renew(socket: DeviceSocket, user: SignedIn): void {
    if (!socket.connected) return;
    this.budget.leave(userOf(socket));
    this.budget.enter(user);
    socket.data.user = user;
    this.endAtExpiry(socket);
  }

  /**
   * Between the answer and the rooms a move, or a sign-out, has found no device here. In its user's and session's rooms
   * now, it is looked up anew: what was committed before is in the answer, and what comes after finds the device. Nothing
   * falls between. Who was signed out comes into no chat.
   */
  private async reload(
    socket: DeviceSocket,
    observer: ConnectionObserver,
    reason: Connected['reason'],
  ): Promise<void> {
    await this.authenticator.connected(userOf(socket));
    const { audience: audience } = await this.refresh(socket);
    if (socket.connected) this.open(socket, observer, reason, audience);
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

  /** A refused client has to sign in anew; one that met a database away, or a budget, is to come back by itself. */
  private refuse(socket: DeviceSocket, observer: ConnectionObserver, error: AppError): void {
    this.metrics.errors.inc({ code: error.code });
    observer.onRejected(socket, error);
    if (error.code === 'UNAUTHORIZED' || error.code === 'MESSAGE_TOO_LARGE') socket.disconnect();
    else socket.conn.close();
  }
}

const ENDED_BY_US: DisconnectReason = 'server namespace disconnect';
const ENDED_BY_CLIENT: DisconnectReason = 'client namespace disconnect';

/** What of Socket.IO's client is used here beyond its types: what one connection carries, of all namespaces. */
interface Carrying {
  sockets: Map<string, unknown>;
}

/** The same of its namespaces: how a connection comes into one. */
interface Entered {
  _add(client: { conn: DeviceSocket['conn'] }, auth: object, then: (socket: unknown) => void): Promise<void>;
}

/** One connection may carry devices of several namespaces, each with a token of its own: the others go on. */
function endIfUnused({ client, conn }: DeviceSocket, reason: DisconnectReason): void {
  const end = () => {
    if ((client as unknown as Carrying).sockets.size === 0) conn.close();
  };
  // By Engine.IO 3 everybody is in `/` first: a client that comes for another namespace says so now.
  if (reason === ENDED_BY_US && conn.protocol !== 3) end();
  else if (reason === ENDED_BY_US || reason === ENDED_BY_CLIENT) setTimeout(end, NAMESPACE_MS).unref();
}
