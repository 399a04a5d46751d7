import type { OpenAPIObject } from '@nestjs/swagger';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type TestApp, useTestApp } from '../support/test-app.js';
import { JWT_MODE } from '../support/tokens.js';

const api = useTestApp();

async function served(): Promise<OpenAPIObject> {
  const { body } = await api.send<OpenAPIObject>('GET', '/api/docs-json');
  return body;
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type ResponseObject = Extract<
  Operation['responses'][string],
  { description: string }
>;

async function operations(): Promise<[string, Operation][]> {
  const { paths } = await served();
  return Object.entries(paths).flatMap(([path, item]) =>
    (Object.entries(item) as [string, Operation][]).map(
      ([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ],
    ),
  );
}

describe('GET /api/docs', () => {
  it('serves Swagger UI and its assets', async () => {
    const page = await api.send('GET', '/api/docs');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, url]) => new URL(url!, 'http://local/api/docs').pathname,
    );
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) {
      expect((await api.send('GET', asset)).status, asset).toBe(200);
    }
  });
});

describe('the document in Swagger UI', () => {
  /** The script of the page holds it. */
  async function shown(testApp: TestApp): Promise<OpenAPIObject> {
    const script = await testApp.send('GET', '/api/docs/swagger-ui-init.js');
    const [, options] = /let options = (\{.*?^\});/ms.exec(script.text)!;
    return (JSON.parse(options!) as { swaggerDoc: OpenAPIObject }).swaggerDoc;
  }

  const withTokens = useTestApp({ environment: JWT_MODE });
  const behindGateway = useTestApp({
    environment: { AUTH_MODE: 'header', TRUSTED_PROXIES: '127.0.0.1' },
  });

  it('is the whole one if callers need tokens', async () => {
    expect(await shown(withTokens)).toEqual(await served());
  });

  it('has the header of a gateway', async () => {
    const { components, ...others } = await shown(behindGateway);
    const { components: whole, ...same } = await served();
    expect(others).toEqual(same);
    expect(components).toEqual({
      ...whole,
      securitySchemes: {
        bearer: {
          type: 'apiKey',
          in: 'header',
          name: 'X-User-Id',
          description: "The owner's id, if no gateway sets this header.",
        },
      },
    });
  });

  it('has nothing to authorize if everybody is one owner', async () => {
    const whole = JSON.stringify(await served());
    const document = await shown(api);
    expect(JSON.stringify(document)).not.toMatch(
      /"security"|"securitySchemes"|authorize first/,
    );
    expect(whole).toMatch(/"security".*authorize first/s);
    expect(Object.keys(document.paths)).toEqual(
      Object.keys((await served()).paths),
    );
  });
});

it.each(['/', '/api'])('%s leads to Swagger UI', async (path) => {
  const { status, headers } = await api.send('GET', path);
  expect(status).toBe(302);
  const { pathname } = new URL(headers.location!, `http://local${path}`);
  expect(pathname).toBe('/api/docs');
});

describe('GET /api/docs-json', () => {
  it('is equal to openapi.json', async () => {
    const committed = await readFile('openapi.json', 'utf8');
    expect(await served()).toEqual(JSON.parse(committed));
  });

  it('has all routes of the service', async () => {
    const documented = (await operations()).map(([route]) =>
      route.replace(/\{(\w+)\}/g, ':$1'),
    );
    const served = api.routes.filter(
      (route) => !/^HEAD | \/api\/docs\//.test(route),
    );
    expect(documented.toSorted()).toEqual(served.toSorted());
    expect(documented).toContain('POST /api/chat-sessions/:session_id/clear');
  });

  it('has a summary, descriptions and examples for each route', async () => {
    const { components } = await served();
    for (const [route, operation] of await operations()) {
      expect(operation.summary, route).toBeTruthy();
      for (const parameter of operation.parameters ?? []) {
        expect(parameter, route).toMatchObject({
          description: expect.any(String) as string,
        });
        if ('required' in parameter && parameter.required) {
          expect(parameter.schema, `${route} ${parameter.name}`).toHaveProperty(
            'example',
          );
        }
      }
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(response, `${route} ${status}`).toMatchObject({
          description: expect.stringMatching(/./) as string,
        });
      }
    }
    for (const [name, schema] of Object.entries(components?.schemas ?? {})) {
      const { properties = {} } = schema as {
        properties?: Record<string, Record<string, unknown>>;
      };
      for (const [field, property] of Object.entries(properties)) {
        const refers = '$ref' in property || property.type === 'array';
        const isError = name.endsWith('Error') || field.startsWith('has_');
        if (refers || isError) continue;
        expect(property, `${name}.${field}`).toHaveProperty('example');
      }
    }
  });

  it('has an example for each error, and X-Request-Id for each response', async () => {
    for (const [route, operation] of await operations()) {
      for (const [status, response] of Object.entries(operation.responses)) {
        const { content, headers } = response as ResponseObject;
        const what = `${route} ${status}`;
        expect(headers, what).toHaveProperty('X-Request-Id');
        if (Number(status) < 400) continue;
        const { example, examples = {} } = content!['application/json']!;
        const bodies = example ? [example] : Object.values(examples);
        expect(bodies.length, what).toBeGreaterThan(0);
      }
    }
  });

  it('has operation ids of verb and object', async () => {
    const ids = (await operations()).map(([, { operationId }]) => operationId!);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)+$/.test(id))).toEqual([]);
    expect(ids).toContain('appendMessages');
  });

  it('has schema names that do not collide with those of a platform', async () => {
    const { components } = await served();
    const names = Object.keys(components!.schemas!);
    expect(names.filter((name) => !/^(New)?Chat/.test(name))).toEqual([
      'Health', // not part of the module
    ]);
  });

  it('allows no other fields in request bodies', async () => {
    const { components } = await served();
    const closed = Object.entries(components!.schemas!)
      .filter(([, schema]) => 'additionalProperties' in schema)
      .map(([name]) => name);
    expect(closed.toSorted()).toEqual([
      'ChatMessageChanges',
      'ChatMessageToAppend',
      'ChatRunFinish',
      'ChatRunInterruptAnswer',
      'ChatRunOutput',
      'ChatRunPause',
      'ChatRunResume',
      'ChatRunUsage',
      'ChatSessionChanges',
      'ChatSessionConfig',
      'ChatSessionFork',
      'ChatSessionLeaf',
      'ChatSessionMergePatch',
      'NewChatMessage',
      'NewChatMessages',
      'NewChatMessagesInstead',
      'NewChatRun',
      'NewChatSession',
    ]);
  });
});
