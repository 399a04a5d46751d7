import * as fc from 'fast-check';
import { headerTexts, texts, wildJson } from './json-arbitrary.js';
import type { Operation } from './openapi-operations.js';
import { mistakesIn } from './request-mistakes.js';
import { partsOf, written } from './request-parts.js';
import { rulesOf, statusesOfRight } from './unsaid-rules.js';
import type { WireRequest, World } from './world.js';

/** A generated request, and the statuses that it may get. */
export interface RequestCase {
  operation: Operation;
  request: WireRequest;
  /** Undefined if any documented status is right. */
  statuses?: number[];
  /** Whether the request is well-formed, so that its Idempotency-Key is used. */
  isJudged?: boolean;
  /** The kind of its mistake. */
  kind?: string;
  /** The field or parameter of the mistake. */
  site?: string;
}

/** Requests without a mistake. */
export function rightRequests(
  operations: Operation[],
  world: World,
): fc.Arbitrary<RequestCase> {
  const rules = rulesOf(world);
  return oneOperation(operations, (operation) =>
    partsOf(operation, rules).map((parts) => ({
      operation,
      request: written(operation, parts),
      statuses: statusesOfRight(operation, parts, world),
      isJudged: true,
    })),
  );
}

/** Requests with one mistake. All kinds are equally frequent, and so are all operations that can have a kind. */
export function wrongRequests(
  operations: Operation[],
  world: World,
): fc.Arbitrary<RequestCase> {
  const mistakes = operations.flatMap((operation) =>
    mistakesIn(operation, world),
  );
  return oneFor(
    groupsBy(mistakes, ({ kind }) => kind),
    (ofKind) =>
      oneFor(
        groupsBy(ofKind, ({ operation }) => operation.name),
        (some) =>
          oneFor(some, ({ operation, kind, site, requests }) =>
            requests.map((request) => ({ operation, kind, site, ...request })),
          ),
      ),
  );
}

/** Operations without parameters and body are less frequent: all their requests are the same. */
function oneOperation(
  operations: Operation[],
  cases: (operation: Operation) => fc.Arbitrary<RequestCase>,
) {
  return fc.oneof(
    ...operations.map((operation) => ({
      weight: operation.parameters.length > 0 || operation.body ? 4 : 1,
      arbitrary: cases(operation),
    })),
  );
}

function oneFor<T>(
  items: T[],
  cases: (item: T) => fc.Arbitrary<RequestCase>,
): fc.Arbitrary<RequestCase> {
  return fc.oneof(...items.map(cases));
}

function groupsBy<T>(items: T[], key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  }
  return [...groups.values()];
}

/** Requests with random data in some of their parts. */
export function wildRequests(
  operations: Operation[],
  world: World,
): fc.Arbitrary<RequestCase> {
  const rules = rulesOf(world);
  return oneOperation(operations, (operation) =>
    fc
      .record({
        parts: partsOf(operation, rules),
        field: sometimes(fc.tuple(fc.nat(), wildJson)),
        path: sometimes(wildPaths(operation)),
        query: sometimes(wildQueries(operation)),
        headers: sometimes(wildHeaders(operation)),
        payload: sometimes(wildPayloads),
      })
      .map(({ parts, field, path, query, headers, payload }) => {
        const body = field ? withField(parts.body, ...field) : parts.body;
        const right = written(operation, { ...parts, body });
        const [rightPath, rightQuery] = right.url.split('?');
        const request: WireRequest = {
          method: operation.method,
          url: [path ?? rightPath, query ?? rightQuery ?? []].flat().join('?'),
          headers: { ...right.headers, ...headers },
          payload: right.payload,
        };
        if (payload !== undefined) {
          request.headers = { 'content-type': 'application/json', ...headers };
          request.payload = payload;
        }
        return { operation, request };
      }),
  );
}

function sometimes<T>(values: fc.Arbitrary<T>) {
  const never = { weight: 2, arbitrary: fc.constant(undefined) };
  return fc.oneof(never, { weight: 1, arbitrary: values });
}

/** A body whose field has another value. */
function withField(body: unknown, index: number, value: unknown): unknown {
  if (body === undefined) return undefined;
  const names = ['title', 'messages', ...Object.keys(body as object)];
  return { ...(body as object), [names[index % names.length]!]: value };
}

/** Text in a URL: percent-encoded text, percent-encoded bytes, or unencoded text. */
const wildUrlTexts = fc.oneof(
  texts(0, 200).map(encodeURIComponent),
  fc
    .uint8Array({ maxLength: 20 })
    .map((bytes) =>
      Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`),
    )
    .map((bytes) => bytes.join('')),
  texts(0, 200),
  fc.string(),
);

function wildPaths({ path }: Operation) {
  const [start, ...ends] = path.split(/\{\w+\}/);
  return fc
    .tuple(...ends.map(() => wildUrlTexts))
    .map((values) =>
      values.reduce((url, value, index) => url + value + ends[index], start!),
    );
}

function wildQueries({ parameters }: Operation) {
  const names = fc.oneof(
    fc.constantFrom('limit', ...parameters.map(({ name }) => name)),
    wildUrlTexts,
  );
  const pairs = fc.tuple(names, wildUrlTexts).map((pair) => pair.join('='));
  return fc.oneof(
    fc.array(pairs, { maxLength: 4 }).map((some) => some.join('&')),
    wildUrlTexts,
  );
}

function wildHeaders({ parameters }: Operation) {
  const names = [
    ...parameters.filter((it) => it.in === 'header').map(({ name }) => name),
    'content-type',
    'content-encoding',
    'accept',
    'accept-encoding',
    'x-request-id',
    'idempotency-key',
    'x-forwarded-for',
    'origin',
    'x-user-id',
    'cookie',
    'host',
    'range',
    'authorization',
  ];
  return fc.dictionary(fc.constantFrom(...names), headerTexts(), {
    maxKeys: 3,
    noNullPrototype: true,
  });
}

const wildPayloads: fc.Arbitrary<string | Buffer> = fc.oneof(
  wildJson.map((value) => JSON.stringify(value)),
  fc
    .tuple(fc.integer({ min: 1, max: 20_000 }), fc.constantFrom('[', '{"a":'))
    .map(([levels, open]) => open.repeat(levels)),
  texts(),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);
