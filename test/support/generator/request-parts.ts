import * as fc from 'fast-check';
import { headerTexts } from './json-arbitrary.js';
import {
  type Operation,
  type Parameter,
  parametersIn,
} from './openapi-operations.js';
import { type Rules, valuesOf } from './schema-arbitrary.js';
import { correctedQuery } from './unsaid-rules.js';
import type { WireRequest } from './world.js';

/** The values of a request, before they become a URL, headers and a body. */
export interface RequestParts {
  path: Record<string, string>;
  query: Record<string, string>;
  header: Record<string, string>;
  body?: unknown;
}

/** The values of valid requests. */
export function partsOf(
  operation: Operation,
  rules: Rules,
): fc.Arbitrary<RequestParts> {
  const { body } = operation;
  return fc.record({
    path: parametersOf(operation, 'path', rules),
    query: parametersOf(operation, 'query', rules).map(correctedQuery),
    header: parametersOf(operation, 'header', rules),
    body: body ? valuesOf(body, rules) : fc.constant(undefined),
  });
}

function parametersOf(
  operation: Operation,
  place: Parameter['in'],
  rules: Rules,
): fc.Arbitrary<Record<string, string>> {
  const parameters = parametersIn(operation, place);
  return fc.record<Record<string, string>, string>(
    Object.fromEntries(
      parameters.map((parameter) => [
        parameter.name,
        parameterTexts(parameter, rules),
      ]),
    ),
    {
      requiredKeys: parameters
        .filter(({ required }) => required)
        .map(({ name }) => name),
      noNullPrototype: true,
    },
  );
}

/** The values of a parameter, as text. */
export function parameterTexts(
  { name, in: place, schema }: Parameter,
  rules: Rules,
): fc.Arbitrary<string> {
  return place === 'header' && !rules.values[name] && !schema.pattern
    ? headerTexts(schema.minLength, schema.maxLength)
    : valuesOf(schema, rules, name).map(String);
}

/** Content types that mean JSON. */
const JSON_TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'Application/JSON;charset=UTF-8',
];

export function written(
  { method, path }: Operation,
  parts: RequestParts,
): WireRequest {
  const query = Object.entries(parts.query).map((pair) =>
    pair.map(encodeURIComponent).join('='),
  );
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(parts.path[name]!),
  );
  const payload =
    parts.body === undefined ? undefined : JSON.stringify(parts.body);
  const type = JSON_TYPES[(payload?.length ?? 0) % JSON_TYPES.length]!;
  return {
    method,
    url: [url, ...(query.length > 0 ? [query.join('&')] : [])].join('?'),
    headers: { ...(payload && { 'content-type': type }), ...parts.header },
    payload,
  };
}
