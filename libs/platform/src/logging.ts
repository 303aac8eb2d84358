import { AsyncLocalStorage } from 'node:async_hooks';
import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';

/** What a log line says of whose work it belongs to. */
export type LogContext = { request_id: string } | { socket_id: string };

const context = new AsyncLocalStorage<LogContext>();

/** Every line logged inside `work` carries the request's or the socket's id. */
export const withLogContext = <T>(value: LogContext, work: () => T): T => context.run(value, work);

export const requestId = (): string | undefined => {
  const current = context.getStore();
  return current && 'request_id' in current ? current.request_id : undefined;
};

/** One JSON object a line on stdout. Message contents and tokens are never passed to it. */
export const logger: Logger = pino({
  level: 'info',
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
  mixin: () => context.getStore() ?? {},
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
