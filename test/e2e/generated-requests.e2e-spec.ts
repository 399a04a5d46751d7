import * as fc from 'fast-check';
import { randomInt } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
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
import { type WireResponse, World } from '../support/generator/world.js';
import { STORE } from '../support/stores.js';
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
const BODY_LIMIT = 4 * 1024 * 1024;
/** With fewer requests, some kinds may not come up. */
const ENOUGH = 2000;
/** A request takes a few milliseconds, more on a busy machine. The limit ends the shrinking of a failure, which sends hundreds more, before the test's timeout. */
const LIMIT_MS = 60_000 + REQUESTS * 100;
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

const api = useTestApp({
  environment: { ...JWT_MODE, BODY_LIMIT: String(BODY_LIMIT) },
});

let operations: Operation[];
let world: World;
/** The statuses of each operation, and the kinds of mistakes that were sent. */
const answered = new Map<string, Set<number>>();
const made = new Set<string>();
let hasFailed = false;

beforeAll(async () => {
  process.stdout.write(
    `generated requests on ${STORE}: ${REQUESTS} with GENERATED_REQUESTS_SEED=${SEED}\n`,
  );
  if (STORE === 'sqlite') {
    // Waiting for the disk takes a third of the time, and tests nothing here.
    sqliteConnectionOf(api.dataSource).pragma('synchronous = OFF');
  }
  operations = operationsOf(createOpenApiDocument(api.app));
  world = await World.create(api);
});

it('a valid request succeeds', { timeout: TIMEOUT_MS }, async ({ task }) => {
  await expectAnswers(rightRequests(operations, world), 0.4, task.name);
});

it(
  'a request with one mistake is refused',
  { timeout: TIMEOUT_MS },
  async ({ task }) => {
    await expectAnswers(wrongRequests(operations, world), 0.4, task.name);
  },
);

it(
  'any request gets a documented response',
  { timeout: TIMEOUT_MS },
  async ({ task }) => {
    await expectAnswers(wildRequests(operations, world), 0.2, task.name);
  },
);

it('all operations and all kinds of mistakes came up', ({ skip }) => {
  skip(REQUESTS < ENOUGH || !!PATH, 'too few requests to tell');
  skip(hasFailed, 'a failure has ended the requests early');
  for (const { name, parameters, body } of operations) {
    const seen = [...(answered.get(name) ?? [])];
    expect(
      seen.some((status) => status < 300),
      `${name} done`,
    ).toBe(true);
    // An operation without parameters and body refuses only a request without Host.
    const canBeWrong = parameters.length > 0 || body !== undefined;
    if (canBeWrong) expect(seen, name).toContain(400);
  }
  expect([...made].toSorted()).toEqual(KINDS.toSorted());
});

/** Sends a share of all requests. Reports the smallest that fails, and how to repeat it. */
async function expectAnswers(
  cases: fc.Arbitrary<RequestCase>,
  share: number,
  test: string,
): Promise<void> {
  const property = fc.asyncProperty(cases, async (requestCase) => {
    const response = await world.send(requestCase.request);
    const { operation, kind } = requestCase;
    answered.set(
      operation.name,
      (answered.get(operation.name) ?? new Set()).add(response.status),
    );
    if (kind) made.add(kind);
    const wrong = complaint(requestCase, response);
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
      `npx vitest run --project e2e:${STORE} generated-requests -t '${test}'\n` +
      '(without the path if the failure depends on earlier requests)',
  );
}

/** The problems of a response, or undefined. */
function complaint(
  { operation, request, statuses, isJudged, kind, site }: RequestCase,
  { status, body, isKeyUsed }: WireResponse,
): string | undefined {
  const wrong = api.violations.splice(0);
  if (status >= 500) wrong.push('The service failed.');
  if (status >= 400 && !isError(body)) wrong.push('This is no error body.');
  // 422: another request had the key. 404: this one had it, and what it created is gone.
  const ofUsedKey = isJudged && isKeyUsed ? [404, 422] : [];
  // A body with too many items may also be too large.
  const bytes = Buffer.byteLength(request.payload ?? '');
  const ofLargeBody = bytes > BODY_LIMIT ? [413] : [];
  const allowed = [...(statuses ?? []), ...ofUsedKey, ...ofLargeBody];
  if (statuses && !allowed.includes(status)) {
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
