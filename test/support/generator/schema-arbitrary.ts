import * as fc from 'fast-check';
import { type JsonObject, openObjects, texts } from './json-arbitrary.js';
import type { Schema } from './openapi-operations.js';

/** Rules that schemas cannot say, by the names of fields and parameters (`parts`, and `parts[]` for its items) and of schemas. */
export interface Rules {
  /** Values of a field. They replace those of its schema. */
  values: Partial<Record<string, (schema: Schema) => fc.Arbitrary<unknown>>>;
  /** Changes an object so that it keeps the rules between its fields. */
  corrections: Partial<Record<string, (value: JsonObject) => JsonObject>>;
}

const NULLS = { weight: 1, arbitrary: fc.constant(null) };

/** Valid values of a schema. */
export function valuesOf(
  schema: Schema,
  rules: Rules,
  name = '',
): fc.Arbitrary<unknown> {
  const values =
    rules.values[name]?.(schema) ?? valuesOfType(schema, rules, name);
  return schema.nullable
    ? fc.oneof({ weight: 6, arbitrary: values }, NULLS)
    : values;
}

function valuesOfType(
  schema: Schema,
  rules: Rules,
  name: string,
): fc.Arbitrary<unknown> {
  if (schema.oneOf) {
    return fc.oneof(...schema.oneOf.map((one) => valuesOf(one, rules)));
  }
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return stringsOf(schema);
    case 'integer':
      return fc.integer({ min: schema.minimum, max: schema.maximum });
    case 'number':
      return fc.double({
        min: schema.minimum,
        max: schema.maximum,
        noNaN: true,
        noDefaultInfinity: true,
      });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return arraysOf(schema, rules, name);
    case 'object':
      return schema.properties ? objectsOf(schema, rules) : openObjects;
    case undefined:
      throw new Error(`No generator for ${JSON.stringify(schema)}`);
  }
}

function stringsOf({ format, pattern, minLength, maxLength }: Schema) {
  if (format === 'uuid') return uuids;
  if (format) throw new Error(`No generator for strings of format ${format}`);
  if (pattern) return fc.stringMatching(new RegExp(pattern, 'u'));
  return texts(minLength, maxLength);
}

/** In upper, lower and mixed case. */
export const uuids = fc.oneof(
  { weight: 4, arbitrary: fc.uuid() },
  { weight: 2, arbitrary: fc.uuid().map((id) => id.toUpperCase()) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      '12345678-ABCD-abcd-1234-123456789aBc',
    ),
  },
);

/** Mostly a few items, sometimes the maximum. */
function arraysOf(schema: Schema, rules: Rules, name: string) {
  const { minItems = 0, maxItems } = schema;
  const items = valuesOf(schema.items!, rules, `${name}[]`);
  const few = fc.array(items, {
    minLength: minItems,
    maxLength: Math.min(maxItems ?? 3, 3),
  });
  if (maxItems === undefined) return few;
  return fc.oneof(
    { weight: 40, arbitrary: few },
    { weight: 1, arbitrary: repeated(items, maxItems) },
  );
}

/** One short item many times, so that the body does not get too large. */
export function repeated(
  items: fc.Arbitrary<unknown>,
  times: number,
): fc.Arbitrary<unknown[]> {
  return items
    .filter((item) => JSON.stringify(item).length < 1000)
    .map((item) => Array<unknown>(times).fill(item));
}

function objectsOf(schema: Schema, rules: Rules): fc.Arbitrary<JsonObject> {
  const fields = Object.entries(schema.properties!).map(
    ([name, property]): [string, fc.Arbitrary<unknown>] => [
      name,
      valuesOf(property, rules, name),
    ],
  );
  return fc
    .record<JsonObject, string>(Object.fromEntries(fields), {
      requiredKeys: schema.required ?? [],
      noNullPrototype: true,
    })
    .map((value) => rules.corrections[schema.title ?? '']?.(value) ?? value);
}
