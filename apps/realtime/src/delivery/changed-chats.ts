import { MAX_RECEIPT_MEMBERS } from '#contracts';
import { ChatViews, type SharedView } from '#chat';
import { WORK, logger, chatRoom, userRoom } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Namespace } from 'socket.io';
import { PacketType } from 'socket.io-parser';
import type { DeviceAdapter } from './device-adapter.js';
import { userOf, type DeviceSocket } from '../connections/device-socket.js';
import type { BufferingAdapter } from './buffering-adapter.js';

/**
 * Minimum time between two updates of a chat, ms; longer with more than 32 members. Changes meanwhile are shown
 * together.
 */
const { most: REST_MS } = WORK.chatUpdates;
/** Delay after a chat could not be shown, ms. */
const RETRY_MS = 1000;
/** Concurrent reads. Large chats take long, so they do not delay small ones. */
const { most: AT_ONCE } = WORK.chatViews;

type Size = keyof typeof REST_MS;

/**
 * Shows changed chats (`chat:updated`) to the members connected to this node, each as they see it. Only a few chats are
 * read at once, and each at a limited rate, so many changes of large groups take one database connection.
 */
@Injectable()
export class ChangedChats implements OnModuleDestroy {
  /** Rooms of chats that are due, each with the rooms of excluded users. */
  private readonly due = { small: new Map<string, Set<string>>(), large: new Map<string, Set<string>>() };
  private readonly running = { small: new Set<Promise<void>>(), large: new Set<Promise<void>>() };
  /** Chats that are being shown, or were shown recently, with the next change, if any. */
  private readonly resting = new Map<string, { timer?: NodeJS.Timeout; except?: Set<string> }>();
  private isFailing = false;
  private isClosed = false;
  private namespaces: Namespace[] = [];

  constructor(private readonly views: ChatViews) {}

  /** The events of the first namespace stand for all of these namespaces. */
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

  /** By the number of devices that receive it. */
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

  /** @returns the size of the chat */
  private async show(room: string, except: Set<string>): Promise<Size> {
    const devices = this.devicesIn(room, except);
    let members = 0;
    if (devices.size > 0)
      for await (const view of this.views.ofMembers(chatOf(room), [...devices.keys()])) {
        this.showView(room, view, devices);
        members = view.chat.member_count;
      }
    return members > MAX_RECEIPT_MEMBERS ? 'large' : 'small';
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

  /** By user. */
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

/** The users whom both changes exclude. */
const both = (known: Set<string> | undefined, more: Set<string>) =>
  known ? new Set([...known].filter((room) => more.has(room))) : more;
