import type { INestApplication } from '@nestjs/common';
import {
  DocumentBuilder,
  type OpenAPIObject,
  SwaggerModule,
} from '@nestjs/swagger';

const DESCRIPTION = `
Keeps the conversations of AI chat products: **sessions** and their **messages**, each belonging to one caller. What is not yours does not exist: 404.

- **Identity.** Send \`Authorization: Bearer TOKEN\`; behind a gateway, it says who you are; on a developer's machine everybody is one caller. Requests are counted for each caller: 429 says in \`Retry-After\` when to go on.
- **Order and paging.** A message's \`seq\` (1, 2, 3 ...) is its order and the cursor of a page. Lists of sessions are paged with \`next_cursor\`.
- **Sending again.** A session or message that was sent with an \`id\` of the client's own can be sent again after a lost answer: it is stored once. So can any create, append or clear with an \`Idempotency-Key\`.
- **Concurrent changes.** A session's \`ETag\` changes with every change. Send it back in \`If-Match\` and a write that would overwrite somebody else's answers 412; send it in \`If-None-Match\` and an unchanged session answers 304.
- **Errors** are \`{"error": "..."}\`, and name the request in \`X-Request-Id\`.
`;

/** The OpenAPI document of the routes. */
export function createOpenApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Chat Sessions')
    .setDescription(DESCRIPTION.trim())
    .setVersion('0.1.0')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description:
        'A token of the platform that this service trusts; for a try, `npm run token -- --sub alice` prints one.',
    })
    .addTag('Chat sessions')
    .addTag('Messages')
    .addTag('History')
    .addTag('Health')
    .build();
  return SwaggerModule.createDocument(app, config);
}

/** Serves Swagger UI at /api/docs, and the document at /api/docs-json. */
export function serveOpenApi(app: INestApplication): void {
  SwaggerModule.setup('api/docs', app, () => createOpenApiDocument(app), {
    jsonDocumentUrl: 'api/docs-json',
    customSiteTitle: 'Chat Sessions',
    swaggerOptions: {
      persistAuthorization: true,
      displayRequestDuration: true,
    },
  });
}
