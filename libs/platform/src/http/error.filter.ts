import { AppError, ERROR_STATUS, type ErrorCode } from '#contracts';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { toAppError } from '../database/database-errors.js';
import { logger } from '../observability/logging.js';

/** Errors of Nest and Fastify before our code runs, with our codes and messages. */
const FRAMEWORK: Record<number, [code: ErrorCode, message: string]> = {
  401: ['UNAUTHORIZED', 'Invalid token'],
  403: ['FORBIDDEN', 'Forbidden'],
  404: ['NOT_FOUND', 'No such route'],
  413: ['MESSAGE_TOO_LARGE', 'Payload exceeds 64 KiB'],
  414: ['INVALID_DATA', 'Address is too long'],
  415: ['INVALID_DATA', 'Body must be application/json'],
  503: ['UNAVAILABLE', 'The service is not available, try again'],
};

/** Converts every error of REST to an `ErrorBody`, with the matching status. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    sendErrorResponse(error, host.switchToHttp().getResponse<FastifyReply>());
  }
}

export function sendErrorResponse(error: unknown, reply: FastifyReply): void {
  const appError = refusal(error, reply.request.raw) ?? toAppError(error);
  const request_id = reply.request.id;
  if (appError.code === 'INTERNAL') logger.error({ err: error, request_id }, 'request failed');
  if (appError.retryAfterMs !== undefined)
    void reply.header('Retry-After', String(Math.ceil(appError.retryAfterMs / 1000)));
  void reply.status(ERROR_STATUS[appError.code]).send(appError.toBody());
}

/** The framework's own message may quote the request, so it is not passed on. */
function refusal(error: unknown, request: IncomingMessage): AppError | undefined {
  // When a client disconnects, the error has the same code as that of a dependency.
  const status = error === request.errored ? 400 : frameworkStatus(error);
  if (status === undefined) return undefined;
  const [code, message] = FRAMEWORK[status] ?? ['INVALID_DATA', 'Request is malformed'];
  return status in FRAMEWORK || status < 500 ? new AppError(code, message) : undefined;
}

function frameworkStatus(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (!(error instanceof Error)) return undefined;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const isFastifys = error instanceof SyntaxError || (typeof code === 'string' && code.startsWith('FST_'));
  return isFastifys && typeof statusCode === 'number' ? statusCode : undefined;
}
