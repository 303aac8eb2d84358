import { validated } from '#platform';
import { createParamDecorator, type ExecutionContext, type Type } from '@nestjs/common';
import type { ApiRequest } from './signed-in-user.js';

/**
 * A body without required fields, which may be missing. Add `@ApiBody({ type, required: false })` for the docs.
 * @throws AppError INVALID_DATA
 */
export const OptionalBody = createParamDecorator((type: Type<object>, context: ExecutionContext) =>
  validated(type, context.switchToHttp().getRequest<ApiRequest>().body ?? {}),
);
