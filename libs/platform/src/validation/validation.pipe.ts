import { Injectable, type ArgumentMetadata, type PipeTransform, type Type } from '@nestjs/common';
import { validated } from './validation.js';

const BUILT_IN: unknown[] = [String, Number, Boolean, Array, Object];

/**
 * A body, a query, params or an event's payload typed by a class become that class, on REST and on sockets.
 * Errors: INVALID_DATA with every wrong field, MESSAGE_TOO_LARGE.
 */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type === 'custom' || !metatype || BUILT_IN.includes(metatype)) return value;
    // Fastify makes query objects of a class of its own, which is no plain JSON.
    const plain = type === 'body' ? value : { ...(value as object) };
    return validated(metatype as Type<object>, plain);
  }
}
