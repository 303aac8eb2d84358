import 'reflect-metadata';
import { applyDecorators, type Type } from '@nestjs/common';
import { Transform, Type as TypeOf } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsDefined,
  IsISO8601,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  buildMessage,
} from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { isBlank, isName, isVisible, nameOf, textOf } from './text.js';
import { timeZoneOf } from './time-zones.js';
import { toClock, toTimestamp } from './times.js';
import { MAX_URL, isHttpUrl } from './urls.js';

const lowerCase = (value: unknown) => (typeof value === 'string' ? value.toLowerCase() : value);

/** A UUID, converted to lower case, as the database returns it. */
export const IsId = () =>
  applyDecorators(
    Transform(({ value }) => lowerCase(value)),
    IsUUID('all'),
    JSONSchema({ format: 'uuid' }),
  );

/** `min` to `max` different ids. */
export const IsIdList = (min: number, max: number) =>
  applyDecorators(
    Transform(({ value }) => (Array.isArray(value) ? [...new Set(value.map(lowerCase))] : value)),
    IsArray(),
    ArrayMinSize(min),
    ArrayMaxSize(max),
    IsUUID('all', { each: true }),
  );

/** ISO 8601 UTC with milliseconds, as every time in an answer. Input allows more formats: `IsInstant`. */
export const IsTimestamp = () =>
  applyDecorators(
    Matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, {
      message: '$property must be an ISO 8601 UTC time',
    }),
    JSONSchema({ format: 'date-time', pattern: undefined }),
  );

/** Required, but may be null: unlike with `IsOptional`, a missing field is an error. */
export const Nullable = () =>
  applyDecorators(
    ValidateIf((_, value) => value !== null),
    JSONSchema({ nullable: true }),
  );

const ERASABLE = 'contracts:erasable';

/** Optional, and null erases the stored value. In all other fields null means "not given". */
export const Erasable = () =>
  applyDecorators(IsOptional(), (target: object, field?: string | symbol) =>
    Reflect.defineMetadata(ERASABLE, true, target, field!),
  );

/** Whether null is a value of its own in this field of an input. */
export const isErasable = (input: object, field: string): boolean =>
  Reflect.hasMetadata(ERASABLE, input, field);

/** A required object of a class: `ValidateNested` alone accepts a missing one. */
export const IsNested = (type: () => Type) => applyDecorators(IsDefined(), ValidateNested(), TypeOf(type));

/** Counts code points, not UTF-16 units. */
export const characters = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

const within = (value: unknown, min: number, max: number): boolean => {
  if (typeof value !== 'string' || value.length > max * 2) return false;
  // Each character has one or two units, so most texts need no counting.
  if (value.length >= min * 2 && value.length <= max) return true;
  const length = characters(value);
  return length >= min && length <= max;
};

const stored = (form: (typed: string) => string) =>
  Transform(({ value }) => (typeof value === 'string' ? form(value) : value));

const isWithin = (name: string, wanted: string, isRight: (value: unknown) => boolean) =>
  ValidateBy({
    name,
    validator: {
      validate: isRight,
      defaultMessage: buildMessage((each) => `${each}$property must ${wanted}`),
    },
  });

/** A text of `min` to `max` characters, stored in NFC and trimmed; visible unless `min` is 0. */
export const IsText = (min: number, max: number) =>
  applyDecorators(
    stored((typed) => textOf(typed).trim()),
    isWithin(
      'isText',
      `be a text of ${min} to ${max} characters${min > 0 ? ', not all of them invisible' : ''}`,
      (value) => within(value, min, max) && (min === 0 || isVisible(value as string)),
    ),
    JSONSchema({ type: 'string', minLength: min, maxLength: max }),
  );

/**
 * A name or title of up to `max` characters: one visible line, stored in NFC, without characters that garble a
 * sentence.
 */
export const IsName = (max: number) =>
  applyDecorators(
    stored(nameOf),
    isWithin(
      'isName',
      `be one line of 1 to ${max} visible characters, with few marks on each`,
      (value) => within(value, 1, max) && isName(value as string),
    ),
    JSONSchema({ type: 'string', minLength: 1, maxLength: max }),
  );

