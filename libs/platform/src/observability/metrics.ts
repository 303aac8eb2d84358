import { Injectable } from '@nestjs/common';
import { remembered } from '../concurrency/remembered.js';
import type { Budget } from '../limits/budgets/index.js';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** The metrics of clients and connections, and the default metrics of the process. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  private readonly ofProcess = new Registry();
  /** It looks at every handle and file: 14 ms with 8,000 connections, in which nothing else runs. */
  private readonly processText = remembered(() => this.ofProcess.metrics());

  readonly messages = new Counter({
    name: 'websocket_messages_total',
    help: 'Client events handled, by event and outcome (ok or an error code)',
    labelNames: ['event', 'status'],
    registers: [this.registry],
  });
  readonly latency = new Histogram({
    name: 'websocket_message_latency_seconds',
    help: 'Time from the arrival of a client event to its acknowledgement',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 2, 5],
    registers: [this.registry],
  });
  readonly connections = new Gauge({
    name: 'websocket_connections',
    help: 'Connected sockets',
    registers: [this.registry],
  });
  readonly reconnections = new Counter({
    name: 'websocket_reconnections_total',
    help: 'Reconnections of sessions',
    registers: [this.registry],
  });
  readonly slowConsumers = new Counter({
    name: 'websocket_cut_off_total',
    help: 'Connections closed because the device did not read its data',
    registers: [this.registry],
  });
  readonly errors = new Counter({
    name: 'websocket_errors_total',
    help: 'Errors sent to clients, by code',
    labelNames: ['code'],
    registers: [this.registry],
  });
  readonly timeouts = new Counter({
    name: 'http_timeouts_total',
    help: 'HTTP connections closed because a request, or reading its answer, took too long',
    labelNames: ['phase'],
    registers: [this.registry],
  });
  readonly refused = new Counter({
    name: 'budget_refusals_total',
    help: 'Refusals because a budget was used up, by budget (docs/limits.md)',
    labelNames: ['budget'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.ofProcess });
  }

  /** All metrics in the format of Prometheus. */
  async text(): Promise<string> {
    const texts = await Promise.all([this.registry.metrics(), this.processText()]);
    return texts.join('');
  }

  refuse({ refused }: Pick<Budget, 'refused'>, times = 1): void {
    this.refused.inc({ budget: refused }, times);
  }
}
