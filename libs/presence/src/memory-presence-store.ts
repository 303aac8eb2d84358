import type { PresenceStore } from './presence-store.js';

/** The store of a single process. */
export class MemoryPresenceStore implements PresenceStore {
  private readonly devices = new Map<string, Set<string>>();
  private readonly leaving = new Map<string, NodeJS.Timeout>();
  private notifyOffline: (userId: string, at: Date) => void = () => undefined;

  constructor(private readonly graceMs: number) {}

  enter(userId: string, deviceId: string): Promise<boolean> {
    const devices = this.devices.get(userId);
    if (devices) {
      devices.add(deviceId);
      return Promise.resolve(false);
    }
    this.devices.set(userId, new Set([deviceId]));
    const wasLeaving = this.leaving.get(userId);
    clearTimeout(wasLeaving);
    this.leaving.delete(userId);
    return Promise.resolve(!wasLeaving);
  }

  leave(userId: string, deviceId: string): Promise<void> {
    const devices = this.devices.get(userId);
    if (!devices?.delete(deviceId) || devices.size > 0) return Promise.resolve();
    this.devices.delete(userId);
    const at = new Date();
    const away = () => {
      this.leaving.delete(userId);
      this.notifyOffline(userId, at);
    };
    this.leaving.set(userId, setTimeout(away, this.graceMs));
    return Promise.resolve();
  }

  present(userIds: string[]): Promise<Set<string>> {
    return Promise.resolve(new Set(userIds.filter((id) => this.devices.has(id) || this.leaving.has(id))));
  }

  count(): Promise<number> {
    return Promise.resolve(this.devices.size + this.leaving.size);
  }

  onOffline(listener: (userId: string, at: Date) => void): void {
    this.notifyOffline = listener;
  }

  /** Never called: a connected user is never offline here. */
  onOnlineAgain(): void {}

  close(): Promise<string[]> {
    for (const timer of this.leaving.values()) clearTimeout(timer);
    return Promise.resolve([...this.devices.keys(), ...this.leaving.keys()]);
  }
}
