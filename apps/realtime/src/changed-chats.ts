import { MAX_RECEIPT_MEMBERS, chatRoom, userRoom } from '#contracts';
import { ChatViews, type SharedView } from '#chat';
import { WORK, logger } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Namespace } from 'socket.io';
import { PacketType } from 'socket.io-parser';
import { setImmediate as others, setTimeout as sleep } from 'node:timers/promises';
import type { DeviceAdapter } from './device-adapter.js';
import { userOf, type DeviceSocket } from './device-socket.js';
import type { HoldingAdapter } from './holding-adapter.js';

/** How long a chat rests after it was shown, ms: one of more than 32 longer. Changes meanwhile are shown together. */
const { most: REST_MS } = WORK.chatUpdates;
/** Views that are shown before others have their turn. */
const VIEWS_AT_ONCE = 10;
/** How long to wait after a failure of the database, ms. */
const RETRY_MS = 1000;

/**
 * Shows changed chats (`chat:updated`) to the members who are connected to this node, each as they see it. One chat after
 * the other, and each only so often: a crowd that changes large groups has one connection of the database.
 */
@Injectable()
export class ChangedChats implements OnModuleDestroy {
  /** Rooms of chats that are to be shown, each with the rooms of the users who are told otherwise. */
  private readonly due = new Map<string, Set<string>>();
  /** Those that are being shown, or were a moment ago, with the change since, if there was one. */
  private readonly resting = new Map<string, { timer?: NodeJS.Timeout; except?: Set<string> }>();
  private running?: Promise<void>;
  private isClosed = false;
  private namespaces: Namespace[] = [];

  constructor(private readonly views: ChatViews) {}

  /** Of these namespaces, the first one is told for all. */
  watch(namespaces: Namespace[]): void {
    this.namespaces = namespaces;
    (namespaces[0]!.adapter as DeviceAdapter).onChatChanged = (room, except) => this.note(room, except);
  }

  onModuleDestroy(): Promise<void> | undefined {
    this.isClosed = true;
    for (const { timer } of this.resting.values()) clearTimeout(timer);
    this.due.clear();
    return this.running;
  }

  private note(room: string, except: Set<string>): void {
    if (this.isClosed || !this.namespaces.some(({ adapter }) => adapter.rooms.has(room))) return;
    const resting = this.resting.get(room);
    if (resting) resting.except = both(resting.except, except);
    else {
      this.due.set(room, both(this.due.get(room), except));
      this.start();
    }
  }

  private start(): void {
    if (this.due.size === 0) return;
    this.running ??= this.showAll().finally(() => {
      this.running = undefined;
      this.start();
    });
  }

  private async showAll(): Promise<void> {
    for (const [room, except] of this.due) {
      this.due.delete(room);
      const resting: { timer?: NodeJS.Timeout } = {};
      this.resting.set(room, resting);
      let size: keyof typeof REST_MS = 'small';
      try {
        size = await this.show(room, except);
      } catch (err) {
        if (this.isClosed) return;
        logger.warn({ err: (err as Error).message }, 'changed chats not shown yet');
        this.note(room, except);
        await sleep(RETRY_MS, undefined, { ref: false });
      }
      resting.timer = setTimeout(() => this.endRest(room), REST_MS[size]).unref();
    }
  }

  private endRest(room: string): void {
    const except = this.resting.get(room)?.except;
    this.resting.delete(room);
    if (except) this.note(room, except);
  }

  /** @returns how large the chat is */
  private async show(room: string, except: Set<string>): Promise<keyof typeof REST_MS> {
    const devices = this.devicesIn(room, except);
    const views = devices.size > 0 ? await this.views.ofMembers(chatOf(room), [...devices.keys()]) : [];
    for (const [i, view] of views.entries()) {
      if (i > 0 && i % VIEWS_AT_ONCE === 0) await others();
      this.showView(room, view, devices);
    }
    return (views[0]?.chat.member_count ?? 0) > MAX_RECEIPT_MEMBERS ? 'large' : 'small';
  }

  private showView(room: string, { chat, userIds }: SharedView, devices: Map<string, DeviceSocket[]>): void {
    const sockets = userIds.flatMap((id) => devices.get(id) ?? []);
    for (const nsp of this.namespaces)
      (nsp.adapter as HoldingAdapter).showIn(
        room,
        sockets.filter((socket) => socket.nsp === nsp),
        { type: PacketType.EVENT, data: ['chat:updated', chat] },
      );
  }

  /** By users. */
  private devicesIn(room: string, except: Set<string>): Map<string, DeviceSocket[]> {
    const devices = new Map<string, DeviceSocket[]>();
    for (const { adapter, sockets } of this.namespaces)
      for (const id of adapter.rooms.get(room) ?? []) {
        const socket = sockets.get(id) as DeviceSocket | undefined;
        if (!socket) continue;
        const { userId } = userOf(socket);
        if (!except.has(userRoom(userId))) devices.set(userId, [...(devices.get(userId) ?? []), socket]);
      }
    return devices;
  }
}

const chatOf = (room: string) => room.slice(chatRoom('').length);

/** Two changes except the users whom both of them except. */
const both = (known: Set<string> | undefined, more: Set<string>) =>
  known ? new Set([...known].filter((room) => more.has(room))) : more;
