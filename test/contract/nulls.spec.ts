import * as contracts from '#contracts';
import { AppError, isErasable } from '#contracts';
import { validated } from '#platform';
import type { ClassConstructor } from 'class-transformer';
import { getMetadataStorage } from 'class-validator';
import { randomUUID } from 'node:crypto';

type Input = ClassConstructor<object>;

/** Bodies of requests and payloads of client events. */
const inputs = Object.entries(contracts as unknown as Record<string, unknown>).filter(
  (entry): entry is [string, Input] =>
    typeof entry[1] === 'function' &&
    /(Body|Payload)$|^AvailabilityDto$/.test(entry[0]) &&
    entry[0] !== 'ErrorBody',
);

const optionalFields = (type: Input): string[] => [
  ...new Set(
    getMetadataStorage()
      .getTargetValidationMetadatas(type, '', false, false)
      .filter(({ name }) => name === 'isOptional')
      .map(({ propertyName }) => propertyName),
  ),
];

/** Each required field accepts one of these. */
const SAMPLES: unknown[] = [
  randomUUID(),
  [randomUUID()],
  'correct horse',
  'anna@example.com',
  'UTC',
  'direct',
  'text',
  'user',
  'admin',
  'member',
  '👍',
  5,
  true,
  '2030-01-01T10:00:00.000Z',
  [],
  {},
];

const refusedFields = (type: Input, raw: object): string[] => {
  try {
    validated(type, raw);
    return [];
  } catch (error) {
    return (error as AppError).details?.map(({ field }) => field) ?? ['?'];
  }
};

/** The smallest accepted body. */
function leastOf(type: Input): Record<string, unknown> {
  const least: Record<string, unknown> = {};
  for (const field of new Set(refusedFields(type, {})))
    least[field] = SAMPLES.find((sample) => {
      const refused = refusedFields(type, { ...least, [field]: sample });
      return !refused.some((name) => name === field || name.startsWith(`${field}.`));
    });
  return least;
}

const cases = inputs.flatMap(([name, type]) =>
  optionalFields(type).map((field) => [name, field, type] as const),
);

it.each(cases)('%s: null as its %s equals a missing field, unless it erases', (_, field, type) => {
  const least = leastOf(type);
  const absent = validated(type, least);
  const isNull = validated(type, { ...least, [field]: null });
  const expected = isErasable(absent, field) ? { ...absent, [field]: null } : absent;
  expect(JSON.stringify(isNull)).toBe(JSON.stringify({ ...isNull, ...expected }));
  expect((isNull as Record<string, unknown>)[field]).toEqual((expected as Record<string, unknown>)[field]);
});

it('null erases exactly the fields that may be empty', () => {
  const erasable = cases.filter(([, field, type]) => isErasable(new type(), field));
  expect(erasable.map(([name, field]) => `${name}.${field}`).sort()).toEqual([
    'NotificationPreferencesBody.quiet_hours',
    'UpdateChatBody.avatar',
    'UpdateMeBody.avatar',
    'UpdateServiceBody.description',
  ]);
});
