import type { SignedIn } from '#identity';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

export type ApiRequest = FastifyRequest & { user?: SignedIn };

/** Whether a request of this method writes nothing. */
export const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';

/** Who makes the request, as a handler's parameter. Not for routes that are `@Public()`. */
export const SignedInUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<ApiRequest>().user,
);
