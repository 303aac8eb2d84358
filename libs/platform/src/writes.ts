import { Injectable } from '@nestjs/common';
import { Metrics } from './metrics.js';
import { Turns } from './turns.js';

/** Writes of a user in a process: more would only wait for each other, and keep others from the database. */
const OF_ONE = { atOnce: 4, waiting: 1000 };

/** Lets a few writes of a user in at a time, in the order they came: over REST, by events and to the assistant. */
@Injectable()
export class Writes extends Turns {
  constructor(metrics: Metrics) {
    super(OF_ONE, () => metrics.refused.inc({ budget: 'writes at once' }));
  }
}
