import { AppError } from '#contracts';
import { validated } from '#platform';
import { Injectable, type ArgumentMetadata, type PipeTransform, type Type } from '@nestjs/common';
import { isUUID } from 'class-validator';

const BUILT_IN: unknown[] = [String, Number, Boolean, Array, Object];

/** A body, a query or params typed by a class become that class. Errors: INVALID_DATA with every wrong field. */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type === 'custom' || !metatype || BUILT_IN.includes(metatype)) return value;
    // Fastify makes query objects of a class of its own, which is no plain JSON.
    const plain = type === 'body' ? value : { ...(value as object) };
    return validated(metatype as Type<object>, plain);
  }
}

/** `@Param('id', IdPipe)`. Errors: INVALID_DATA. */
@Injectable()
export class IdPipe implements PipeTransform<string, string> {
  transform(value: string, { data }: ArgumentMetadata): string {
    if (!isUUID(value, 'all')) throw AppError.invalid(data ?? 'id', 'must be a UUID');
    return value.toLowerCase();
  }
}
