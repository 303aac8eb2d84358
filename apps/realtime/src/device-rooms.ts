import { chatRoom, followersRoom, userRoom } from '#contracts';
import { Memberships } from '#chat';
import { Ties } from '#social';
import { Injectable } from '@nestjs/common';
import { userOf, type DeviceSocket, type LookUp } from './device-socket.js';
import type { HoldingAdapter } from './holding-adapter.js';

/** What the user's devices hear, beside what is meant for the user or the session. */
@Injectable()
export class DeviceRooms {
  /** When somebody was moved last, in ms of `performance.now()`. */
  private movedAt = -Infinity;

  constructor(
    private readonly memberships: Memberships,
    private readonly ties: Ties,
  ) {}

  private async of(userId: string): Promise<Omit<LookUp, 'at'>> {
    const [{ chatIds, unseen }, ties] = await Promise.all([
      this.memberships.chatIdsOf(userId),
      this.ties.roomsOf(userId),
    ]);
    return { rooms: [...chatIds.map(chatRoom), ...ties], unseen: unseen.map(chatRoom) };
  }

  async find(userId: string): Promise<LookUp> {
    const at = performance.now();
    return { ...(await this.of(userId)), at };
  }

  /** Somebody was put into rooms, out of them or signed out: whoever is entering meanwhile looks once more. */
  moved(): void {
    this.movedAt = performance.now();
  }

  /** Whether a move since then may have found no device to be moved. */
  isOutdated({ at }: LookUp): boolean {
    return this.movedAt >= at;
  }

  /**
   * Puts a device where it belongs, whatever it has missed. Those that ask later are answered later (`Batcher`), so that
   * no older answer undoes a newer one's.
   */
  async enter(socket: DeviceSocket): Promise<{ told: string[]; hasMissed: boolean }> {
    const found = await this.find(userOf(socket).userId);
    if (!socket.connected) return { told: [], hasMissed: false };
    const { rooms, hasMissed } = (socket.nsp.adapter as HoldingAdapter).settle(socket, found);
    socket.data.openedAt ??= performance.now();
    return { told: toBeTold(rooms, found), hasMissed };
  }
}

const FOLLOWED = followersRoom('');

/** Of a device's rooms, those in whose names others hear that its user comes and goes: chats, and whom it follows. */
export const toBeTold = (rooms: Iterable<string>, { unseen }: Pick<LookUp, 'unseen'>): string[] =>
  [...rooms].flatMap((room) => {
    if (room.startsWith(FOLLOWED)) return [userRoom(room.slice(FOLLOWED.length))];
    return room.startsWith(chatRoom('')) && !unseen.includes(room) ? [room] : [];
  });
