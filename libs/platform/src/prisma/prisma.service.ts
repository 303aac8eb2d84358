import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import { Pool } from 'pg';
import { READS } from '../limits/budgets/index.js';
import { Config } from '../config/config.js';
import { logger } from '../observability/logging.js';
import { PrismaClient } from './generated/client.js';

/**
 * The connections that Prisma and the chat's hot path share. No statement, lock wait or idle transaction
 * outlives its limit, so a stuck database turns into UNAVAILABLE instead of a pile of waiting requests.
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
 * Connections for sends alone: they do not wait behind a crowd of anything else. A send reaches every row by its
 * key, so its plan, which is kept, must not read a whole table because that was short when the plan was made.
 */
@Injectable()
export class SendPool extends PgPool {
  constructor(config: Config) {
    super(config);
    this.options.max = 2;
    this.options.options += ' -c enable_seqscan=off';
  }
}

/** Connections for searches alone: whatever is searched, everything else has the others. */
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
