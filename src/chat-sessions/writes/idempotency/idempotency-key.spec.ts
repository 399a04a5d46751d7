import { describe, expect, it } from 'vitest';
import { type KeyedRequest, repeatableRequestOf } from './idempotency-key.js';

const PATH = '/api/chat-sessions/1/messages';
const HELLO = { role: 'user', content: 'Hello' };

const given = (request: object) => repeatableRequestOf(request as KeyedRequest);

/** A request as Express has it: Node's own. */
function express(changes: object = {}) {
  return {
    rawHeaders: ['idempotency-key', 'a', 'Host', 'localhost'],
    method: 'POST',
    // The rest of the path in a router that is mounted at /api.
    url: PATH.slice('/api'.length),
    originalUrl: PATH,
    body: HELLO,
    ...changes,
  };
}

/** The same one as Fastify has it. */
function fastify(changes: object = {}) {
  const { rawHeaders, ...request } = express(changes);
  return { ...request, url: request.originalUrl, raw: { rawHeaders } };
}

describe('repeatableRequestOf', () => {
  it('gives the key and the hash of the request, the same with either adapter', () => {
    const repeatable = given(express());
    expect(repeatable).toEqual({
      key: 'a',
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect(given(fastify())).toEqual(repeatable);
  });

  it('gives nothing where there is no key', () => {
    for (const adapter of [express, fastify]) {
      expect(given(adapter({ rawHeaders: ['Host', 'a'] }))).toBeUndefined();
    }
  });

  it('has one hash for a request, whatever its query and its key', () => {
    const { hash } = given(express())!;
    for (const same of [
      { originalUrl: `${PATH}?a=b?c` },
      { rawHeaders: ['Idempotency-Key', 'b'] },
      { body: structuredClone(HELLO) },
      { body: { content: HELLO.content, role: HELLO.role } },
    ]) {
      expect(given(express(same))?.hash).toBe(hash);
    }
  });

  it('has another hash for each other request', () => {
    const requests = [
      {},
      { method: 'PUT' },
      { originalUrl: PATH.toUpperCase() },
      { originalUrl: `${PATH}/` },
      { body: undefined },
      { body: {} },
      { body: [HELLO] },
      { body: { ...HELLO, content: 'hello' } },
      // Neither is part of the other.
      { originalUrl: `${PATH}\n{}`, body: undefined },
    ];
    const hashes = requests.map((request) => given(express(request))?.hash);
    expect(new Set(hashes).size).toBe(requests.length);
  });
});
