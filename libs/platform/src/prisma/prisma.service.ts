import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import { Pool } from 'pg';
import { READS } from '../limits/budgets/index.js';
import { Config } from '../config/config.js';
import { logger } from '../observability/logging.js';
import { PrismaClient } from './generated/client.js';

/**
 * The connections that Prisma and the message writer share. Statements, lock waits and idle transactions have timeouts,
 * so a stalled database leads to UNAVAILABLE instead of a growing queue of requests.
 */
@Injectable()
export class PgPool extends Pool implements OnApplicationShutdown {
  constructor(config: Config) {
    super({
      connectionString: config.DATABASE_URL,
      application_name: 'service-platform',
      max: 20,
      connectionTimeoutMillis: 3000,
      query_timeout: 8000,
      keepAlive: true,
      options:
        '-c statement_timeout=5000 -c lock_timeout=4000 -c idle_in_transaction_session_timeout=10000 -c jit=off -c TimeZone=UTC',
    });
    this.on('error', (err) => {
      // The database may end connections that are being closed.
      if (!this.ending) logger.warn({ err: err.message }, 'database connection lost');
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.end();
  }
}

/**
 * Connections only for sends, which so do not wait behind other work. A send finds every row by its key. Its plan is
 * kept, and must not scan a table that was small when the plan was made.
 */
@Injectable()
export class SendPool extends PgPool {
  constructor(config: Config) {
    super(config);
    this.options.max = 2;
    this.options.options += ' -c enable_seqscan=off';
  }
}

/**
 * Connections only for the views of chats. To plan these statements takes longer than to run them, so their plans are
 * kept. They find every row by its key, too.
 */
@Injectable()
export class ViewPool extends PgPool {
  constructor(config: Config) {
    super(config);
    this.options.max = 6;
    this.options.options += ' -c enable_seqscan=off -c plan_cache_mode=force_generic_plan';
  }
}

/** Connections only for searches, which so do not block other work. */
@Injectable()
export class SearchPool extends PgPool {
  constructor(config: Config) {
    super(config);
    this.options.max = READS.searchConnections.most.connections;
    this.options.options += ` -c statement_timeout=${READS.searchTime.most}`;
  }
}

@Injectable()
export class PrismaService extends PrismaClient {
  constructor(pool: PgPool) {
    super({ adapter: new PrismaPg(pool), transactionOptions: { maxWait: 3000, timeout: 8000 } });
  }
}