/** A text that shows something; with `orBlank`, an empty text is valid too. */
export const IsVisible = ({ orBlank = false } = {}) =>
  isWithin(
    'isVisible',
    'not be empty',
    (value) => typeof value !== 'string' || isVisible(value) || (orBlank && isBlank(value)),
  );

/** The constraint that answers MESSAGE_TOO_LARGE instead of INVALID_DATA. */
export const TOO_LARGE = 'messageTooLarge';

/** The text of a message: up to `max` characters, stored in NFC without control characters, otherwise unchanged. */
export const IsMessageContent = (max: number) =>
  applyDecorators(
    stored(textOf),
    IsString(),
    isWithin(
      TOO_LARGE,
      `have at most ${max} characters`,
      (value) => typeof value !== 'string' || within(value, 0, max),
    ),
    JSONSchema({ type: 'string', maxLength: max }),
  );

const urlCheck = (what: string, options?: { each: boolean }) =>
  ValidateBy(
    {
      name: 'isHttpUrl',
      validator: {
        validate: isHttpUrl,
        defaultMessage: () => `$property must be ${what} of at most ${MAX_URL} characters`,
      },
    },
    options,
  );

export const IsHttpUrl = () =>
  applyDecorators(
    urlCheck('an http(s) URL'),
    JSONSchema({ type: 'string', format: 'uri', maxLength: MAX_URL }),
  );

/** Up to `max` URLs. */
export const IsHttpUrlList = (max: number) =>
  applyDecorators(
    IsArray(),
    ArrayMaxSize(max),
    urlCheck('http(s) URLs', { each: true }),
    JSONSchema({
      type: 'array',
      maxItems: max,
      items: { type: 'string', format: 'uri', maxLength: MAX_URL },
    }),
  );

/** Query strings are text: "20" becomes 20, any other value stays and fails validation. */
export const FromQuery = () =>
  applyDecorators(
    IsOptional(),
    Transform(({ value }) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value)),
  );

/** An opaque cursor. An empty one asks for the first page. */
export const IsCursor = (length = 512) =>
  applyDecorators(
    IsOptional(),
    Transform(({ value }) => (value === '' ? undefined : value)),
    IsString(),
    MaxLength(length),
  );

/** A boolean in a query string: "true" or "false". */
export const IsSwitch = () =>
  applyDecorators(
    IsOptional(),
    Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value)),
    IsBoolean(),
  );

/** A time from a client: RFC 3339, with any fraction and offset. Converted to the form of answers. */
export const IsInstant = () =>
  applyDecorators(
    Transform(({ value }) => toTimestamp(value) ?? (value as unknown)),
    ValidateBy({
      name: 'isInstant',
      validator: {
        validate: (value) => toTimestamp(value) !== undefined,
        defaultMessage: () =>
          '$property must be a time that exists, with its offset, such as 2026-12-31T09:00:00Z',
      },
    }),
    JSONSchema({ type: 'string', format: 'date-time' }),
  );

/** A calendar date, such as 2026-12-31. */
export const IsDate = (options?: { each: boolean }) =>
  applyDecorators(
    Matches(/^\d{4}-\d\d-\d\d$/, { ...options, message: '$property must be a date such as 2026-12-31' }),
    IsISO8601({ strict: true }, { ...options, message: '$property must be a date that exists' }),
  );

/** Hours and minutes, up to `last`; seconds may be given as zero. */
export const IsTimeOfDay = (last: '23:59' | '24:00') =>
  applyDecorators(
    Transform(({ value }) => toClock(value) ?? (value as unknown)),
    ValidateBy({
      name: 'isTimeOfDay',
      validator: {
        validate: (value) => (toClock(value) ?? '99:99') <= last,
        defaultMessage: () => `$property must be a time of day such as 09:00, at most ${last}`,
      },
    }),
    JSONSchema({ type: 'string' }),
  );

const toTimeZone = (value: unknown) => (typeof value === 'string' ? timeZoneOf(value) : undefined);

/** A name of the IANA time zone database in any case, converted to its one spelling. */
export const IsTimezone = () =>
  applyDecorators(
    Transform(({ value }) => toTimeZone(value) ?? (value as unknown)),
    ValidateBy({
      name: 'isTimezone',
      validator: {
        validate: (value) => toTimeZone(value) !== undefined,
        defaultMessage: () => '$property must be a time zone such as Europe/Moscow',
      },
    }),
    JSONSchema({ type: 'string' }),
  );
