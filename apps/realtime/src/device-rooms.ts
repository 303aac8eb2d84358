import { chatRoom, cutRoom, followersRoom, friendsRoom, userRoom } from '#contracts';
import { Memberships } from '#chat';
import { Ties } from '#social';
import { Injectable } from '@nestjs/common';
import { userOf, type DeviceSocket, type LookUp } from './device-socket.js';

/** Names of rooms that say what is in the database, and which of a user's devices change with that. */
const STORED = [chatRoom, followersRoom, friendsRoom, cutRoom].map((room) => room(''));

/** What the user's devices hear, beside what is meant for the user or the session. */
@Injectable()
export class DeviceRooms {
  private moves = 0;

  constructor(
    private readonly memberships: Memberships,
    private readonly ties: Ties,
  ) {}

  async of(userId: string): Promise<string[]> {
    const [chatIds, ties] = await Promise.all([
      this.memberships.chatIdsOf(userId),
      this.ties.roomsOf(userId),
    ]);
    return [...chatIds.map(chatRoom), ...ties];
  }

  /** For a device that is in none yet. */
  async find(userId: string): Promise<LookUp> {
    const { moves } = this;
    return { rooms: await this.of(userId), moves };
  }

  /** Somebody was put into rooms, out of them or signed out: whoever is entering meanwhile looks once more. */
  moved(): void {
    this.moves++;
  }

  /** Whether a move since then may have found no device to be moved. */
  isOutdated({ moves }: LookUp): boolean {
    return moves !== this.moves;
  }

  /** Puts a device where it belongs, whatever it has missed. @returns its rooms */
  async enter(socket: DeviceSocket): Promise<Set<string>> {
    const { userId } = userOf(socket);
    const before = [...socket.rooms].filter((room) => STORED.some((name) => room.startsWith(name)));
    const found = await this.find(userId);
    if (!socket.connected) return new Set();
    await socket.join(found.rooms);
    socket.data.openedAt ??= performance.now();
    // A removal between the answer and the joining has found no room to be left: look once more.
    const current = new Set(this.isOutdated(found) ? await this.of(userId) : found.rooms);
    for (const room of [...before, ...found.rooms]) if (!current.has(room)) await socket.leave(room);
    return current;
  }
}

const FOLLOWED = followersRoom('');

/** Of a device's rooms, those in whose names others hear that its user comes and goes: chats, and whom it follows. */
export const toBeTold = (rooms: Iterable<string>): string[] =>
  [...rooms].flatMap((room) => {
    if (room.startsWith(FOLLOWED)) return [userRoom(room.slice(FOLLOWED.length))];
    return room.startsWith(chatRoom('')) ? [room] : [];
  });
