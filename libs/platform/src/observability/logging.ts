import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';

/**
 * Logs one JSON object per line to stdout, with `request_id` or `socket_id` where one applies. Never pass message
 * contents or tokens to it. The ids are passed explicitly: AsyncLocalStorage would make every promise slower.
 */
export const logger: Logger = pino({
  level: 'info',
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  // The details of a database error quote the row, which contains private texts.
  serializers: {
    err: (err: unknown) =>
      err instanceof Error
        ? { type: err.name, message: err.message, code: (err as { code?: unknown }).code, stack: err.stack }
        : err,
  },
  formatters: { level: (label) => ({ level: label }) },
});

/** Handles a failure that needs nothing but a warning, such as a rejected promise. */
export const logFailure =
  (message: string, fields?: object) =>
  (error: unknown): undefined => {
    logger.warn({ err: (error as Error).message, ...fields }, message);
  };

/** Nest's own start messages are logged at debug level. */
const CHATTER =
  /^(NestFactory|InstanceLoader|RoutesResolver|RouterExplorer|WebSocketsController|NestApplication)$/;

/** Sends Nest's log lines to the same logger. */
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
