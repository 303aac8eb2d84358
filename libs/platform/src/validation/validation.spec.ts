import {
  AvailabilityDto,
  CLIENT_EVENTS,
  JoinAssistantFrame,
  NotificationPreferencesBody,
  PageQuery,
  SendMessagePayload,
  UpdateChatBody,
  UserQuery,
} from '#contracts';
import { Type, plainToInstance, type ClassConstructor } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  ValidateNested,
  getMetadataStorage,
  validateSync,
} from 'class-validator';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { validated } from './validation.js';

class Inner {
  @IsInt() number!: number;
}
class Sample {
  @IsOptional() @IsArray() @ArrayMaxSize(3) @ValidateNested({ each: true }) @Type(() => Inner) list?: Inner[];
  @IsString() @MaxLength(5) name!: string;
  @IsOptional() @IsObject() free?: object;
  @IsOptional() @ValidateNested() @Type(() => Inner) inner?: Inner;
}

const refusal = (raw: unknown, type: new () => object = Sample) => {
  try {
    validated(type, raw);
    return undefined;
  } catch (error) {
    const { code, details } = error as { code: string; details?: { field: string }[] };
    return { code, fields: details?.map(({ field }) => field) };
  }
};

/** The names of a class's fields, as keys. */
const fieldsOf = (type: new () => object): object =>
  getMetadataStorage().groupByPropertyName(
    getMetadataStorage().getTargetValidationMetadatas(type, '', false, false),
  );

it('returns an instance without the fields that its class does not have', () => {
  const taken = validated(Sample, { name: 'a', more: 1, inner: { number: 1, more: 2 } });
  expect(taken).toBeInstanceOf(Sample);
  expect(taken.inner).toBeInstanceOf(Inner);
  expect(JSON.parse(JSON.stringify(taken))).toEqual({ name: 'a', inner: { number: 1 } });
});

it('keeps free objects exactly, at any allowed depth', () => {
  const free = { a: [1, null, { b: 'я😀' }], '': { '': 0 } };
  expect(validated(Sample, { name: 'a', free }).free).toEqual(free);
  const message = { chat_id: randomUUID(), type: 'text', content: 'x', metadata: { toString: 1, ...free } };
  expect(validated(SendMessagePayload, message).metadata).toBe(message.metadata);
});

it('names every wrong field, nested ones with their path', () => {
  expect(refusal({ name: 'too long', inner: { number: 'x' } })).toEqual({
    code: 'INVALID_DATA',
    fields: ['name', 'inner.number'],
  });
  expect(new Set(refusal({})!.fields)).toEqual(new Set(['name']));
});

it('names at most 20 wrong fields', () => {
  const details = refusal({ user_ids: 1, limit: 'x' }, PageQuery);
  expect(details!.fields!.length).toBeLessThanOrEqual(20);
});

it('does not read the objects of an oversized list, nor of a list in place of an object', () => {
  const some = (count: number) => Array.from({ length: count }, () => ({}));
  const name = 'a';
  expect(refusal({ name, list: some(4) })).toEqual({ code: 'INVALID_DATA', fields: ['list'] });
  expect(refusal({ name, list: some(2) })?.fields).toEqual(['list.0.number', 'list.1.number']);
  expect(refusal({ name, inner: some(1) })).toEqual({ code: 'INVALID_DATA', fields: ['inner'] });
  for (const [type, field] of [
    [AvailabilityDto, 'weekly'],
    [NotificationPreferencesBody, 'types'],
    [NotificationPreferencesBody, 'quiet_hours'],
    [JoinAssistantFrame, 'resume'],
  ] as const)
    expect(refusal({ [field]: some(20_000) }, type)).toEqual({ code: 'INVALID_DATA', fields: [field] });
});

