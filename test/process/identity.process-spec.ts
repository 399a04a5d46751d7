import { describe, expect, it } from 'vitest';
import { type Environment, failToStart } from '../support/service-process.js';
import { runNode, startTestService } from '../support/test-service.js';
import { JWT_SECRET } from '../support/tokens.js';

const JWT = { AUTH_MODE: 'jwt', JWT_SECRET };

function printToken(args: string[], environment: Environment = { JWT_SECRET }) {
  const program = ['--import', 'tsx', 'tools/token.ts', ...args];
  return runNode(program, environment);
}

function getHistory(url: string, token: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  return fetch(`${url}/api/history`, { headers });
}

describe('a start without AUTH_MODE', () => {
  it('warns in one line that every caller is the same owner', async () => {
    const { url, process } = await startTestService({});
    expect((await fetch(`${url}/api/history`)).status).toBe(200);
    const lines = process.stdout.split('\n');
    expect(lines.filter((line) => line.includes('AUTH_MODE'))).toEqual([
      expect.stringMatching(/"level":"warn".*every caller is the owner/),
    ]);
  });

  it.each<Environment>([
    { HOST: '0.0.0.0' },
    { HOST: '::' },
    { NODE_ENV: 'production', DATABASE_URL: 'sqlite::memory:' },
  ])(
    'is refused with %j, in one line that says what to set',
    async (environment) => {
      const { exitCode, stdout, stderr } = await failToStart(environment);
      expect(stderr).toBe(
        'Chat Sessions: Invalid configuration: AUTH_MODE must be set: jwt, header, or none if everybody may see everything\n',
      );
      expect(stdout).toBe('');
      expect(exitCode).toBe(1);
    },
  );

  it('does not prevent a migration', async () => {
    const ending = await runNode(['dist/migrate.js'], {
      NODE_ENV: 'production',
      DATABASE_URL: 'sqlite::memory:',
    });
    expect(ending).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('a start with AUTH_MODE', () => {
  it.each<Environment>([{ AUTH_MODE: 'none' }, JWT])(
    'does not warn: %j',
    async (environment) => {
      const { process } = await startTestService({
        ...environment,
        HOST: '127.0.0.1',
      });
      expect(process.stdout).not.toContain('AUTH_MODE');
    },
  );
});

describe('npm run token', () => {
  it('prints a token that the service accepts', async () => {
    const rules = { JWT_ISSUER: 'issuer', JWT_AUDIENCE: 'chat' };
    const { url } = await startTestService({ ...JWT, ...rules });
    const ending = await printToken(['--sub', 'alice'], {
      JWT_SECRET,
      ...rules,
    });
    expect(ending.stderr).toBe('');
    expect(ending.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect((await getHistory(url, ending.stdout.trim())).status).toBe(200);
    const other = await printToken(['--sub', 'alice']);
    expect((await getHistory(url, other.stdout.trim())).status).toBe(401);
  });

  it('writes the owner into the claim JWT_OWNER_CLAIM', async () => {
    const claim = { JWT_OWNER_CLAIM: 'email' };
    const { stdout } = await printToken(
      ['--sub', 'alice', '--expires', '1 minute'],
      { JWT_SECRET, ...claim },
    );
    const payload = Buffer.from(stdout.split('.')[1]!, 'base64url').toString();
    const claims = JSON.parse(payload) as { iat: number; exp: number };
    expect(claims).toMatchObject({ sub: 'alice', email: 'alice' });
    expect(claims.exp - claims.iat).toBe(60);
  });

  it.each([
    [[], { JWT_SECRET }, /Usage: npm run token/],
    [['--subject', 'alice'], { JWT_SECRET }, /Usage: npm run token/],
    [['--sub', 'alice'], {}, /JWT_SECRET must be set/],
  ])('says what is missing: %j %j', async (args, environment, reason) => {
    const ending = await printToken(args, environment as Environment);
    expect(ending).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ending.stderr).toMatch(reason);
    expect(ending.stderr).not.toMatch(/\.[jt]s:\d+/);
  });
});

describe('the log', () => {
  it('contains no tokens and no texts at any level', async () => {
    const { url, process } = await startTestService({
      ...JWT,
      LOG_LEVEL: 'verbose',
    });
    const { stdout } = await printToken(['--sub', 'alice']);
    const token = stdout.trim();
    const send = (method: string, path: string, body?: string) =>
      fetch(`${url}/api/${path}`, {
        method,
        body,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body && { 'content-type': 'application/json' }),
        },
      });
    const message = { role: 'user', content: 'a secret text' };
    const created = await send(
      'POST',
      'chat-sessions',
      JSON.stringify({ messages: [message] }),
    );
    expect(created.status).toBe(201);
    await send('POST', 'chat-sessions', '{"title": "a secret text"');
    await send('GET', `chat-sessions?cursor=${token}`);
    await send('GET', `history?access_token=${token}`);
    await getHistory(url, `${token}x`);
    await getHistory(url, 'a.secret.token');
    expect(process.stdout).toContain('Listening on');
    for (const secret of [token, 'secret', JWT_SECRET]) {
      expect(process.stdout + process.stderr).not.toContain(secret);
    }
  });
});
