import { chatRoom, cutRoom, followersRoom, friendsRoom, userRoom } from '#contracts';
import { Memberships } from '#chat';
import { Ties } from '#social';
import { Injectable } from '@nestjs/common';
import { userOf, type DeviceSocket } from './device-socket.js';

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

  /** Somebody was put into rooms, or out of them: whoever is entering meanwhile looks once more. */
  moved(): void {
    this.moves++;
  }

  /** Puts a device where it belongs, whatever it has missed. @returns its rooms */
  async enter(socket: DeviceSocket): Promise<Set<string>> {
    const { userId } = userOf(socket);
    const before = [...socket.rooms].filter((room) => STORED.some((name) => room.startsWith(name)));
    const { moves } = this;
    const found = await this.of(userId);
    if (!socket.connected) return new Set();
    await socket.join(found);
    socket.data.openedAt ??= performance.now();
    // A removal between the answer and the joining has found no room to be left: look once more.
    const current = new Set(this.moves === moves ? found : await this.of(userId));
    for (const room of [...before, ...found]) if (!current.has(room)) await socket.leave(room);
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
