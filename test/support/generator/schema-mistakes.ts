import * as fc from 'fast-check';
import { type JsonObject, openObjects, texts } from './json-arbitrary.js';
import type { Schema } from './openapi-operations.js';
import { repeated, type Rules, valuesOf } from './schema-arbitrary.js';
import { unstorable, type Wrong, wrongTexts } from './wrong-texts.js';

export type Change = (value: unknown) => unknown;

/** One way to break one rule. */
export interface Mistake {
  kind: string;
  /** `messages[].role` */
  site: string;
  /** Turn a valid value, or undefined, into an invalid one. */
  changes: fc.Arbitrary<Change>;
  /** Whether the service sees the mistake only after it has read the session: a 404 comes first. */
  isLate?: boolean;
}

/** Mistakes against rules that schemas cannot say, by the names of fields and schemas. */
export interface MoreMistakes {
  [name: string]: Omit<Mistake, 'site'>[] | undefined;
}

/** All mistakes that a value of a schema can have, at any depth. */
export function mistakesOf(
  schema: Schema,
  rules: Rules,
  more: MoreMistakes,
  site = '',
): Mistake[] {
  if (schema.oneOf) {
    return schema.oneOf.flatMap((one) =>
      mistakesOf(one, rules, more, site).map((mistake) =>
        within(one, rules, mistake),
      ),
    );
  }
  const name = site.split('.').at(-1)!;
  return [
    ...own(schema, valuesOf(schema, rules, name)).map(([kind, values]) => ({
      kind,
      site,
      changes: instead(values),
    })),
    ...[more[name], more[schema.title ?? '']].flatMap((mistakes = []) =>
      mistakes.map((mistake) => ({ ...mistake, site })),
    ),
    ...(schema.items ? ofArray(schema, schema.items, rules, more, site) : []),
    ...(schema.properties ? ofObject(schema, rules, more, site) : []),
    ...(schema.additionalProperties ? ofOpenObject(site) : []),
  ];
}

/** Replaces any value by one of these. */
export function instead(values: fc.Arbitrary<unknown>): fc.Arbitrary<Change> {
  return values.map((value) => () => value);
}

/** A mistake against one of several schemas, in a value of that schema. */
function within(schema: Schema, rules: Rules, mistake: Mistake): Mistake {
  const fits = (value: unknown) =>
    (schema.required ?? []).every((field) =>
      Object.hasOwn(value as object, field),
    );
  return {
    ...mistake,
    changes: fc.tuple(mistake.changes, valuesOf(schema, rules)).map(
      ([change, other]) =>
        (value) =>
          change(fits(value) ? value : other),
    ),
  };
}

const OF_TYPE: Record<NonNullable<Schema['type']>, unknown[]> = {
  string: [1, 0, true, [], ['x'], {}],
  integer: ['1', 1.5, true, [], {}],
  number: ['1', true, [], {}],
  boolean: ['true', 'false', '', 0, 1, [], {}],
  array: ['', 'x', 1, true, {}, { 0: 'x', length: 1 }],
  object: ['', 'x', '{}', 1, false, [], [{}]],
};

/** Values that a schema forbids, by kind. */
function own(schema: Schema, right: fc.Arbitrary<unknown>): Wrong[] {
  const { type, minimum, maximum } = schema;
  const wrong: Wrong[] = [
    ['wrong type', fc.constantFrom(...(type ? OF_TYPE[type] : []))],
  ];
  if (!schema.nullable) wrong.push(['null', fc.constant(null)]);
  if (type === 'string') {
    wrong.push(...wrongTexts(schema, right), ...unstorable());
  }
  if (minimum !== undefined) {
    wrong.push(['too small', fc.integer({ max: minimum - 1 })]);
  }
  if (maximum !== undefined) {
    wrong.push([
      'too large',
      fc.constantFrom(maximum + 1, maximum * 2, 2 ** 53 - 1),
    ]);
  }
  return wrong;
}

function ofArray(
  schema: Schema,
  item: Schema,
  rules: Rules,
  more: MoreMistakes,
  site: string,
): Mistake[] {
  const { minItems, maxItems } = schema;
  const name = `${site.split('.').at(-1)}[]`;
  const items = valuesOf(item, rules, name);
  const mistakes = mistakesOf(item, rules, more, `${site}[]`).map(
    (mistake): Mistake => ({
      ...mistake,
      changes: fc
        .tuple(mistake.changes, items, fc.nat(2))
        .map(([change, item, index]) => (value) => {
          const right = (Array.isArray(value) ? value : []) as unknown[];
          return right.toSpliced(index, 0, change(item));
        }),
    }),
  );
  if (minItems) {
    mistakes.push({
      kind: 'too few items',
      site,
      changes: instead(fc.array(items, { maxLength: minItems - 1 })),
    });
  }
  if (maxItems !== undefined) {
    mistakes.push({
      kind: 'too many items',
      site,
      changes: instead(
        fc.oneof(repeated(items, maxItems + 1), repeated(items, 2 * maxItems)),
      ),
    });
  }
  return mistakes;
}

function ofObject(
  { properties = {}, required = [], additionalProperties }: Schema,
  rules: Rules,
  more: MoreMistakes,
  site: string,
): Mistake[] {
  const unknownNames = fc
    .oneof(
      texts(0, 20).filter((name) => name !== '__proto__'),
      fc.constantFrom('constructor', 'toString', 'owner_id', 'ownerId', 'seq'),
      fc.constantFrom(...Object.keys(properties)).map((name) => ` ${name}`),
    )
    .filter((name) => !Object.hasOwn(properties, name));
  const prefix = site && `${site}.`;
  const unknown: Mistake = {
    kind: 'unknown field',
    site,
    changes: fc
      .tuple(unknownNames, fc.constantFrom(1, null, 'x', {}))
      .map(([name, field]) => having({ [name]: field })),
  };
  return [
    ...(additionalProperties === false ? [unknown] : []),
    ...required.map((name) => ({
      kind: 'missing field',
      site: prefix + name,
      changes: fc.constant(having({ [name]: undefined })),
    })),
    ...Object.entries(properties).flatMap(([name, property]) =>
      mistakesOf(property, rules, more, prefix + name).map((mistake) => ({
        ...mistake,
        changes: mistake.changes.map((change): Change => (value) => ({
          ...(value as object),
          [name]: change((value as JsonObject | undefined)?.[name]),
        })),
      })),
    ),
  ];
}

/** Sets fields of an object. Undefined removes a field. */
export function having(fields: object): Change {
  return (value) => ({ ...(value as object), ...fields });
}

function ofOpenObject(site: string): Mistake[] {
  const nested = (levels: number) =>
    JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown;
  const bad: Wrong[] = [
    ...unstorable().flatMap(([kind, values]): Wrong[] => [
      [kind, values.map((text) => ({ a: [text] }))],
      [kind, values.map((text) => ({ [String(text)]: 1 }))],
    ]),
    [
      'reserved key',
      fc.constantFrom(
        Object.fromEntries([['__proto__', {}]]),
        { a: [Object.fromEntries([['__proto__', null]])] },
        { constructor: { prototype: {} } },
      ),
    ],
    [
      'nested too deep',
      fc.integer({ min: 64, max: 1000 }).map((levels) => ({
        a: nested(levels),
      })),
    ],
  ];
  return bad.map(([kind, values]) => ({
    kind,
    site,
    changes: fc
      .tuple(openObjects, values)
      .map(([right, wrong]) => () => ({ ...right, ...(wrong as object) })),
  }));
}
