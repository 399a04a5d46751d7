import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import helmet from 'helmet';
import type { Config } from '../config/config.js';
import { splitList } from '../identity/trusted-proxies.js';

/** What browsers are told: security headers, and whose pages may call the API. */
export function configureForBrowsers(
  app: NestFastifyApplication,
  { CORS_ORIGINS }: Config,
): void {
  const setHeaders = helmet({
    frameguard: { action: 'deny' },
    // For browsers of the past.
    dnsPrefetchControl: false,
    ieNoOpen: false,
    originAgentCluster: false,
    permittedCrossDomainPolicies: false,
    xssFilter: false,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        objectSrc: ["'none'"],
        // Swagger UI brings styles and pictures inside its page.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
      },
    },
  });
  const server = app.getHttpAdapter().getInstance();
  // Not @fastify/helmet, which makes all of this anew for each request.
  server.addHook('onRequest', (request, reply, done) => {
    setHeaders(request.raw, reply.raw, () => done());
  });
  const origin = splitList(CORS_ORIGINS);
  if (origin.length === 0) return;
  app.enableCors({
    origin,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'If-Match',
      'If-None-Match',
      'Idempotency-Key',
      'X-Request-Id',
    ],
    exposedHeaders: [
      'ETag',
      'X-Request-Id',
      'Retry-After',
      'X-RateLimit-Limit',
      'X-RateLimit-Remaining',
      'X-RateLimit-Reset',
      'Idempotent-Replayed',
    ],
    maxAge: 600,
  });
}
