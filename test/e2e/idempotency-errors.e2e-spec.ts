import type { OpenAPIObject } from '@nestjs/swagger';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  append,
  errorBody,
  failureBody,
  getSession,
  NOBODYS_ID,
  validationErrors,
} from '../support/api.js';
import { exchange } from '../support/exchange.js';
import { HELLO, useKeyedRequests } from '../support/idempotent.js';
import { inParallel } from '../support/parallel.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
const keyed = useKeyedRequests(api, 1);
const { post } = keyed;

/** The session of the test is as it was created. */
async function expectUnchanged() {
  expect(await getSession(api, keyed.session.id)).toEqual(keyed.session);
}

describe('a request sent again with its Idempotency-Key', () => {
  it('is replayed although If-Match no longer matches: clear', async () => {
    const path = `/api/chat-sessions/${keyed.session.id}`;
    const { headers } = await api.send('GET', path);
    const ifMatch = { 'if-match': headers.etag! };
    const first = await keyed.clear(ifMatch);
    const again = await keyed.clear(ifMatch);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.headers).toMatchObject({
      'idempotent-replayed': 'true',
      etag: first.headers.etag,
    });
  });

  it('answers 404 after the session was deleted', async () => {
    const requests = [
      ['messages', () => keyed.append(HELLO)],
      ['clear', () => keyed.clear({ 'idempotency-key': 'c' })],
    ] as const;
    for (const [, send] of requests) {
      expect((await send()).status).toBeLessThan(300);
    }
    await api.send('DELETE', `/api/chat-sessions/${keyed.session.id}`);
    for (const [name, send] of requests) {
      const again = await send();
      expect(again.status).toBe(404);
      expect(again.body).toEqual(
        failureBody(
          `POST /api/chat-sessions/:session_id/${name}`,
          'Chat session not found',
        ),
      );
      expect(again.headers).not.toHaveProperty('idempotent-replayed');
    }
  });

  it('answers 404 after its messages were deleted', async () => {
    const messages = [HELLO, HELLO];
    await keyed.append({ messages });
    await api.send('POST', `/api/chat-sessions/${keyed.session.id}/clear`);
    const again = await keyed.append({ messages });
    expect(again.status).toBe(404);
    expect(again.body).toEqual(
      errorBody('The messages of this request were deleted since'),
    );
    expect((await getSession(api, keyed.session.id)).message_count).toBe(0);
  });

  it('may have another query', async () => {
    const first = await post('?try=1', {});
    const again = await post('?try=2', {});
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.headers['idempotent-replayed']).toBe('true');
  });
});

describe('an Idempotency-Key of a request that fails', () => {
  it.each([
    ['404', () => post(`/${NOBODYS_ID}/messages`, HELLO)],
    ['400', () => keyed.append({ ...HELLO, content: ' ' })],
    ['412', () => keyed.clear({ 'if-match': '"1-1"' })],
  ])(
    'can be used again, after 50 failures at once: %s',
    async (failure, send) => {
      const responses = await inParallel(50, send);
      for (const { status, headers } of responses) {
        expect([Number(failure), 409]).toContain(status);
        if (status === 409) expect(headers['retry-after']).toBe('1');
      }
      expect(responses.map(({ status }) => status)).toContain(Number(failure));
      await expectUnchanged();
      expect((await keyed.append(HELLO)).status).toBe(201);
    },
  );

  it('can be used again after a batch with a stored and a new message', async () => {
    await append(api, keyed.session.id, { ...HELLO, id: 'mine' });
    const messages = [{ ...HELLO, id: 'mine' }, HELLO];
    const response = await keyed.append({ messages });
    expect(response.status).toBe(409);
    expect(response.headers).not.toHaveProperty('retry-after');
    expect((await keyed.append(HELLO)).status).toBe(201);
  });
});

