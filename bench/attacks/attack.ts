import type { Client as Database } from 'pg';

/** Nobody but the attack uses the account. */
export interface Account {
  id: string;
  email: string;
  token: string;
}

export interface Scene<Data = unknown> {
  /** Where REST is. */
  api: string;
  /** Where sockets are. */
  realtime: string;
  /** All in one group, whose first is its owner. */
  attackers: Account[];
  group: string;
  data: Data;
}

/** Counts the units that an attack has made, and those that the server refused or closed. */
export class Tally {
  made = 0;
  refused = 0;

  /** @param status of an answer; 0 when the connection was closed instead */
  answered(status: number): void {
    this.made += 1;
    // A wrong password is answered, not refused.
    if (status === 0 || (status >= 400 && status !== 401)) this.refused += 1;
  }
}

export interface Attack<Data = unknown> {
  name: string;
  /** Names the units that are counted. */
  what: string;
  /** Honest users sign in meanwhile, too. */
  onSignIn?: true;
  /** Fills the tables; what it returns comes to `run` as `data`. */
  prepare?(db: Database, scene: Omit<Scene, 'data'>, honest: { emails: string[] }): Promise<Data>;
  /** In a process of its own, which ends after it with all of its connections. */
  run(scene: Scene<Data>, tally: Tally, isOver: () => boolean): Promise<void>;
}
