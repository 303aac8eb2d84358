import { Injectable } from '@nestjs/common';
import { WORK } from './budgets/index.js';
import { Metrics } from '../observability/metrics.js';
import { KeyedLimiter } from '../concurrency/keyed-limiter.js';

/** Limits the concurrent writes of a user, in order of arrival: over REST, by events and to the assistant. */
@Injectable()
export class UserWrites extends KeyedLimiter {
  constructor(metrics: Metrics) {
    super(WORK.writesAtOnce.most, () => metrics.refuse(WORK.writesAtOnce));
  }
}
