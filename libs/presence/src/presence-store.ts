/** Who has a device connected, anywhere. */
export interface PresenceStore {
  /** That a device is there. @returns whether its user was away before, as soon as that is known */
  enter(userId: string, deviceId: string): Promise<boolean>;
  /** That a device is gone. Its user is away when no other one has been there for the grace time. */
  leave(userId: string, deviceId: string): Promise<void>;
  /** Which of these users are not away. */
  present(userIds: string[]): Promise<Set<string>>;
  /** How many users are not away. */
  count(): Promise<number>;
  /** Calls the listener once for each user who goes away, on one node, with when their last device was seen. */
  onOffline(listener: (userId: string, at: Date) => void): void;
  /** Calls the listener for each user with a device here who had been away although it was: its node was cut off. */
  onOnlineAgain(listener: (userId: string) => void): void;
  /** This node is going. @returns the users who had devices on it */
  close(): Promise<string[]>;
}
