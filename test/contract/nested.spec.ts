import * as contracts from '#contracts';
import { contractErrors } from '#testing';
import type { ClassConstructor } from 'class-transformer';
import { getMetadataStorage } from 'class-validator';
import { randomUUID } from 'node:crypto';

const isClass = (value: unknown): value is ClassConstructor<object> =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

/** The fields of a class that are objects of another class, or lists of them. */
const nestedIn = (type: ClassConstructor<object>) => {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const named = (name: string) => rules.filter((rule) => rule.type === name || rule.name === name);
  const optional = new Set(named('isOptional').map(({ propertyName }) => propertyName));
  return [...new Set(named('nestedValidation').map(({ propertyName }) => propertyName))].map((field) => ({
    field,
    isOptional: optional.has(field),
  }));
};

const fields = Object.values<unknown>(contracts)
  .filter(isClass)
  .flatMap((type) => nestedIn(type).map((nested) => ({ name: type.name, type, ...nested })));

it('the list has every class', () => {
  expect(fields.length).toBeGreaterThan(30);
});

it.each(fields)('$name.$field is required, unless it is optional', ({ type, field, isOptional }) => {
  const isMissed = contractErrors(type, {}).some((error) => error.startsWith(`${field}: `));
  expect(isMissed).toBe(!isOptional);
});

it.each([
  { type: contracts.AvailabilityDto, field: 'weekly', right: [{ weekday: 1, from: '09:00', to: '18:00' }] },
  { type: contracts.JoinAssistantFrame, field: 'resume', right: { messageId: randomUUID(), index: 0 } },
  { type: contracts.NotificationPreferencesBody, field: 'types', right: { mention: false } },
  {
    type: contracts.NotificationPreferencesBody,
    field: 'quiet_hours',
    right: { from: '22:00', to: '08:00', timezone: 'UTC' },
  },
])(
  '$type.name $field refuses a list in place of one value, and the other way round',
  ({ type, field, right }) => {
    const wrong = (value: unknown) =>
      contractErrors(type, { [field]: value }).filter((error) => error.startsWith(field));
    expect(wrong(right)).toEqual([]);
    expect(wrong([right])).not.toEqual([]);
  },
);
