import { Injectable, type ArgumentMetadata, type PipeTransform, type Type } from '@nestjs/common';
import { validated } from './validation.js';

const BUILT_IN: unknown[] = [String, Number, Boolean, Array, Object];

/**
 * Converts a body, query, params or event payload to its class, on REST and on sockets.
 * @throws AppError INVALID_DATA (names every wrong field), MESSAGE_TOO_LARGE
 */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type === 'custom' || !metatype || BUILT_IN.includes(metatype)) return value;
    // Fastify's query objects have a class of their own, so they do not count as plain JSON.
    const plain = type === 'body' ? value : { ...(value as object) };
    return validated(metatype as Type<object>, plain);
  }
}
