import { AppError, TOO_LARGE, isErasable, isStorable, type FieldError } from '#contracts';
import { Injectable, type ArgumentMetadata, type PipeTransform, type Type } from '@nestjs/common';
import { TransformationType, plainToInstance, type ClassConstructor } from 'class-transformer';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage, validateSync, type ValidationError } from 'class-validator';
import { BEFORE_SIGN_IN } from '../limits/budgets/index.js';
import { rememberMetadata } from './class-validator-metadata.js';
import { flatFieldsOf, passes, type FlatFields } from './flat-fields.js';

const MAX_DEPTH = BEFORE_SIGN_IN.depth.most;

rememberMetadata();

/** Keys that would make class-transformer treat an object as something else. */
const MISLEADING = new Set(['__proto__', 'constructor']);

const isPlain = (value: object) => {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
};

/**
 * Refuses values that no field may contain, at any depth: binary, `__proto__` and `constructor`, nesting over 32
 * levels, NUL characters and broken Unicode. Works without recursion: 50,000 levels of nesting must not overflow the
 * stack.
 */
function assertPlainJson(root: unknown): void {
  const stack: [value: unknown, depth: number][] = [[root, 0]];
  while (stack.length > 0) {
    const [value, depth] = stack.pop()!;
    if (typeof value === 'string') {
      if (!isStorable(value)) throw new AppError('INVALID_DATA', 'Text must be well-formed and without NUL');
    } else if (typeof value === 'object' && value !== null) {
      if (depth >= MAX_DEPTH || !isPlain(value))
        throw new AppError('INVALID_DATA', 'Payload must be plain JSON');
      for (const key of Object.keys(value)) {
        if (MISLEADING.has(key) || !isStorable(key))
          throw new AppError('INVALID_DATA', 'Payload must be plain JSON');
        stack.push([(value as Record<string, unknown>)[key], depth + 1]);
      }
    }
  }
}

function* fieldErrors(errors: ValidationError[], path = ''): Generator<FieldError & { constraint: string }> {
  for (const { property, constraints, children } of errors) {
    const field = path + property;
    for (const [constraint, message] of Object.entries(constraints ?? {}))
      yield { field, message, constraint };
    yield* fieldErrors(children ?? [], `${field}.`);
  }
}

/**
 * Like `plainToInstance`, but a flat class keeps its values unchanged. class-transformer would copy each value, drop
 * keys such as `toString`, and look up metadata again for every payload.
 */
function instanceOf<T extends object>(type: ClassConstructor<T>, raw: object, fields?: FlatFields): T {
  if (!fields) return plainToInstance(type, known(type, raw));
  const instance = Object.assign<T, Record<string, unknown>>(new type(), raw as Record<string, unknown>);
  for (const [key, { transforms }] of fields)
    for (const { transformFn } of Object.hasOwn(raw, key) ? transforms : [])
      (instance as Record<string, unknown>)[key] = transformFn({
        value: instance[key],
        key,
        obj: raw,
        type: TransformationType.PLAIN_TO_CLASS,
        options: {},
      });
  return instance;
}

interface Nested {
  type: ClassConstructor<object>;
  /** Limit of a list. 0: a single object, not a list. */
  most: number;
}

const fieldsOf = new Map<unknown, Map<string, Nested | undefined>>();

/** The fields of a class, and the class of nested objects. */
function nestedIn(type: ClassConstructor<object>): Map<string, Nested | undefined> {
  const found = fieldsOf.get(type);
  if (found) return found;
  const fields = new Map<string, Nested | undefined>();
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  for (const { propertyName: field, name, constraints } of rules) {
    const metadata = defaultMetadataStorage.findTypeMetadata(type, field);
    const most = name === 'arrayMaxSize' ? (constraints[0] as number) : 0;
    fields.set(
      field,
      metadata && {
        type: metadata.typeFunction() as ClassConstructor<object>,
        most: Math.max(most, fields.get(field)?.most ?? 0),
      },
    );
  }
  fieldsOf.set(type, fields);
  return fields;
}

/**
 * Keeps only known fields: class-transformer compares each key with all others.
 * @throws AppError INVALID_DATA (when a list is longer than allowed: each of its objects would be created and checked)
 */
function known(type: ClassConstructor<object>, raw: object): object {
  const kept: Record<string, unknown> = {};
  for (const [field, nested] of nestedIn(type)) {
    if (!Object.hasOwn(raw, field)) continue;
    const value = (raw as Record<string, unknown>)[field];
    if (nested && Array.isArray(value) && value.length > nested.most)
      throw AppError.invalid(
        field,
        nested.most > 0 ? `must contain no more than ${nested.most} elements` : 'must be an object',
      );
    const inner = (one: unknown) =>
      nested && typeof one === 'object' && one !== null ? known(nested.type, one) : one;
    kept[field] = Array.isArray(value) ? value.map(inner) : inner(value);
  }
  return kept;
}

/** Apps send null for missing values: null means "not given", except where it erases the value. */
function withoutNulls<T extends object>(type: ClassConstructor<T>, instance: T): T {
  let absent: T | undefined;
  for (const key of Object.keys(instance) as (keyof T & string)[])
    if (instance[key] === null && !isErasable(instance, key)) instance[key] = (absent ??= new type())[key];
  return instance;
}

/**
 * Converts a payload to a validated instance of its class. Unknown fields are dropped.
 * @throws AppError INVALID_DATA (names every wrong field), MESSAGE_TOO_LARGE
 */
export function validated<T extends object>(type: ClassConstructor<T>, raw: unknown): T {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new AppError('INVALID_DATA', 'Payload must be an object');
  assertPlainJson(raw);
  const fields = flatFieldsOf(type);
  const instance = withoutNulls(type, instanceOf(type, raw, fields));
  if (fields && passes(instance, fields)) return instance;
  const wrong = [...fieldErrors(validateSync(instance, { whitelist: true, forbidUnknownValues: false }))];
  if (wrong.length === 0) return instance;
  const tooLarge = wrong.length === 1 && wrong[0]!.constraint === TOO_LARGE;
  const details = wrong.slice(0, 20).map(({ field, message }) => ({ field, message }));
  throw new AppError(tooLarge ? 'MESSAGE_TOO_LARGE' : 'INVALID_DATA', wrong[0]!.message, { details });
}

const BUILT_IN: unknown[] = [String, Number, Boolean, Array, Object];

/** Validates bodies, queries, params and event payloads by their classes, on REST and on sockets. */
@Injectable()
export class ValidationPipe implements PipeTransform {
  /** @throws AppError INVALID_DATA, MESSAGE_TOO_LARGE */
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type === 'custom' || !metatype || BUILT_IN.includes(metatype)) return value;
    // Fastify's query objects have a class of their own, so they do not count as plain JSON.
    const plain = type === 'body' ? value : { ...(value as object) };
    return validated(metatype as Type<object>, plain);
  }
}
