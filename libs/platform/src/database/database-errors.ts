import { AppError } from '#contracts';
import { logger } from '../observability/logging.js';
import { DependencyUnavailable } from '../concurrency/time-limit.js';

/** Node's network errors and SQLSTATE classes which mean: the database is unreachable, too slow, or full. */
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
const SQL_UNAVAILABLE = /^(08|53|57)|^(55P03|25P03|25006)$/;
const PRISMA_UNAVAILABLE = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028']);
const DRIVER_MESSAGES =
  /connection terminated|timeout exceeded|query read timeout|not queryable|after calling end|can't reach database/i;
/** Errors of the Redis client have only a message, without a code. */
const REDIS_MESSAGES = /^(Command timed out|Connection is closed|Stream isn't writeable)/;
/** The names that Prisma's driver adapter gives them. */
const ADAPTER_KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
]);

type Cause = {
  kind?: unknown;
  code?: unknown;
  originalCode?: unknown;
  message?: unknown;
  cause?: unknown;
  meta?: unknown;
  driverAdapterError?: unknown;
};

function* chain(error: unknown): Generator<Cause> {
  for (let current = error, depth = 0; current && typeof current === 'object' && depth < 6; depth++) {
    const cause = current as Cause;
    yield cause;
    const meta = cause.meta as Cause | undefined;
    current = cause.cause ?? cause.driverAdapterError ?? meta?.driverAdapterError;
  }
}

/** Whether the database was unavailable (down, restarting, too slow): the caller may retry. */
export function isDatabaseUnavailable(error: unknown): boolean {
  for (const { kind, code, originalCode, message } of chain(error)) {
    if (typeof kind === 'string' && ADAPTER_KINDS.has(kind)) return true;
    for (const c of [code, originalCode]) {
      if (typeof c !== 'string') continue;
      if (NETWORK.has(c) || SQL_UNAVAILABLE.test(c) || PRISMA_UNAVAILABLE.has(c)) return true;
    }
    if (typeof message === 'string' && DRIVER_MESSAGES.test(message)) return true;
  }
  return false;
}

function isRedisUnavailable(error: unknown): boolean {
  return error instanceof Error && REDIS_MESSAGES.test(error.message);
}

/** SQLSTATE 23505, also when Prisma wrapped it. */
export function isUniqueViolation(error: unknown): boolean {
  for (const { code, originalCode } of chain(error)) {
    if (code === '23505' || originalCode === '23505' || code === 'P2002') return true;
  }
  return false;
}

/** Interval of repeated log lines about the same unavailability, ms. */
const REPEAT_MS = 10_000;
/** The number of occurrences per cause since it was logged. The keys are codes and our own messages. */
const logged = new Map<string, number>();

/** Logs one line per cause, and another after 10 s if it continues: every request may cause it. */
function logUnavailable(error: object): void {
  const causes = [...chain(error)].filter(({ message }) => typeof message === 'string');
  const { code, message } = causes.at(-1) ?? {};
  const key = error instanceof AppError ? error.message : String(code);
  const times = logged.get(key);
  logged.set(key, (times ?? 0) + 1);
  if (times !== undefined) return;
  logger.warn({ err: message, code }, 'dependency unavailable');
  setTimeout(() => {
    const more = logged.get(key)! - 1;
    logged.delete(key);
    if (more > 0) logger.warn({ err: message, code, times: more }, 'dependency unavailable again');
  }, REPEAT_MS).unref();
}

/**
 * Converts any error to one for clients: an AppError stays, anything else becomes INTERNAL or UNAVAILABLE without
 * details. Logs the cause of an unavailable dependency. Metrics count refusals.
 */
export function toAppError(error: unknown): AppError {
  const known = answerTo(error);
  if (known instanceof DependencyUnavailable) logUnavailable(error as object);
  return known;
}

function answerTo(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isDatabaseUnavailable(error) || isRedisUnavailable(error)) return new DependencyUnavailable();
  return new AppError('INTERNAL', 'Internal error');
}
