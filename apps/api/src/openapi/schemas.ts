import * as contracts from '#contracts';
import type { Type } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions, type OpenAPIObject } from '@nestjs/swagger';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { ValidationTypes } from 'class-validator';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { answerTypes } from './answers.js';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Schema = Exclude<Schemas[string], { $ref: string }>;

const PREFIX = '#/components/schemas/';

const classes = new Map(
  Object.entries(contracts).filter((entry): entry is [string, Type] => isClass(entry[1])),
);

function isClass(value: unknown): value is Type {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

/** Derives the schema from the validation decorators, so nothing is described twice. */
function schemaOf(type: Type): Schema {
  const {
    properties = {},
    required = [],
    ...rest
  } = targetConstructorToSchema(type, {
    refPointerPrefix: PREFIX,
    classTransformerMetadataStorage: defaultMetadataStorage,
    // Our own validators declare their schemas; a guess from the property's type would be less exact.
    additionalConverters: { [ValidationTypes.CUSTOM_VALIDATION]: {} },
  }) as Schema;
  for (const [name, property] of Object.entries(properties)) {
    const { nullable, $ref, ...rest } = property as Schema & { $ref?: string };
    if (!nullable) continue;
    // A nullable field is still required, and JSON Schema ignores keywords beside a $ref.
    required.push(name);
    properties[name] = $ref ? { nullable, allOf: [{ $ref }] } : { nullable, ...rest };
  }
  return { ...rest, properties, ...(required.length > 0 && { required: [...new Set(required)] }) };
}

/** Swagger lists the fields of query classes separately, and reads only its own decorators. */
export function describeQueries(): void {
  for (const type of classes.values()) {
    if (!type.name.endsWith('Query')) continue;
    const { properties = {}, required = [] } = schemaOf(type);
    for (const [name, schema] of Object.entries(properties)) {
      const options = { ...schema, required: required.includes(name) } as ApiPropertyOptions;
      ApiProperty(options)(type.prototype as object, name);
    }
  }
}

/** The schemas that the document refers to, including indirectly. */
export function schemasFor(document: OpenAPIObject): Schemas {
  const schemas: Schemas = {};
  for (let found = refsIn(document.paths); found.length > 0;) {
    const fresh = found.filter((name) => !(name in schemas));
    for (const name of fresh) {
      const type = classes.get(name) ?? answerTypes.get(name);
      if (!type) throw new Error(`The docs refer to ${name}, which has no class`);
      schemas[name] = schemaOf(type);
    }
    found = fresh.flatMap((name) => refsIn(schemas[name]));
  }
  return schemas;
}

const refsIn = (part: unknown): string[] =>
  [...JSON.stringify(part).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!);