describe('an Idempotency-Key in the bytes of a request', () => {
  let url: URL;

  beforeAll(async () => {
    url = new URL(await api.listen());
  });

  function send(...lines: string[]) {
    const body = JSON.stringify(HELLO);
    const head = [
      `POST /api/chat-sessions/${keyed.session.id}/messages HTTP/1.1`,
      `Host: ${url.host}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      ...lines,
    ];
    return exchange(url, `${head.join('\r\n')}\r\n\r\n${body}`);
  }

  it.each([
    ['empty', ['Idempotency-Key:']],
    ['only spaces', ['Idempotency-Key:   ']],
    ['256 characters', [`Idempotency-Key: ${'x'.repeat(256)}`]],
    ['beyond ASCII', ['Idempotency-Key: schlüssel']],
    ['with a tab', ['Idempotency-Key: a\tb']],
  ])('is refused: %s', async (_, lines) => {
    const response = await send(...lines);
    expect(response.status).toBe('HTTP/1.1 400 Bad Request');
    expect(response.body).toEqual(
      validationErrors(
        'Idempotency-Key must be 1 to 255 printable ASCII characters',
      ),
    );
    await expectUnchanged();
  });

  it('is refused if it is given twice', async () => {
    for (const other of [keyed.key, 'other']) {
      const response = await send(
        `Idempotency-Key: ${keyed.key}`,
        `idempotency-key: ${other}`,
      );
      expect(response.status).toBe('HTTP/1.1 400 Bad Request');
      expect(response.body).toEqual(
        validationErrors('Idempotency-Key must be given once'),
      );
    }
    await expectUnchanged();
  });

  it('is refused by the HTTP parser with any other control character', async () => {
    for (const character of ['\0', '\x01', '\n', '\x1f', '\x7f']) {
      const response = await send(`Idempotency-Key: a${character}b`);
      expect(response.status).toBe('HTTP/1.1 400 Bad Request');
    }
    await expectUnchanged();
  });

  it('is the same with white space around it', async () => {
    const first = await send(`Idempotency-Key: ${keyed.key}`);
    const again = await send(`Idempotency-Key:  \t ${keyed.key}  `);
    expect(first.status).toBe('HTTP/1.1 201 Created');
    expect(again.head).toContain('idempotent-replayed: true');
    expect(again.body).toEqual(first.body);
  });

  it('is refused with white space around it that no HTTP parser has removed', async () => {
    for (const value of [' a', 'a ']) {
      const response = await post('', {}, { 'idempotency-key': value });
      expect(response.status).toBe(400);
    }
  });
});

describe('the OpenAPI document', () => {
  it.each([
    ['/api/chat-sessions', ['200', '201']],
    ['/api/chat-sessions/{session_id}/messages', ['200', '201']],
    ['/api/chat-sessions/{session_id}/clear', ['200']],
  ])('describes Idempotency-Key: POST %s', async (path, successes) => {
    const { body } = await api.send<OpenAPIObject>('GET', '/api/docs-json');
    const { parameters, responses } = body.paths[path]!.post!;
    const parameter = parameters?.find(
      (it) => 'name' in it && it.name === 'Idempotency-Key',
    );
    expect(parameter).toMatchObject({ in: 'header', required: false });
    // Swagger UI would fill in an example, and the second try would be a replay.
    expect(JSON.stringify(parameter)).not.toContain('"example');
    for (const status of successes) {
      expect(responses[status]).toHaveProperty([
        'headers',
        'Idempotent-Replayed',
      ]);
    }
    expect(responses['409']).toHaveProperty(['headers', 'Retry-After']);
    expect(responses['409']).toMatchObject({
      description: expect.stringContaining('is still running') as string,
    });
    expect(responses).toHaveProperty('422');
  });

  it('has an example for each error of a 409', async () => {
    const { body } = await api.send<OpenAPIObject>('GET', '/api/docs-json');
    const { responses } = body.paths['/api/chat-sessions']!.post!;
    const { content } = responses['409'] as {
      content: Record<string, { examples: Record<string, { value: object }> }>;
    };
    const { examples } = content['application/json']!;
    expect(Object.values(examples).map(({ value }) => value)).toEqual([
      errorBody('Chat session id is already in use', 'session_id_taken'),
      errorBody('Chat session exists with other messages', 'session_differs'),
      errorBody('The section already has a chat session', 'section_taken'),
      errorBody(
        'The first request with this Idempotency-Key is still running',
        'key_in_use',
      ),
    ]);
  });
});
