import { TransformationType, type ClassConstructor, type TransformMetadata } from 'class-transformer';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { ValidationTypes, getMetadataStorage, type ValidatorConstraintInterface } from 'class-validator';

interface Check {
  each: boolean;
  constraints: unknown[];
  validators: ValidatorConstraintInterface[];
}

interface Field {
  transforms: TransformMetadata[];
  /** When one of them is false, nothing is checked (`@IsOptional`). */
  conditions: ((object: object, value: unknown) => boolean)[];
  checks: Check[];
}

/** The rules of a class without nested classes, by field. */
export type FlatFields = Map<string, Field>;

const known = new Map<unknown, FlatFields | undefined>();

/**
 * Read once per class. Undefined for a class with nested classes (`@Type`, `@ValidateNested`) or other special rules.
 */
export function flatFieldsOf(type: ClassConstructor<object>): FlatFields | undefined {
  if (!known.has(type)) known.set(type, read(type));
  return known.get(type);
}

function read(type: ClassConstructor<object>): FlatFields | undefined {
  const storage = getMetadataStorage();
  const fields: FlatFields = new Map();
  for (const rule of storage.getTargetValidationMetadatas(type, '', false, false)) {
    const { propertyName: name } = rule;
    if (defaultMetadataStorage.findTypeMetadata(type, name) || rule.validateIf) return undefined;
    const { PLAIN_TO_CLASS } = TransformationType;
    const transforms = defaultMetadataStorage.findTransformMetadatas(type, name, PLAIN_TO_CLASS);
    const field = fields.get(name) ?? { transforms, conditions: [], checks: [] };
    fields.set(name, field);
    if (rule.type === ValidationTypes.CONDITIONAL_VALIDATION)
      field.conditions.push(rule.constraints[0] as Field['conditions'][number]);
    else if (rule.type === ValidationTypes.CUSTOM_VALIDATION)
      field.checks.push({
        each: rule.each,
        constraints: rule.constraints,
        validators: storage.getTargetValidatorConstraints(rule.constraintCls).map(({ instance }) => instance),
      });
    else return undefined;
  }
  return fields;
}

/**
 * Whether class-validator would accept the payload, by its own rules and validators. Drops unknown fields.
 * class-validator creates an error object per field before it checks any. Most payloads are valid, and that check would
 * cost as much as all other work of a send's gateway.
 */
export function passes(instance: object, fields: FlatFields): boolean {
  for (const key of Object.keys(instance))
    if (!fields.has(key)) delete (instance as Record<string, unknown>)[key];
  for (const [property, { conditions, checks }] of fields) {
    const value = (instance as Record<string, unknown>)[property];
    if (!conditions.every((isValid) => isValid(instance, value))) continue;
    for (const { each, constraints, validators } of checks) {
      const args = { targetName: '', property, object: instance, value, constraints };
      for (const validator of validators) {
        const isRight = (one: unknown) => validator.validate(one, args) === true;
        if (!(each && Array.isArray(value) ? value.every(isRight) : isRight(value))) return false;
      }
    }
  }
  return true;
}
