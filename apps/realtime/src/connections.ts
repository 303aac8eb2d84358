import { AppError, sessionRoom, userRoom } from '#contracts';
import { Typing } from '#chat';
import { Authenticator, invalidToken, type Connected } from '#identity';
import { Presence } from '#presence';
import { Metrics, logger, toAppError, within } from '#platform';
import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DisconnectReason, Namespace } from 'socket.io';
import { Deadlines } from './deadlines.js';
import type { DeviceAdapter } from './device-adapter.js';
import { DeviceRooms, toBeTold } from './device-rooms.js';
import { userOf, type DeviceSocket } from './device-socket.js';
import { cutsOff, type HoldingAdapter } from './holding-adapter.js';

/** How many devices look for themselves at once, after this node may have missed something. */
const AT_ONCE = 8;
/** How long an answer waits for what was told before it, ms: longer only if the database hangs. */
const CATCH_UP_MS = 500;
/** How long a client of Engine.IO 3 that `/` refuses may take to ask for another namespace, ms. */
const NAMESPACE_MS = 3000;
/** Before the database is asked again where a device belongs, ms. */
const RETRY_MS = 1000;

/** What a device of a namespace is told when it comes, and when it must leave. */
export interface Greeting {
  welcome(socket: DeviceSocket, reason: Connected['reason']): void;
  /** That it may have missed something. */
  resync(socket: DeviceSocket): void;
  turnAway(socket: DeviceSocket, error: AppError): void;
}

