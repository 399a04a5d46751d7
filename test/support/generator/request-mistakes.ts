import * as fc from 'fast-check';
import { texts } from './json-arbitrary.js';
import { miswritings } from './miswritings.js';
import type { Operation, Parameter } from './openapi-operations.js';
import {
  parameterTexts,
  partsOf,
  type RequestParts,
  written,
} from './request-parts.js';
import type { Rules } from './schema-arbitrary.js';
import { type Mistake, mistakesOf } from './schema-mistakes.js';
import { moreMistakes, wrongQueries } from './unsaid-mistakes.js';
import { rulesOf, statusesOfRight } from './unsaid-rules.js';
import type { WireRequest, World } from './world.js';
import { type Wrong, wrongTexts } from './wrong-texts.js';

/** One way to break one rule of an operation. */
export interface RequestMistake {
  operation: Operation;
  kind: string;
  site: string;
  requests: fc.Arbitrary<{
    request: WireRequest;
    statuses: number[];
    isJudged?: boolean;
  }>;
}

/** All mistakes that a request to the operation can have. */
export function mistakesIn(
  operation: Operation,
  world: World,
): RequestMistake[] {
  const rules = rulesOf(world);
  const right = partsOf(operation, rules);

  /** A mistake in the values of a request. */
  function inParts(
    { kind, site, isLate }: Omit<Mistake, 'changes'>,
    changes: fc.Arbitrary<(parts: RequestParts) => RequestParts>,
  ): RequestMistake {
    // No `chain`: fast-check can hardly shrink its values.
    const requests = fc.tuple(right, changes).map(([unchanged, change]) => {
      const parts = change(unchanged);
      const comesFirst = isLate
        ? statusesOfRight(operation, parts, world).filter((it) => it >= 400)
        : [];
      return {
        request: written(operation, parts),
        statuses: [400, ...comesFirst],
        isJudged: isLate,
      };
    });
    return { operation, kind, site, requests };
  }

  const inBody = operation.body
    ? mistakesOf(operation.body, rules, moreMistakes)
    : [];
  return [
    ...inBody.map((mistake) =>
      inParts(
        mistake,
        mistake.changes.map((change) => (parts) => ({
          ...parts,
          body: change(parts.body),
        })),
      ),
    ),
    ...operation.parameters.flatMap((parameter) =>
      wrongValues(parameter, rules).map(([kind, values]) => {
        const { in: place, name } = parameter;
        return inParts(
          { kind, site: name },
          values.map((value) => (parts) => ({
            ...parts,
            [place]: { ...parts[place], [name]: value },
          })),
        );
      }),
    ),
    ...wrongQueries(operation).map(([kind, queries]) =>
      inParts(
        { kind, site: 'query' },
        queries.map((query) => (parts) => ({ ...parts, query })),
      ),
    ),
    ...miswritings(operation, rules).map(
      ({ kind, site = '', status = 400, changes }) => ({
        operation,
        kind,
        site,
        requests: fc.tuple(right, changes).map(([parts, change]) => {
          const request = written(operation, parts);
          return {
            request: { ...request, ...change(request) },
            statuses: [status],
          };
        }),
      }),
    ),
  ];
}

/** Invalid values of a parameter, as text. */
function wrongValues(parameter: Parameter, rules: Rules): Wrong[] {
  const { name, in: place, schema } = parameter;
  const more = (moreMistakes[name] ?? []).map(({ kind, changes }): Wrong => [
    kind,
    changes.map((change) => change(undefined)),
  ]);
  if (schema.type === 'integer') return [...wrongNumbers(schema), ...more];
  if (schema.type === 'boolean') return [['wrong type', notBooleans], ...more];
  const right = parameterTexts(parameter, rules);
  const wrong = wrongTexts(schema, right);
  if (place === 'header') return [...wrong.map(onlyIf(isHeaderText)), ...more];
  wrong.push(['NUL', right.map((text) => `${text}\0`)], ...more);
  if (place === 'query') return wrong;
  // A path segment that is empty or only dots makes another path.
  return wrong
    .filter(([kind]) => kind !== 'too short')
    .map(onlyIf((text) => !['', '.', '..'].includes(text)));
}

function onlyIf(condition: (text: string) => boolean) {
  return ([kind, values]: Wrong): Wrong => [
    kind,
    values.filter((text) => condition(text as string)),
  ];
}

function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e\xa1-\xff]*$/.test(text);
}

function wrongNumbers({ minimum, maximum }: Parameter['schema']): Wrong[] {
  const wrong: Wrong[] = [
    [
      'wrong type',
      fc.oneof(
        texts().filter((text) => !/^-?\d+$/.test(text)),
        fc.constantFrom('', ' 1', '1.5', '1e1', '0x1', '+1', '\uff11', 'NaN'),
      ),
    ],
  ];
  if (minimum !== undefined) {
    wrong.push(['too small', fc.integer({ max: minimum - 1 }).map(String)]);
  }
  if (maximum !== undefined) {
    wrong.push([
      'too large',
      fc.oneof(
        fc.bigInt({ min: BigInt(maximum) + 1n, max: 10n ** 400n }).map(String),
        fc.constant(String(maximum + 1)),
      ),
    ]);
  }
  return wrong;
}

const notBooleans = fc.oneof(
  texts().filter((text) => !/^(true|false)$/.test(text)),
  fc.constantFrom('', '0', '1', 'True', 'FALSE', 'yes', ' true', 'null'),
);
