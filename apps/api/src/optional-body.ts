import { validated } from '#platform';
import { createParamDecorator, type ExecutionContext, type Type } from '@nestjs/common';
import type { ApiRequest } from './signed-in-user.js';

/**
 * A body of which nothing is needed, so that it may be missing altogether; `@ApiBody({ type, required: false })` has it
 * in the docs. Errors: INVALID_DATA.
 */
export const OptionalBody = createParamDecorator((type: Type<object>, context: ExecutionContext) =>
  validated(type, context.switchToHttp().getRequest<ApiRequest>().body ?? {}),
);
