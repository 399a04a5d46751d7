import { randomInt } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, expect, inject, it } from 'vitest';
import { createOpenApiDocument } from '../../src/app/openapi/document.js';
import {
  type Operation,
  operationsOf,
} from '../support/generator/openapi-operations.js';
import {
  type RequestCase,
  rightRequests,
  wildRequests,
  wrongRequests,
} from '../support/generator/requests.js';
import { type WireAnswer, World } from '../support/generator/world.js';
import { useTestApp } from '../support/test-app.js';
import { sqliteConnectionOf } from '../support/test-database.js';
import { JWT_MODE } from '../support/tokens.js';

const {
  CI,
  GENERATED_REQUESTS = CI ? '2000' : '10000',
  GENERATED_REQUESTS_SEED: SEED = String(randomInt(2 ** 31)),
  GENERATED_REQUESTS_PATH: PATH,
} = process.env;
const REQUESTS = Number(GENERATED_REQUESTS);
/** With fewer it would be chance whether everything came up. */
const ENOUGH = 2000;
/** A request takes a few milliseconds. Making a failure smaller sends hundreds more, and ends in time to report it. */
const LIMIT_MS = 60_000 + REQUESTS * 30;
const TIMEOUT_MS = LIMIT_MS + 60_000;

const KINDS = [
  'wrong type',
  'null',
  'missing field',
  'unknown field',
  'no object',
  'too long',
  'too short',
  'too many items',
  'too few items',
  'pattern',
  'too small',
  'too large',
  'too many bytes',
  'not in the enum',
  'blank',
  'not a UUID',
  'NUL',
  'half a surrogate pair',
  'nested too deep',
  'reserved key',
  'nothing said',
  'repeated id',
  'section without document',
  'control character',
  'given twice',
  'white space at an end',
  'malformed cursor',
  'several cursors',
  'unknown parameter',
  'malformed If-Match',
  'not printable ASCII',
  'malformed URL',
  'no body',
  'broken JSON',
  'content type',
  'compressed',
  'body too large',
];

const api = useTestApp({ environment: JWT_MODE });

let operations: Operation[];
let world: World;
/** The answers that each operation gave, and the mistakes that were made. */
const answered = new Map<string, Set<number>>();
const made = new Set<string>();
let hasFailed = false;

beforeAll(async () => {
  process.stdout.write(
    `generated requests on ${inject('store')}: ${REQUESTS} with GENERATED_REQUESTS_SEED=${SEED}\n`,
  );
  if (inject('store') === 'sqlite') {
    // Waiting for the disk takes a third of the time, and finds nothing here.
    sqliteConnectionOf(api.dataSource).pragma('synchronous = OFF');
  }
  operations = operationsOf(createOpenApiDocument(api.app));
  world = await World.create(api);
});

it(
  'what keeps all rules is done',
  { timeout: TIMEOUT_MS },
  async ({ task }) => {
    await expectAnswers(rightRequests(operations, world), 0.4, task.name);
  },
);

it('one mistake is refused', { timeout: TIMEOUT_MS }, async ({ task }) => {
  await expectAnswers(wrongRequests(operations, world), 0.4, task.name);
});

it(
  'anything gets an answer of the document',
  { timeout: TIMEOUT_MS },
  async ({ task }) => {
    await expectAnswers(wildRequests(operations, world), 0.2, task.name);
  },
);

it('every operation and every mistake came up', ({ skip }) => {
  skip(REQUESTS < ENOUGH || !!PATH, 'too few requests to tell');
  skip(hasFailed, 'a failure has ended the requests early');
  for (const { name, parameters, body } of operations) {
    const seen = [...(answered.get(name) ?? [])];
    expect(
      seen.some((status) => status < 300),
      `${name} done`,
    ).toBe(true);
    // Of what takes nothing, only a request without a host is one.
    const canBeWrong = parameters.length > 0 || body !== undefined;
    if (canBeWrong) expect(seen, name).toContain(400);
  }
  expect([...made].toSorted()).toEqual(KINDS.toSorted());
});

/** Sends a share of all requests. Of those that fail the smallest is reported, with how to send it again. */
async function expectAnswers(
  cases: fc.Arbitrary<RequestCase>,
  share: number,
  test: string,
): Promise<void> {
  const property = fc.asyncProperty(cases, async (requestCase) => {
    const answer = await world.send(requestCase.request);
    const { operation, kind } = requestCase;
    answered.set(
      operation.name,
      (answered.get(operation.name) ?? new Set()).add(answer.status),
    );
    if (kind) made.add(kind);
    const wrong = complaint(requestCase, answer);
    if (wrong) throw new Error(wrong);
  });
  const { failed, counterexamplePath, errorInstance } = await fc.check(
    property,
    {
      numRuns: Math.ceil(REQUESTS * share),
      seed: Number(SEED),
      path: PATH,
      interruptAfterTimeLimit: LIMIT_MS,
      markInterruptAsFailure: true,
    },
  );
  if (!failed) return;
  hasFailed = true;
  const message =
    errorInstance instanceof Error
      ? errorInstance.message
      : `More than ${LIMIT_MS} ms have passed.`;
  throw new Error(
    `${message}\n\nAgain: GENERATED_REQUESTS_SEED=${SEED} GENERATED_REQUESTS_PATH=${counterexamplePath} ` +
      `npx vitest run --project e2e:${inject('store')} generated-requests -t '${test}'\n` +
      '(without the path where it takes what was sent before)',
  );
}

/** What is wrong with an answer. */
function complaint(
  { operation, request, statuses, isJudged, kind, site }: RequestCase,
  { status, body, isKeyUsed }: WireAnswer,
): string | undefined {
  const wrong = api.violations.splice(0);
  if (status >= 500) wrong.push('The service failed.');
  if (status >= 400 && !isError(body)) wrong.push('This is no error body.');
  // Another request had the key; or this one, and what it made is gone.
  const ofUsedKey = isJudged && isKeyUsed ? [404, 422] : [];
  if (statuses && ![...statuses, ...ofUsedKey].includes(status)) {
    const mistake = kind ? `${kind} at ${site || 'the request'}` : 'no mistake';
    wrong.push(`With ${mistake} it should be ${statuses.join(' or ')}.`);
  }
  if (wrong.length === 0) return undefined;
  const { method, url, headers, payload } = request;
  return [
    `${operation.name} answered ${status}: ${body.slice(0, 500)}`,
    ...wrong,
    `${method} ${url}`,
    JSON.stringify(headers),
    payload?.toString() ?? 'without a body',
  ]
    .map((line) => (line.length > 2000 ? `${line.slice(0, 2000)} ...` : line))
    .join('\n');
}

function isError(body: string): boolean {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string';
  } catch {
    return false;
  }
}
