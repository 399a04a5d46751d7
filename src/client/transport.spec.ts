import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  errorOf,
  ETAG,
  ID,
  scripted,
  type Sent,
  type Step,
} from '../../test/support/scripted-client.js';
import type { TokenProvider } from './index.js';

beforeEach(() => {
  // No pauses.
  vi.spyOn(Math, 'random').mockReturnValue(0);
});

describe('the token', () => {
  const tokenOf = ({ headers }: Sent) => headers.get('authorization');

  it('is sent as it is', async () => {
    const { client, sent } = scripted([], { token: 'abc' });
    await client.get(ID);
    expect(sent.map(tokenOf)).toEqual(['Bearer abc']);
  });

  it('is requested before each try, and once more after a 401', async () => {
    const token = vi.fn<TokenProvider>((refused) =>
      Promise.resolve(refused ? 'new' : 'old'),
    );
    const { client, sent } = scripted([[503], [401], [503]], { token });
    await client.delete(ID, { ifMatch: ETAG });
    expect(token.mock.calls).toEqual([
      [undefined],
      [undefined],
      ['old'],
      ['old'],
    ]);
    expect(sent.map(tokenOf)).toEqual([
      'Bearer old',
      'Bearer old',
      'Bearer new',
      'Bearer new',
    ]);
  });

  it('is requested only once more after a 401, and not if it is a constant', async () => {
    const asked = scripted([[401], [401]], { token: () => 'abc' });
    expect(await errorOf(asked.client.get(ID))).toMatchObject({ attempts: 2 });
    const fixed = scripted([[401]], { token: 'abc' });
    expect(await errorOf(fixed.client.get(ID))).toMatchObject({ attempts: 1 });
  });

  it('is requested only once more if there is none', async () => {
    const steps: Step[] = [[401], [401], [401]];
    const { client, sent } = scripted(steps, { token: () => '' });
    expect(await errorOf(client.get(ID))).toMatchObject({
      status: 401,
      attempts: 2,
    });
    expect(sent).toHaveLength(2);
  });

  it('is not sent again after it was refused', async () => {
    const token: TokenProvider = (refused) => (refused ? '' : 'abc');
    const { client, sent } = scripted([[401], [401]], { token });
    await errorOf(client.get(ID));
    expect(sent.map(tokenOf)).toEqual(['Bearer abc', null]);
  });

  it('may fail, and the call with it', async () => {
    const token = () => Promise.reject(new Error('signed out'));
    const { client } = scripted([], { token });
    await expect(client.get(ID)).rejects.toThrow('signed out');
  });

  it('is not waited for after the signal is aborted', async () => {
    const token = () => new Promise<string>(() => undefined);
    const { client, sent } = scripted([], { token });
    const controller = new AbortController();
    const call = client.get(ID, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    expect(sent).toHaveLength(0);
  });
});

describe('an error', () => {
  it('has the text, code and details of the service', async () => {
    const details = ['title must be a text', 'pinned must be a boolean'];
    const { client, sent } = scripted([
      [400, {}, { error: 'Validation failed', code: 'invalid', details }],
    ]);
    const error = await errorOf(client.update(ID, {}));
    expect(error.message).toBe(`400 Validation failed; ${details.join('; ')}`);
    expect(error).toMatchObject({
      name: 'ChatSessionsApiError',
      status: 400,
      text: 'Validation failed',
      code: 'invalid',
      details,
      requestId: sent[0]!.headers.get('x-request-id'),
    });
  });

  it('tells that a lost try may have made the change', async () => {
    const { client } = scripted(['ECONNRESET', [412]]);
    const error = await errorOf(client.update(ID, {}, { ifMatch: ETAG }));
    expect(error).toMatchObject({ status: 412, attempts: 2, mayBeDone: true });
  });

  it.each<[string, Step]>([
    ['of a gateway', [404, {}, '<html>']],
    ['without an object', [404, {}, 'null']],
    ['with other types', [404, {}, { error: 1, code: 2 }]],
    ['a page instead of JSON', [200, {}, '<html>']],
    ['a redirect', [307, { location: '/' }, '']],
  ])('has no text and code if the response has none: %s', async (_, step) => {
    const { client, sent } = scripted([step]);
    const error = await errorOf(client.get(ID));
    expect(error.message).toBe(`${step[0]} no reason given`);
    expect(error.code).toBeUndefined();
    expect(sent).toHaveLength(1);
  });
});

describe('a path', () => {
  it('contains ids unchanged', async () => {
    const { client, sent } = scripted([], { baseUrl: 'http://host/chat/' });
    await client.ofSection('a/b?c#d', '100 % ü');
    expect(sent[0]?.url).toBe(
      'http://host/chat/api/documents/a%2Fb%3Fc%23d/sections/100%20%25%20%C3%BC/chat-session',
    );
  });

  it.each([
    [undefined, '/api/history'],
    ['/platform/v1', '/platform/v1/history'],
    ['platform/', '/platform/history'],
    ['', '/history'],
  ])('has the prefix %j', async (prefix, path) => {
    const { client, sent } = scripted([], { prefix });
    await client.history();
    expect(sent[0]?.url).toBe(`http://service${path}`);
  });

  it.each(['', '.', '..'])('cannot contain %j', async (id) => {
    const { client, sent } = scripted([]);
    await expect(client.delete(id)).rejects.toThrow(TypeError);
    expect(sent).toHaveLength(0);
  });
});
