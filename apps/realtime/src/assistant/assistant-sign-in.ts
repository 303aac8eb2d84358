import { AppError } from '#contracts';
import { Authenticator, invalidToken, type SignedIn } from '#identity';
import { RateLimits, SOCKETS } from '#platform';
import { Hub } from '#realtime';
import { Injectable } from '@nestjs/common';
import { WebSocket } from 'ws';
import { Admission } from '../connections/admission.js';
import { scheduleAt } from '../connections/schedule-at.js';
import { SocketBudget } from '../connections/socket-budget.js';
import { badToken, type AssistantConnection } from './assistant-connection.js';

/** Signs connections of the assistant in by the token of a frame, and out when it expires or the connection ends. */
@Injectable()
export class AssistantSignIn {
  /** How long a connection may stay open without a sign-in, ms. */
  signInMs: number = SOCKETS.signInTime.most;

  constructor(
    private readonly hub: Hub,
    private readonly authenticator: Authenticator,
    private readonly limits: RateLimits,
    private readonly admission: Admission,
    private readonly budget: SocketBudget,
  ) {}

  /** Ends the connection if it does not sign in in time. */
  await(connection: AssistantConnection): void {
    const end = () => {
      connection.refuse(new AppError('UNAUTHORIZED', 'Not authenticated'));
      connection.end();
    };
    connection.signInTimer ??= setTimeout(end, this.signInMs).unref();
  }

  /**
   * Replaces the user of the connection.
   * @returns undefined if the connection ended meanwhile
   */
  async enter(connection: AssistantConnection, token: string): Promise<SignedIn | undefined> {
    this.leave(connection);
    const user = await this.authenticate(connection, token).catch((error: unknown) => {
      this.leave(connection);
      throw badToken(error);
    });
    if (!connection.holder) return undefined;
    this.budget.enter(user);
    this.admission.signedIn(connection.visit);
    clearTimeout(connection.signInTimer);
    connection.signInTimer = undefined;
    connection.user = user;
    connection.strange = 0;
    // The connection stays open for a new token, but receives no more events of the chat.
    connection.cancelExpiry = scheduleAt(user.expiresAt, () => {
      this.leave(connection);
      connection.refuse(badToken(invalidToken('token_expired')));
    });
    return user;
  }

  /** The connection has ended. */
  end(connection: AssistantConnection): void {
    this.leave(connection);
    clearTimeout(connection.signInTimer);
  }

  private leave(connection: AssistantConnection): void {
    connection.cancelExpiry?.();
    connection.closeChat();
    if (connection.holder) this.hub.remove(connection);
    connection.holder = undefined;
    if (!connection.user) return;
    this.budget.leave(connection.user);
    this.await(connection);
    connection.user = undefined;
  }

  /** The user's limits are checked before the database is queried. @throws AppError UNAUTHORIZED, RATE_LIMIT */
  private async authenticate(connection: AssistantConnection, token: string): Promise<SignedIn> {
    const claims = this.authenticator.verify(token);
    this.budget.requireRoom(claims);
    await this.limits.take('connect', claims.userId);
    // Before the look-up, so that no later sign-out is missed.
    connection.holder = claims;
    if (connection.socket.readyState === WebSocket.OPEN) this.hub.registerActive(connection);
    else this.leave(connection);
    const user = await this.authenticator.stillSignedIn(claims);
    this.budget.requireRoom(claims);
    return user;
  }
}
