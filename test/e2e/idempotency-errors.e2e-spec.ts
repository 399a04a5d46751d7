import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { OpenAPIObject } from '@nestjs/swagger';
import {
  append,
  createSession,
  errorBody,
  failureBody,
  getSession,
  NOBODYS_ID,
  numbers,
  type Session,
  validationErrors,
} from '../support/api.js';
import { exchange } from '../support/exchange.js';
import { type Answer, useTestApp } from '../support/test-app.js';

const api = useTestApp();
const HELLO = { role: 'user', content: 'Hello' };

let key: string;
let session: Session;

beforeEach(async () => {
  key = randomUUID();
  session = await createSession(api, {}, 1);
});

function post(
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer<{ error: string }>> {
  return api.send('POST', `/api/chat-sessions${path}`, body, {
    'idempotency-key': key,
    ...headers,
  });
}

describe('a request sent again with its Idempotency-Key', () => {
  it('to clear, is replayed before If-Match is looked at', async () => {
    const { headers } = await api.send(
      'GET',
      `/api/chat-sessions/${session.id}`,
    );
    const ifMatch = { 'if-match': headers.etag! };
    const first = await post(`/${session.id}/clear`, undefined, ifMatch);
    const again = await post(`/${session.id}/clear`, undefined, ifMatch);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.headers).toMatchObject({
      'idempotent-replayed': 'true',
      etag: first.headers.etag,
    });
  });

  it('is told when the session is gone since', async () => {
    const requests = [
      ['messages', () => post(`/${session.id}/messages`, HELLO)],
      [
        'clear',
        () =>
          post(`/${session.id}/clear`, undefined, { 'idempotency-key': 'c' }),
      ],
    ] as const;
    for (const [, send] of requests) {
      expect((await send()).status).toBeLessThan(300);
    }
    await api.send('DELETE', `/api/chat-sessions/${session.id}`);
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

  it('is told when its messages are gone since, though the session is there', async () => {
    const messages = [HELLO, HELLO];
    await post(`/${session.id}/messages`, { messages });
    await api.send('POST', `/api/chat-sessions/${session.id}/clear`);
    const again = await post(`/${session.id}/messages`, { messages });
    expect(again.status).toBe(404);
    expect(again.body).toEqual(
      errorBody('The messages of this request were deleted since'),
    );
    expect((await getSession(api, session.id)).message_count).toBe(0);
  });

  it('may have another query, as that is no part of what was asked', async () => {
    const first = await post('?try=1', {});
    const again = await post('?try=2', {});
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.headers['idempotent-replayed']).toBe('true');
  });
});

describe('an Idempotency-Key of a request that fails', () => {
  it.each([
    ['404', () => post(`/${NOBODYS_ID}/messages`, HELLO)],
    ['400', () => post(`/${session.id}/messages`, { ...HELLO, content: ' ' })],
    [
      '412',
      () => post(`/${session.id}/clear`, undefined, { 'if-match': '"1-1"' }),
    ],
  ])('is free again, also when 50 fail at once: %s', async (failure, send) => {
    const answers = await Promise.all(numbers(1, 50).map(send));
    for (const { status, headers } of answers) {
      expect([Number(failure), 409]).toContain(status);
      if (status === 409) expect(headers['retry-after']).toBe('1');
    }
    expect(answers.map(({ status }) => status)).toContain(Number(failure));
    expect(await getSession(api, session.id)).toEqual(session);
    expect((await post(`/${session.id}/messages`, HELLO)).status).toBe(201);
  });
});

describe('an Idempotency-Key on the wire', () => {
  function send(...lines: string[]) {
    const url = new URL(origin);
    const body = JSON.stringify(HELLO);
    const head = [
      `POST /api/chat-sessions/${session.id}/messages HTTP/1.1`,
      `Host: ${url.host}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      ...lines,
    ];
    return exchange(url, `${head.join('\r\n')}\r\n\r\n${body}`);
  }

  let origin: string;
  beforeEach(async () => {
    origin ??= await api.listen();
  });

  it.each([
    ['empty', ['Idempotency-Key:']],
    ['only spaces', ['Idempotency-Key:   ']],
    ['256 characters', [`Idempotency-Key: ${'x'.repeat(256)}`]],
    ['beyond ASCII', ['Idempotency-Key: schlüssel']],
    ['with a tab', ['Idempotency-Key: a\tb']],
  ])('is refused when it is %s', async (_, lines) => {
    const answer = await send(...lines);
    expect(answer.status).toBe('HTTP/1.1 400 Bad Request');
    expect(answer.body).toEqual(
      validationErrors(
        'Idempotency-Key must be 1 to 255 printable ASCII characters',
      ),
    );
    expect(await getSession(api, session.id)).toEqual(session);
  });

  it('is refused when it is given twice', async () => {
    for (const other of [key, 'other']) {
      const answer = await send(
        `Idempotency-Key: ${key}`,
        `idempotency-key: ${other}`,
      );
      expect(answer.status).toBe('HTTP/1.1 400 Bad Request');
      expect(answer.body).toEqual(
        validationErrors('Idempotency-Key must be given once'),
      );
    }
    expect(await getSession(api, session.id)).toEqual(session);
  });

  it('is refused with any other control character by the HTTP parser', async () => {
    for (const character of ['\0', '\x01', '\n', '\x1f', '\x7f']) {
      const answer = await send(`Idempotency-Key: a${character}b`);
      expect(answer.status).toBe('HTTP/1.1 400 Bad Request');
    }
    expect(await getSession(api, session.id)).toEqual(session);
  });

  it('is the same with white space around it', async () => {
    const first = await send(`Idempotency-Key: ${key}`);
    const again = await send(`Idempotency-Key:  \t ${key}  `);
    expect(first.status).toBe('HTTP/1.1 201 Created');
    expect(again.head).toContain('idempotent-replayed: true');
    expect(again.body).toEqual(first.body);
  });

  it('is not the same with white space around it, where no HTTP parser has removed that', async () => {
    for (const value of [' a', 'a ']) {
      const answer = await post('', {}, { 'idempotency-key': value });
      expect(answer.status).toBe(400);
    }
  });
});

describe('the document', () => {
  it.each([
    ['/api/chat-sessions', ['200', '201']],
    ['/api/chat-sessions/{session_id}/messages', ['200', '201']],
    ['/api/chat-sessions/{session_id}/clear', ['200']],
  ])('tells of the key: POST %s', async (path, successes) => {
    const { body } = await api.send<OpenAPIObject>('GET', '/api/docs-json');
    const { parameters, responses } = body.paths[path]!.post!;
    const parameter = parameters?.find(
      (it) => 'name' in it && it.name === 'Idempotency-Key',
    );
    expect(parameter).toMatchObject({ in: 'header', required: false });
    // Swagger UI would fill it in, and the second try would be a replay.
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

  it('tells every error of a status', async () => {
    const { body } = await api.send<OpenAPIObject>('GET', '/api/docs-json');
    const { responses } = body.paths['/api/chat-sessions']!.post!;
    expect(responses['409']).toMatchObject({
      content: {
        'application/json': {
          examples: {
            1: {
              value: {
                error: 'Chat session id is already in use',
                code: 'session_id_taken',
              },
            },
            2: {
              value: {
                error: 'The section already has a chat session',
                code: 'section_taken',
              },
            },
            3: {
              value: {
                error:
                  'The first request with this Idempotency-Key is still running',
              },
            },
          },
        },
      },
    });
  });
});

describe('a message that is there already', () => {
  it('and another that is not are refused with a key, too, which stays free', async () => {
    await append(api, session.id, { ...HELLO, id: 'mine' });
    const mixed = { messages: [{ ...HELLO, id: 'mine' }, HELLO] };
    const answer = await post(`/${session.id}/messages`, mixed);
    expect(answer.status).toBe(409);
    expect(answer.headers).not.toHaveProperty('retry-after');
    expect((await post(`/${session.id}/messages`, HELLO)).status).toBe(201);
  });
});
