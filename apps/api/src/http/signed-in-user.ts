import type { SignedIn } from '#identity';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

export type ApiRequest = FastifyRequest & { user?: SignedIn };

/** Whether a request with this method only reads. */
export const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';

/** A parameter decorator: the user who makes the request. Not for `@Public()` routes. */
export const SignedInUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<ApiRequest>().user,
);
