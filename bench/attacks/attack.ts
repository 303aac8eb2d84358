import type { Client as Database } from 'pg';

/** An account that only the attack uses. */
export interface Account {
  id: string;
  email: string;
  token: string;
}

export interface Scene<Data = unknown> {
  /** The address of REST. */
  api: string;
  /** The address of sockets. */
  realtime: string;
  /** All members of one group, which the first of them owns. */
  attackers: Account[];
  group: string;
  data: Data;
}

/** Counts the units of an attack, and those that the server refused or closed. */
export class Tally {
  made = 0;
  refused = 0;

  /** @param status of an answer; 0 when the connection was closed instead */
  answered(status: number): void {
    this.made += 1;
    // A wrong password counts as answered.
    if (status === 0 || (status >= 400 && status !== 401)) this.refused += 1;
  }
}

export interface Attack<Data = unknown> {
  name: string;
  /** The name of the counted units. */
  what: string;
  /** Honest users also sign in during this attack. */
  onSignIn?: true;
  /** Fills the tables. `run` receives its result as `data`. */
  prepare?(db: Database, scene: Omit<Scene, 'data'>, honest: { emails: string[] }): Promise<Data>;
  /** Runs in a separate process, which ends afterwards with all of its connections. */
  run(scene: Scene<Data>, tally: Tally, isOver: () => boolean): Promise<void>;
}
