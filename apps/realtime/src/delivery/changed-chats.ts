import { MAX_RECEIPT_MEMBERS } from '#contracts';
import { ChatViews, type SharedView } from '#chat';
import { WORK, logger, chatRoom, userRoom } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Namespace } from 'socket.io';
import { PacketType } from 'socket.io-parser';
import { setImmediate as others } from 'node:timers/promises';
import type { DeviceAdapter } from './device-adapter.js';
import { userOf, type DeviceSocket } from '../connections/device-socket.js';
import type { BufferingAdapter } from './buffering-adapter.js';

/** How long a chat rests after it was shown, ms: one of more than 32 longer. Changes meanwhile are shown together. */
const { most: REST_MS } = WORK.chatUpdates;
/** Views that are shown before others have their turn. */
const VIEWS_AT_ONCE = 10;
/** How long a chat rests that could not be shown, ms. */
const RETRY_MS = 1000;
/** Looks at once. A large chat takes long: it does not keep the small ones waiting. */
const { most: AT_ONCE } = WORK.chatViews;

type Size = keyof typeof REST_MS;

/**
 * Shows changed chats (`chat:updated`) to the members who are connected to this node, each as they see it. A few chats at
 * once, and each only so often: a crowd that changes large groups has one connection of the database.
 */
@Injectable()
export class ChangedChats implements OnModuleDestroy {
  /** Rooms of chats that are to be shown, each with the rooms of the users who are told otherwise. */
  private readonly due = { small: new Map<string, Set<string>>(), large: new Map<string, Set<string>>() };
  private readonly running = { small: new Set<Promise<void>>(), large: new Set<Promise<void>>() };
  /** Those that are being shown, or were a moment ago, with the change since, if there was one. */
  private readonly resting = new Map<string, { timer?: NodeJS.Timeout; except?: Set<string> }>();
  private isFailing = false;
  private isClosed = false;
  private namespaces: Namespace[] = [];

  constructor(private readonly views: ChatViews) {}

  /** Of these namespaces, the first one is told for all. */
  watch(namespaces: Namespace[]): void {
    this.namespaces = namespaces;
    (namespaces[0]!.adapter as DeviceAdapter).onChatChanged = (room, except) => this.add(room, except);
  }

  async onModuleDestroy(): Promise<void> {
    this.isClosed = true;
    for (const { timer } of this.resting.values()) clearTimeout(timer);
    for (const due of Object.values(this.due)) due.clear();
    await Promise.all([...this.running.small, ...this.running.large]);
  }

  private add(room: string, except: Set<string>): void {
    if (this.isClosed || !this.namespaces.some(({ adapter }) => adapter.rooms.has(room))) return;
    const resting = this.resting.get(room);
    if (resting) resting.except = both(resting.except, except);
    else {
      const size =
        this.due.large.has(room) || !(this.due.small.has(room) || this.isSmall(room)) ? 'large' : 'small';
      this.due[size].set(room, both(this.due[size].get(room), except));
      this.start(size);
    }
  }

  /** By the devices that it is shown to. */
  private isSmall(room: string): boolean {
    const sizes = this.namespaces.map(({ adapter }) => adapter.rooms.get(room)?.size ?? 0);
    return sizes.reduce((sum, size) => sum + size, 0) <= MAX_RECEIPT_MEMBERS;
  }

  private start(size: Size): void {
    const [due, running] = [this.due[size], this.running[size]];
    for (const [room, except] of due) {
      if (running.size >= AT_ONCE[size]) return;
      due.delete(room);
      const showing = this.showOnce(room, except).finally(() => {
        running.delete(showing);
        this.start(size);
      });
      running.add(showing);
    }
  }

  private async showOnce(room: string, except: Set<string>): Promise<void> {
    const resting: { timer?: NodeJS.Timeout } = {};
    this.resting.set(room, resting);
    let rest = RETRY_MS;
    try {
      rest = REST_MS[await this.show(room, except)];
      this.isFailing = false;
    } catch (err) {
      if (!this.isFailing)
        logger.warn({ err: (err as Error).message }, 'showing changed chats failed, retrying');
      this.isFailing = true;
      this.add(room, except);
    }
    if (!this.isClosed) resting.timer = setTimeout(() => this.endRest(room), rest).unref();
  }

  private endRest(room: string): void {
    const except = this.resting.get(room)?.except;
    this.resting.delete(room);
    if (except) this.add(room, except);
  }

  /** @returns how large the chat is */
  private async show(room: string, except: Set<string>): Promise<Size> {
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
      (nsp.adapter as BufferingAdapter).sendTo(
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