it.each([
  ['null', null],
  ['undefined', undefined],
  ['a list', []],
  ['text', 'text'],
  ['a number', 1],
  ['a function', () => 1],
  ['binary', { name: 'a', free: Buffer.from('x') }],
  ['a date', { name: 'a', free: new Date() }],
  ['a map', { name: 'a', free: { inside: new Map() } }],
  ['own __proto__', JSON.parse('{"name":"a","__proto__":{"x":1}}')],
  ['__proto__ inside', JSON.parse('{"name":"a","free":{"list":[{"__proto__":1}]}}')],
  ['constructor', { name: 'a', free: { constructor: 'text' } }],
  ['constructor in an unknown list', { name: 'a', list: [{ constructor: { prototype: {} } }] }],
  ['NUL', { name: '\0' }],
  ['NUL in an unknown field', { name: 'a', other: '\0' }],
  ['NUL in a key', { name: 'a', free: { '\0': 1 } }],
  ['half a surrogate pair', { name: '\ud800' }],
])('refuses %s', (_, raw) => {
  expect(refusal(raw)?.code).toBe('INVALID_DATA');
});

it('refuses nesting beyond 32 levels without running out of stack', () => {
  const nested = (levels: number): object => {
    let value: object = {};
    for (let i = 1; i < levels; i++) value = { value };
    return { name: 'a', free: value };
  };
  expect(refusal(nested(31))).toBeUndefined();
  expect(refusal(nested(32))?.code).toBe('INVALID_DATA');
  expect(refusal(nested(100_000))?.code).toBe('INVALID_DATA');
});

it('answers MESSAGE_TOO_LARGE only when nothing else is wrong', () => {
  const message = { chat_id: randomUUID(), type: 'text', content: 'x'.repeat(4001) };
  expect(refusal(message, SendMessagePayload)?.code).toBe('MESSAGE_TOO_LARGE');
  expect(refusal({ ...message, type: 'x' }, SendMessagePayload)?.code).toBe('INVALID_DATA');
});

it('treats null like a missing field, except where null erases', () => {
  expect(validated(UserQuery, { limit: null, cursor: null })).toMatchObject({ limit: 50 });
  expect(validated(UpdateChatBody, { avatar: null, title: null })).toEqual({
    avatar: null,
    title: undefined,
  });
});

it('turns any JSON into an instance or a documented refusal', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (raw) => {
      expect([undefined, 'INVALID_DATA', 'MESSAGE_TOO_LARGE']).toContain(
        refusal(raw, SendMessagePayload)?.code,
      );
    }),
  );
});

const anyValue = fc.oneof(
  fc.constantFrom(
    randomUUID(),
    'text',
    '😀',
    '2026-12-01T10:00:00.000Z',
    'http://a.example/b',
    null,
    true,
    1,
    -1,
  ),
  fc.string(),
  fc.array(fc.constantFrom(randomUUID(), 1, 'x')),
  fc.object(),
);
it.each(Object.entries(CLIENT_EVENTS))('accepts a %s exactly when class-validator does', (_, { payload }) => {
  const names = Object.keys(fieldsOf(payload));
  expect(names.length).toBeGreaterThan(0);
  const right = fc.record(Object.fromEntries(names.map((name) => [name, anyValue])), { requiredKeys: [] });
  fc.assert(
    fc.property(right, (raw) => {
      const errors = validateSync(plainToInstance(payload as ClassConstructor<object>, raw as object), {
        forbidUnknownValues: false,
      });
      return (refusal(raw, payload) === undefined) === (errors.length === 0);
    }),
    { numRuns: 200 },
  );
});

it('reads a key that no class has once, wherever it is', () => {
  let looks = 0;
  const counted = (object: object) =>
    new Proxy(object, {
      get: (target, key, receiver) => {
        if (key === 'unknown') looks += 1;
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
  const raw = counted({ name: 'x', unknown: 1, inner: counted({ number: 1, unknown: 1 }) });
  expect(validated(Sample, raw)).toEqual({ name: 'x', inner: { number: 1 } });
  expect(looks).toBe(2);
});
