import * as fc from 'fast-check';
import { texts } from './json-arbitrary.js';
import {
  type Operation,
  parametersIn,
  readsBodies,
} from './openapi-operations.js';
import { parameterTexts } from './request-parts.js';
import type { Rules } from './schema-arbitrary.js';
import type { WireRequest } from './world.js';

/** A mistake in the HTTP or JSON of a request. */
export interface Miswriting {
  kind: string;
  site?: string;
  /** Default: 400. */
  status?: number;
  changes: fc.Arbitrary<(request: WireRequest) => Partial<WireRequest>>;
}

/** All mistakes that a client can make in the HTTP or JSON of an operation. */
export function miswritings(operation: Operation, rules: Rules): Miswriting[] {
  return [...wrongUrls(operation, rules), ...wrongBodies(operation)];
}

function wrongUrls(operation: Operation, rules: Rules): Miswriting[] {
  const parameters = parametersIn(operation, 'query');
  const wrong: Miswriting[] = parameters.map((parameter) => ({
    kind: 'given twice',
    site: parameter.name,
    changes: fc
      .array(parameterTexts(parameter, rules), { minLength: 2, maxLength: 3 })
      .map((values) => ({ url }) => ({
        url: `${url.split('?')[0]}?${values
          .map((value) => `${parameter.name}=${encodeURIComponent(value)}`)
          .join('&')}`,
      })),
  }));
  // Operations without a query ignore it.
  if (parameters.length > 0) {
    const known = parameters.map(({ name }) => name);
    wrong.push({
      kind: 'unknown parameter',
      changes: fc
        .oneof(
          texts(1),
          fc.constantFrom('__proto__', 'constructor', 'owner_id', 'Limit'),
          fc.constantFrom(...known).map((name) => `${name}[]`),
        )
        .filter((name) => !known.includes(name))
        .map((name) => ({ url }) => ({
          url: `${url}${url.includes('?') ? '&' : '?'}${encodeURIComponent(name)}=1`,
        })),
    });
  }
  if (parametersIn(operation, 'path').length > 0) {
    wrong.push({
      kind: 'malformed URL',
      changes: fc
        .constantFrom('%', '%zz', '%f', '%ff', '%ED%A0%80', '%C0%AF')
        .map((bad) => () => ({
          url: operation.path.replaceAll(/\{\w+\}/g, bad),
        })),
    });
  }
  return wrong;
}

const NOT_JSON_TYPES = [
  '',
  'text/plain',
  'text/json',
  'application/json5',
  'application/jsonx',
  'application/merge-patch+json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application',
  '*/*',
  'json',
];
const BROKEN_JSON = [
  ' ',
  '{',
  "{'a':1}",
  '{"a":1,}',
  '{}{}',
  '{"a":NaN}',
  '{"a":"\n"}',
  '{"a":01}',
  '{"a":1e400}',
  '{"a":[-1e999]}',
  '{"\\ud83d":1}',
  '{a:1}',
  '{"__proto__":{}}',
  '{"a":"\\x41"}',
  '// x\n{}',
  '{"a":undefined}',
  Buffer.from('{"title":"\xff"}', 'latin1'),
  Buffer.from('{"title":"x"}', 'utf16le'),
];
const BODY_LIMIT = 4 * 1024 * 1024;
const tooLarge = `{"title":"${'x'.repeat(BODY_LIMIT)}"}`;

function wrongBodies(operation: Operation): Miswriting[] {
  if (!readsBodies(operation)) return [];
  const withPayload =
    (payload: WireRequest['payload']) =>
    ({ headers }: WireRequest) => ({
      headers: { ...headers, 'content-type': 'application/json' },
      payload,
    });
  const wrong: Miswriting[] = [
    {
      kind: 'broken JSON',
      changes: fc.oneof(
        fc.constantFrom(...BROKEN_JSON).map(withPayload),
        // Truncated JSON.
        fc
          .double({ min: 0.1, max: 0.99, noNaN: true })
          .map((part) => (request: WireRequest) => {
            const text = request.payload?.toString() ?? '{"title":"x"}';
            return withPayload(text.slice(0, Math.max(1, text.length * part)))(
              request,
            );
          }),
      ),
    },
    {
      kind: 'body too large',
      status: 413,
      changes: fc.constant(withPayload(tooLarge)),
    },
    {
      kind: 'content type',
      status: 415,
      changes: fc
        .constantFrom(
          ...NOT_JSON_TYPES.filter(
            (type) => !operation.mediaTypes.includes(type),
          ),
        )
        .map((type) => ({ headers, payload = '{}' }) => ({
          headers: { ...headers, 'content-type': type },
          payload,
        })),
    },
    {
      kind: 'compressed',
      status: 415,
      changes: fc
        .constantFrom('gzip', 'br', 'deflate', 'x')
        .map((encoding) => ({ headers }) => ({
          headers: { ...headers, 'content-encoding': encoding },
        })),
    },
  ];
  if (operation.body) {
    wrong.push(
      { kind: 'no body', changes: fc.constant(() => ({ payload: undefined })) },
      {
        kind: 'no object',
        changes: fc
          .constantFrom('null', '[]', '[{}]', '"x"', '"{}"', '1', 'true')
          .map(withPayload),
      },
    );
  }
  return wrong;
}
