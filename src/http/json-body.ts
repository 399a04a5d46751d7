import {
  BadRequestException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { isUtf8 } from 'node:buffer';
import { rememberBody } from '../json/exact-json.js';
import { shapeOf } from '../json/json-shape.js';
import { NOT_JSON, problemOfShape } from './json-body.guard.js';
import { BODY_ERRORS } from './route-errors.js';

/**
 * Makes the server accept only JSON bodies. Other media types get 415; bytes that
 * are not UTF-8, malformed JSON, deep nesting and too many values get 400. JsonBodyGuard checks the
 * parsed body.
 */
export function acceptOnlyJson(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, _payload, done) => {
    done(new UnsupportedMediaTypeException(BODY_ERRORS[415]));
  });
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request, body, done) => {
      const bytes = body as Buffer;
      // Clients also send the header on requests without a body.
      if (bytes.length === 0) return done(null, undefined);
      if (!isUtf8(bytes)) {
        return done(new BadRequestException(NOT_JSON));
      }
      const text = bytes.toString();
      const problem = problemOfShape(shapeOf(text));
      if (problem) return done(new BadRequestException(problem));
      void parse(request, text, (error, value: unknown) => {
        if (error) return done(new BadRequestException(NOT_JSON));
        rememberBody(value, text);
        done(null, value);
      });
    },
  );
}
