import type { INestApplication } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  DocumentBuilder,
  type OpenAPIObject,
  SwaggerModule,
} from '@nestjs/swagger';
import { createRequire } from 'node:module';
import type { Config } from '../config/config.js';

const AUTHORIZE = ' Where callers need tokens, authorize first.';

const DESCRIPTION = `
Keeps the conversations of AI chat products: **sessions** and their **messages**, each belonging to one caller. What is not yours does not exist: 404.

To explore, create a session, append to it and get it: the examples are one conversation, in this order.${AUTHORIZE}

- **Identity.** Send \`Authorization: Bearer TOKEN\`; behind a gateway, it says who you are; on a developer's machine everybody is one caller. Requests are counted for each caller: 429 says in \`Retry-After\` when to go on.
- **Order and paging.** A message's \`seq\` (1, 2, 3 ...) is its order, and the cursor of its session's pages: \`before\`, \`after\` or \`around\` it. Lists of sessions go on with \`next_cursor\`.
- **Sending again.** After a lost answer or a 503, a session or message that has an \`id\` of the client's own can be sent again: it is stored once. So can any create, fork, append, replace or clear with an \`Idempotency-Key\`.
- **Concurrent changes.** A session's \`ETag\` changes with every change. Send it back in \`If-Match\` and a write that would overwrite somebody else's answers 412; send it in \`If-None-Match\` and an unchanged session answers 304.
- **Errors** are \`{"error": "...", "code": "..."}\`, and name the request in \`X-Request-Id\`: as the client named it there, or by a UUID.
`;

// The package resolves its own name from src, from dist and from the bundle alike.
const { version } = createRequire(import.meta.url)(
  'chat-sessions/package.json',
) as { version: string };

/** Describes the routes of the application. */
export function createOpenApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Chat Sessions')
    .setDescription(DESCRIPTION.trim())
    .setVersion(version)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/', 'Where this document comes from.')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description:
        'A token of the platform that this service trusts; for a try, `npm run token -- --sub alice` prints one.',
    })
    .addTag(
      'Chat sessions',
      'Conversations: created, listed, changed, cleared and deleted by their owner.',
    )
    .addTag(
      'Messages',
      'The turns of a conversation: appended at its end, read in pages.',
    )
    .addTag(
      'Runs',
      'Answers while they are being written. The numbered requests are one turn: send them in order, in a session that exists.',
    )
    .addTag('History', 'For clients that know of one conversation at a time.')
    .addTag('Health', 'For who runs the service: open to everybody.')
    .build();
  const document = SwaggerModule.createDocument(app, config);
  describeRequestIds(document);
  closeRequestBodies(document);
  return document;
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

function operationsIn({ paths }: OpenAPIObject): Operation[] {
  return Object.values(paths).flatMap((item) =>
    Object.values(item as Record<string, Operation>),
  );
}

/** Every response has X-Request-Id. */
function describeRequestIds(document: OpenAPIObject): void {
  const $ref = '#/components/headers/X-Request-Id';
  document.components!.headers = {
    'X-Request-Id': {
      description: "Names the request in the service's log.",
      schema: {
        type: 'string',
        pattern: '^[A-Za-z0-9._-]{1,128}$',
        example: '7d5f9a52-6f0e-4b0e-9a57-2f1c3a8f4b11',
      },
    },
  };
  for (const { responses } of operationsIn(document)) {
    for (const response of Object.values(responses)) {
      const described = response as { headers?: object };
      described.headers = { ...described.headers, 'X-Request-Id': { $ref } };
    }
  }
}

/** Says that unknown fields are refused, which no decorator can. */
function closeRequestBodies(document: OpenAPIObject): void {
  const bodies = JSON.stringify(
    operationsIn(document).map(({ requestBody }) => requestBody),
  );
  const schemas = Object.entries(document.components!.schemas!);
  const isSent = (name: string, within: string) =>
    within.includes(`"#/components/schemas/${name}"`);
  const sent = schemas.filter(([name]) => isSent(name, bodies));
  const nested = schemas.filter(([name]) => isSent(name, JSON.stringify(sent)));
  for (const [, schema] of [...sent, ...nested]) {
    Object.assign(schema, { additionalProperties: false });
  }
}

/**
 * Changes the document for Swagger UI, whose "Authorize" asks for what this service
 * needs: a token, a gateway's header, or nothing if everybody is one owner.
 */
function adaptToIdentity(
  document: OpenAPIObject,
  { AUTH_MODE, IDENTITY_HEADER }: Config,
): OpenAPIObject {
  const { info, components } = document;
  switch (AUTH_MODE) {
    case 'jwt':
      return document;
    case 'header':
      components!.securitySchemes!.bearer = {
        type: 'apiKey',
        in: 'header',
        name: IDENTITY_HEADER,
        description: "The owner's id, if no gateway sets this header.",
      };
      return document;
    case 'none':
    case '':
      info.description = info.description!.replace(AUTHORIZE, '');
      delete components!.securitySchemes;
      for (const operation of operationsIn(document)) delete operation.security;
      return document;
  }
}

/** Without it, phones show the page as wide as a desktop's. */
const VIEWPORT =
  '<meta name="viewport" content="width=device-width, initial-scale=1">';

/** Serves Swagger UI at /api/docs, to which / and /api lead, and the document at /api/docs-json. */
export function serveOpenApi(
  app: NestFastifyApplication,
  config: Config,
): void {
  const fastify = app.getHttpAdapter().getInstance();
  for (const path of ['/', '/api']) {
    // Relative, for a proxy that serves the service below a path.
    fastify.get(path, (_request, reply) => reply.redirect('api/docs'));
  }
  const create = () => createOpenApiDocument(app);
  // Programs get the whole document, /api/docs-json, however callers are identified.
  SwaggerModule.setup('api/docs', app, create, { ui: false });
  SwaggerModule.setup(
    'api/docs',
    app,
    () => adaptToIdentity(create(), config),
    {
      raw: false,
      // Nest has no option for a viewport, and inserts the title as it is.
      customSiteTitle: `Chat Sessions</title>${VIEWPORT}<title>`,
      swaggerOptions: {
        persistAuthorization: true,
        displayRequestDuration: true,
      },
    },
  );
}
