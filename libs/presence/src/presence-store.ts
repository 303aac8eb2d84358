/** The users with a device connected to any node. */
export interface PresenceStore {
  /** Adds a device. @returns whether its user was offline before, as soon as that is known */
  enter(userId: string, deviceId: string): Promise<boolean>;
  /** Removes a device. Its user is offline when no other device was connected for the grace time. */
  leave(userId: string, deviceId: string): Promise<void>;
  /** The users among these who are online. */
  present(userIds: string[]): Promise<Set<string>>;
  /** The number of online users. */
  count(): Promise<number>;
  /**
   * Calls the listener once per user who goes offline, on one of the nodes that listen, with the time when the last
   * device was seen.
   */
  onOffline(listener: (userId: string, at: Date) => void): void;
  /**
   * Calls the listener for each connected user who was taken as offline: this node could not renew its leases in time.
   */
  onOnlineAgain(listener: (userId: string) => void): void;
  /** Called when this node stops. @returns the users who had devices on it */
  close(): Promise<string[]>;
}
