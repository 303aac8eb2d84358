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
  IsTimeZone,
  IsUUID,
  Matches,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  buildMessage,
  isURL,
} from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';

const lowerCase = (value: unknown) => (typeof value === 'string' ? value.toLowerCase() : value);

/** A UUID, as every id in the contract; in lower case from here on, as the database gives them. */
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

/** ISO 8601 UTC with milliseconds, as every time in the contract. */
export const IsTimestamp = () =>
  applyDecorators(
    Matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, {
      message: '$property must be an ISO 8601 UTC time',
    }),
    JSONSchema({ format: 'date-time', pattern: undefined }),
  );

/** Present, but may be null: unlike `IsOptional`, a missing field is still an error. */
export const Nullable = () =>
  applyDecorators(
    ValidateIf((_, value) => value !== null),
    JSONSchema({ nullable: true }),
  );

const ERASABLE = 'contracts:erasable';

/** May be absent, as by `IsOptional`, but null erases what is stored: everywhere else null means "not given". */
export const Erasable = () =>
  applyDecorators(IsOptional(), (target: object, field?: string | symbol) =>
    Reflect.defineMetadata(ERASABLE, true, target, field!),
  );

/** Whether null in this field of an input is a value of its own. */
export const isErasable = (input: object, field: string): boolean =>
  Reflect.hasMetadata(ERASABLE, input, field);

/** An object of a class of its own: `ValidateNested` alone would let it be missing. */
export const IsNested = (type: () => Type) => applyDecorators(IsDefined(), ValidateNested(), TypeOf(type));

/** Characters as a person counts them (code points), not UTF-16 units. */
export const characters = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

const within = (value: unknown, min: number, max: number): boolean => {
  if (typeof value !== 'string' || value.length > max * 2) return false;
  // Every character is one or two units: most texts need no counting.
  if (value.length >= min * 2 && value.length <= max) return true;
  const length = characters(value);
  return length >= min && length <= max;
};

/** A string of `min` to `max` characters after trimming; stored trimmed. */
export const IsText = (min: number, max: number) =>
  applyDecorators(
    Transform(({ value }) => (typeof value === 'string' ? value.trim() : value)),
    ValidateBy({
      name: 'isText',
      validator: {
        validate: (value) => within(value, min, max),
        defaultMessage: buildMessage(
          (each) => `${each}$property must be a text of ${min} to ${max} characters`,
        ),
      },
    }),
    JSONSchema({ type: 'string', minLength: min, maxLength: max }),
  );

/** The constraint that answers MESSAGE_TOO_LARGE instead of INVALID_DATA. */
export const TOO_LARGE = 'messageTooLarge';

/** A message's text: up to `max` characters, kept exactly as it was typed. */
export const IsMessageContent = (max: number) =>
  applyDecorators(
    IsString(),
    ValidateBy({
      name: TOO_LARGE,
      validator: {
        validate: (value) => typeof value !== 'string' || within(value, 0, max),
        defaultMessage: buildMessage((each) => `${each}$property must have at most ${max} characters`),
      },
    }),
    JSONSchema({ type: 'string', maxLength: max }),
  );

const MAX_URL = 2048;

/** An absolute http(s) link; `javascript:` and the like never get in, nor does `http:` without its slashes. */
export const isHttpUrl = (value: unknown): boolean =>
  typeof value === 'string' &&
  value.length <= MAX_URL &&
  /^https?:\/\//i.test(value) &&
  isURL(value, { protocols: ['http', 'https'], require_protocol: true, require_tld: false });

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

/** Up to `max` of them. */
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

/** Query strings are text: "20" becomes 20, anything else stays and fails its check. */
export const FromQuery = () =>
  applyDecorators(
    IsOptional(),
    Transform(({ value }) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value)),
  );

/** A switch in a query string: "true" or "false". */
export const IsSwitch = () =>
  applyDecorators(
    IsOptional(),
    Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value)),
    IsBoolean(),
  );

/** A moment as clients write it: ISO 8601 with its offset or Z, and one that exists. */
export const IsInstant = () =>
  applyDecorators(
    Matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/, {
      message: '$property must be an ISO 8601 time with its offset',
    }),
    IsISO8601({ strict: true }, { message: '$property must be a time that exists' }),
    JSONSchema({ type: 'string', format: 'date-time', pattern: undefined }),
  );

/** A calendar date, such as 2026-12-31. */
export const IsDate = (options?: { each: boolean }) =>
  applyDecorators(
    Matches(/^\d{4}-\d\d-\d\d$/, { ...options, message: '$property must be a date such as 2026-12-31' }),
    IsISO8601({ strict: true }, { ...options, message: '$property must be a date that exists' }),
  );

/** Hours and minutes, 00:00 to 24:00. */
export const IsTimeOfDay = () =>
  Matches(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, { message: '$property must be a time such as 09:00' });

/** A time zone's name of the IANA database. */
export const IsTimezone = () =>
  applyDecorators(IsString(), IsTimeZone({ message: '$property must be a time zone such as Europe/Moscow' }));
