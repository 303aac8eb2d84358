import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';

/**
 * One JSON object a line on stdout, with `request_id` or `socket_id` where it is about one. Message contents and
 * tokens are never passed to it. No AsyncLocalStorage carries the ids: it would make every promise slower.
 */
export const logger: Logger = pino({
  level: 'info',
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  // A database error's details quote the row, and with it what people wrote.
  serializers: {
    err: (err: unknown) =>
      err instanceof Error
        ? { type: err.name, message: err.message, code: (err as { code?: unknown }).code, stack: err.stack }
        : err,
  },
  formatters: { level: (label) => ({ level: label }) },
});

/** Nest's own start-up chatter is worth a line only to those who debug. */
const CHATTER =
  /^(NestFactory|InstanceLoader|RoutesResolver|RouterExplorer|WebSocketsController|NestApplication)$/;

/** Nest's log lines through the same logger. */
export class NestLogger implements LoggerService {
  log(message: unknown, name?: string) {
    logger[name && CHATTER.test(name) ? 'debug' : 'info']({ name }, String(message));
  }
  warn(message: unknown, name?: string) {
    logger.warn({ name }, String(message));
  }
  error(message: unknown, ...rest: unknown[]) {
    logger.error({ name: rest.at(-1), err: message instanceof Error ? message : undefined }, String(message));
  }
  debug(message: unknown, name?: string) {
    logger.debug({ name }, String(message));
  }
  verbose(message: unknown, name?: string) {
    logger.trace({ name }, String(message));
  }
}
