import { chatRoom, followersRoom, userRoom } from '#platform';
import { Memberships } from '#chat';
import { Relationships } from '#social';
import { Injectable } from '@nestjs/common';
import { userOf, type DeviceSocket, type SubscriptionSnapshot } from '../connections/device-socket.js';
import type { BufferingAdapter } from './buffering-adapter.js';

/** Loads the rooms of a user's devices, except the user's and session's own rooms. */
@Injectable()
export class SubscriptionLoader {
  /** When a membership changed last, in ms of `performance.now()`. */
  private invalidatedAt = -Infinity;

  constructor(
    private readonly memberships: Memberships,
    private readonly relationships: Relationships,
  ) {}

  private async of(userId: string): Promise<Omit<SubscriptionSnapshot, 'at'>> {
    const [{ chatIds, unseen }, related] = await Promise.all([
      this.memberships.chatIdsOf(userId),
      this.relationships.roomsOf(userId),
    ]);
    return { rooms: [...chatIds.map(chatRoom), ...related], unseen: new Set(unseen.map(chatRoom)) };
  }

  async load(userId: string): Promise<SubscriptionSnapshot> {
    const at = performance.now();
    return { ...(await this.of(userId)), at };
  }

  /** A user entered or left rooms, or was signed out: devices that are opening load their subscriptions again. */
  invalidate(): void {
    this.invalidatedAt = performance.now();
  }

  /** Whether a change since then may have missed a device that was opening. */
  isStale({ at }: SubscriptionSnapshot): boolean {
    return this.invalidatedAt >= at;
  }

  /**
   * Puts a device into its rooms, whatever it has missed. Later calls resolve later (`Batcher`), so an older result
   * never replaces a newer one.
   */
  async refresh(
    socket: DeviceSocket,
  ): Promise<Pick<SubscriptionSnapshot, 'unseen'> & { rooms: Set<string>; hasMissed: boolean }> {
    const snapshot = await this.load(userOf(socket).userId);
    const { unseen } = snapshot;
    if (!socket.connected) return { rooms: new Set(), unseen, hasMissed: false };
    const resolved = (socket.nsp.adapter as BufferingAdapter).resolve(socket, snapshot);
    socket.data.openedAt ??= performance.now();
    return { ...resolved, unseen };
  }
}

const FOLLOWED = followersRoom('');

/** The rooms that receive the online state of a device's user: chats, and the users whom the user follows. */
export const presenceAudience = (
  rooms: Iterable<string>,
  { unseen }: Pick<SubscriptionSnapshot, 'unseen'>,
): string[] =>
  [...rooms].flatMap((room) => {
    if (room.startsWith(FOLLOWED)) return [userRoom(room.slice(FOLLOWED.length))];
    return room.startsWith(chatRoom('')) && !unseen.has(room) ? [room] : [];
  });
