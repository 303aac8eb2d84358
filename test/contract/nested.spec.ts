import * as contracts from '#contracts';
import { contractErrors } from '#testing';
import type { ClassConstructor } from 'class-transformer';
import { getMetadataStorage } from 'class-validator';

const isClass = (value: unknown): value is ClassConstructor<object> =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

/** The fields of a class that are objects, or lists of objects, of a class of their own. */
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

it('looks at every class', () => {
  expect(fields.length).toBeGreaterThan(30);
});

it.each(fields)('$name.$field must be there, unless it is optional', ({ type, field, isOptional }) => {
  const isMissed = contractErrors(type, {}).some((error) => error.startsWith(`${field}: `));
  expect(isMissed).toBe(!isOptional);
});