/** Contract, "Connecting": who comes in, in which rooms they are, and when they must leave. */
@Injectable()
export class Connections {
  private readonly here = new Map<DeviceSocket, Greeting>();
  private readonly expiries = new Deadlines<DeviceSocket>((socket) =>
    this.refuse(socket, this.here.get(socket)!, invalidToken('token_expired')),
  );
  /** The same two for all sockets, which are their `this`: functions of its own are much of what a device takes. */
  private readonly onDisconnect: (this: DeviceSocket, reason: DisconnectReason) => void;
  private readonly onDisconnecting: (this: DeviceSocket) => void;
  /** The namespaces that a connection is signing in to. */
  private readonly arriving = new WeakMap<object, Set<string>>();
  private resyncing?: Promise<void>;
  private missedAgain = false;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly rooms: DeviceRooms,
    private readonly presence: Presence,
    private readonly typing: Typing,
    private readonly metrics: Metrics,
  ) {
    presence.toldTo(async (userId) => {
      const found = await rooms.find(userId);
      return toBeTold(found.rooms, found);
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
    const arriving = this.arriving.get(client) ?? new Set();
    // Socket.IO ends a connection by a second CONNECT, but only once the first one is answered.
    if (arriving.has(nsp.name)) return void conn.close();
    this.arriving.set(client, arriving.add(nsp.name));
    const { query, headers } = handshake;
    const auth = handshake.auth as { token?: unknown; scope?: unknown };
    // Clients of Socket.IO 2 have no other place for the two.
    const inAddress = conn.protocol === 3 ? query : {};
    const given = auth.token || inAddress.token || headers.authorization;
    // As long as all the rest that is known of the device.
    auth.token = undefined;
    try {
      if (typeof given !== 'string') throw invalidToken();
      const claims = this.authenticator.verify(given);
      const [{ user, reason }, found] = await Promise.all([
        this.authenticator.connected(claims),
        this.rooms.find(claims.userId),
      ]);
      Object.assign(socket.data, { user, arrival: { reason, found } });
      if ((auth.scope ?? inAddress.scope) === 'joined') socket.data.joined = new Set();
    } catch (error) {
      socket.data.refusal = toAppError(error);
    } finally {
      arriving.delete(nsp.name);
    }
  }

  /** Takes in a device that has signed in; any other is turned away. */
  take(socket: DeviceSocket, greeting: Greeting): void {
    this.metrics.connections.inc();
    socket.on('disconnect', this.onDisconnect);
    const { user, arrival, refusal } = socket.data;
    if (!user || !arrival) return this.refuse(socket, greeting, refusal ?? invalidToken());
    socket.data.arrival = undefined;
    this.here.set(socket, greeting);
    if (socket.data.joined) (socket.nsp.adapter as HoldingAdapter).scoped += 1;
    socket.on('disconnecting', this.onDisconnecting);
    this.endAtExpiry(socket);
    const { reason, found } = arrival;
    const isOutdated = this.rooms.isOutdated(found);
    // What is out of date may name a chat that it is to hear nothing of any more; whom it is cut off from stay unheard.
    const rooms = isOutdated ? found.rooms.filter(cutsOff) : found.rooms;
    void socket.join([userRoom(user.userId), sessionRoom(user.sessionId), ...rooms]);
    if (!isOutdated) return this.welcome(socket, greeting, reason, toBeTold(rooms, found));
    socket.data.opening = this.lookAgain(socket, greeting, reason)
      .catch((error: unknown) => this.refuse(socket, greeting, toAppError(error)))
      .finally(() => (socket.data.opening = undefined));
  }

  /** Of these namespaces, the first one's moves are everybody's. */
  watch(namespaces: Namespace[]): void {
    (namespaces[0]!.adapter as DeviceAdapter).onMove = () => this.rooms.moved();
    for (const { adapter } of namespaces)
      (adapter as HoldingAdapter).onDoubt = (socket) => void this.untilSettled(socket);
  }

  /** Resolves when the device has been shown what was held for it until now, or the database does not say soon. */
  async caughtUp(socket: DeviceSocket): Promise<void> {
    if (socket.data.doubt) await within(CATCH_UP_MS, this.lookUp(socket)).catch(() => undefined);
  }

  /** A database that is away meanwhile is asked again: it is no reason to send the device away. */
  private async untilSettled(socket: DeviceSocket): Promise<void> {
    await socket.data.opening;
    while (socket.connected && socket.data.doubt)
      try {
        await this.lookUp(socket);
      } catch (err) {
        logger.warn({ err: (err as Error).message, socket_id: socket.id }, 'rooms not looked up yet');
        await sleep(RETRY_MS, undefined, { ref: false });
      }
  }

  private async lookUp(socket: DeviceSocket): Promise<void> {
    const { hasMissed } = await this.rooms.enter(socket);
    if (hasMissed) this.here.get(socket)?.resync(socket);
  }

  /**
   * What others did may have been missed here, a sign-out or a removal among it: every device is put where it belongs,
   * and is to look for itself.
   */
  resync(): void {
    this.rooms.moved();
    this.missedAgain = true;
    this.resyncing ??= this.resyncAll().finally(() => (this.resyncing = undefined));
  }

  private async resyncAll(): Promise<void> {
    while (this.missedAgain) {
      this.missedAgain = false;
      // Those who come meanwhile have missed nothing, and a device that connects anew would be sent away without end.
      const devices = [...this.here].values();
      const next = async () => {
        for (const [socket, greeting] of devices) await this.resyncOne(socket, greeting);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, next));
    }
  }

  private async resyncOne(socket: DeviceSocket, greeting: Greeting): Promise<void> {
    try {
      await socket.data.opening;
      if (!socket.connected) return;
      await this.authenticator.stillSignedIn(userOf(socket));
      await this.rooms.enter(socket);
      if (socket.connected) greeting.resync(socket);
    } catch (error) {
      this.refuse(socket, greeting, toAppError(error));
    }
  }

  endAtExpiry(socket: DeviceSocket): void {
    if (socket.connected) this.expiries.set(socket, userOf(socket).expiresAt);
  }

  /**
   * Between the answer and the rooms a move, or a sign-out, has found no device here. In its user's and session's rooms
   * now, it is looked up anew: what was committed before is in the answer, and what comes after finds the device. Nothing
   * falls between. Who was signed out comes into no chat.
   */
  private async lookAgain(
    socket: DeviceSocket,
    greeting: Greeting,
    reason: Connected['reason'],
  ): Promise<void> {
    await this.authenticator.connected(userOf(socket));
    const { told } = await this.rooms.enter(socket);
    if (socket.connected) this.welcome(socket, greeting, reason, told);
  }

  private welcome(
    socket: DeviceSocket,
    greeting: Greeting,
    reason: Connected['reason'],
    told: string[],
  ): void {
    const { userId } = userOf(socket);
    socket.data.openedAt ??= performance.now();
    this.presence.connected(userId, socket.id, told);
    if (reason !== 'connection_established') this.metrics.reconnections.inc();
    greeting.welcome(socket, reason);
    logger.info({ socket_id: socket.id, user_id: userId, reason }, 'connected');
  }

  private leave(socket: DeviceSocket): void {
    const { userId } = userOf(socket);
    this.here.delete(socket);
    if (socket.data.joined) (socket.nsp.adapter as HoldingAdapter).scoped -= 1;
    this.presence.disconnected(userId, socket.id);
    this.typing.stopAll(socket.id);
    logger.info({ socket_id: socket.id, user_id: userId }, 'disconnected');
  }

  private end(socket: DeviceSocket, reason: DisconnectReason): void {
    this.metrics.connections.dec();
    this.expiries.delete(socket);
    if (reason === ENDED_BY_US) endIfUnused(socket);
  }

  /** A refused client has to sign in anew; one that met a database away is to come back by itself. */
  private refuse(socket: DeviceSocket, greeting: Greeting, error: AppError): void {
    this.metrics.errors.inc({ code: error.code });
    greeting.turnAway(socket, error);
    if (error.code === 'UNAUTHORIZED') socket.disconnect();
    else socket.conn.close();
  }
}

const ENDED_BY_US: DisconnectReason = 'server namespace disconnect';

/** What of Socket.IO's client is used here beyond its types: what one connection carries, of all namespaces. */
interface Carrying {
  sockets: Map<string, unknown>;
}

/** One connection may carry devices of several namespaces, each with a token of its own: the others go on. */
function endIfUnused({ client, conn }: DeviceSocket): void {
  const end = () => {
    if ((client as unknown as Carrying).sockets.size === 0) conn.close();
  };
  // By Engine.IO 3 everybody is in `/` first: who comes for another namespace says so now.
  if (conn.protocol === 3) setTimeout(end, NAMESPACE_MS).unref();
  else end();
}
