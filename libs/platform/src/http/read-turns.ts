import { Injectable } from '@nestjs/common';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Metrics } from '../metrics.js';
import { unavailable } from '../time-limit.js';
import { Turns } from '../turns.js';

/** Reads of one reader, of which each process has so many. */
const OF_ONE = { atOnce: 8, waiting: 200 };

/** However many reads one sends at once, a few of them are answered at a time, until the client has the answer. */
@Injectable()
export class ReadTurns {
  private readonly turns: Turns;

  constructor(metrics: Metrics) {
    this.turns = new Turns(OF_ONE, () => metrics.refused.inc({ budget: 'reads at once' }));
  }

  /**
   * @param reader a user's id, or the network of somebody who has not signed in
   * @throws AppError RATE_LIMIT when too many wait, UNAVAILABLE when the client is gone
   */
  wait(reader: string, answer: ServerResponse): Promise<void> {
    return new Promise((resolve, reject) => {
      const untilAnswered = async () => {
        if (answer.destroyed) throw unavailable('The client is gone');
        resolve();
        await once(answer, 'close');
      };
      this.turns.run(reader, untilAnswered).catch(reject);
    });
  }
}
