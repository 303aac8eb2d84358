import { chatRoom, followersRoom, userRoom } from '#platform';
import { Memberships } from '#chat';
import { Relationships } from '#social';
import { Injectable } from '@nestjs/common';
import { userOf, type DeviceSocket, type SubscriptionSnapshot } from '../connections/device-socket.js';
import type { BufferingAdapter } from './buffering-adapter.js';

/** What the user's devices hear, beside what is meant for the user or the session. */
@Injectable()
export class SubscriptionLoader {
  /** When somebody was moved last, in ms of `performance.now()`. */
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
    return { rooms: [...chatIds.map(chatRoom), ...related], unseen: unseen.map(chatRoom) };
  }

  async load(userId: string): Promise<SubscriptionSnapshot> {
    const at = performance.now();
    return { ...(await this.of(userId)), at };
  }

  /** Somebody was put into rooms, out of them or signed out: whoever is entering meanwhile looks once more. */
  invalidate(): void {
    this.invalidatedAt = performance.now();
  }

  /** Whether a move since then may have found no device to be moved. */
  isStale({ at }: SubscriptionSnapshot): boolean {
    return this.invalidatedAt >= at;
  }

  /**
   * Puts a device where it belongs, whatever it has missed. Those that ask later are answered later (`Batcher`), so that
   * no older answer undoes a newer one's.
   */
  async refresh(socket: DeviceSocket): Promise<{ audience: string[]; hasMissed: boolean }> {
    const snapshot = await this.load(userOf(socket).userId);
    if (!socket.connected) return { audience: [], hasMissed: false };
    const { rooms, hasMissed } = (socket.nsp.adapter as BufferingAdapter).resolve(socket, snapshot);
    socket.data.openedAt ??= performance.now();
    return { audience: presenceAudience(rooms, snapshot), hasMissed };
  }
}

const FOLLOWED = followersRoom('');

/** Of a device's rooms, those in whose names others hear that its user comes and goes: chats, and whom it follows. */
export const presenceAudience = (
  rooms: Iterable<string>,
  { unseen }: Pick<SubscriptionSnapshot, 'unseen'>,
): string[] =>
  [...rooms].flatMap((room) => {
    if (room.startsWith(FOLLOWED)) return [userRoom(room.slice(FOLLOWED.length))];
    return room.startsWith(chatRoom('')) && !unseen.includes(room) ? [room] : [];
  });
