import type { Device } from '#identity';
import { clientAddress, isFromHere } from '#platform';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The origin of a request, and whether the client still waits for the answer. */
export type Caller = Omit<Device, 'device'>;

export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const http = context.switchToHttp();
  const request = http.getRequest<FastifyRequest>();
  const { raw } = http.getResponse<FastifyReply>();
  const gone = new AbortController();
  // `raw` is the response: the request is closed as soon as its body has been read.
  if (raw.destroyed) gone.abort();
  else raw.once('close', () => gone.abort());
  return {
    userAgent: request.headers['user-agent'],
    ip: clientAddress(request),
    isHere: isFromHere(request.headers),
    gone: gone.signal,
  };
});
