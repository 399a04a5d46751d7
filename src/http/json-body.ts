import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import {
  BadRequestException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { BODY_ERRORS } from './route-errors.js';

/** Levels of arrays and objects in a body. */
export const MAX_JSON_DEPTH = 64;

/**
 * Takes JSON, and nothing else: other media types get 415. Refused with 400 is
 * also what could not be given back as it was sent: bytes that are not UTF-8,
 * NUL and lone surrogates in text, and numbers beyond a double's range.
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
      // Clients send the header on requests without a body, too.
      if (bytes.length === 0) return done(null, undefined);
      if (!isUtf8(bytes)) {
        return done(new BadRequestException('Request body is not valid JSON'));
      }
      const text = bytes.toString();
      if (isDeeperThan(text, MAX_JSON_DEPTH)) {
        return done(
          new BadRequestException(
            `JSON must not be nested more than ${MAX_JSON_DEPTH} levels deep`,
          ),
        );
      }
      void parse(request, text, (error, value: unknown) => {
        if (error) {
          return done(
            new BadRequestException('Request body is not valid JSON'),
          );
        }
        if (!isStorable(value)) {
          return done(
            new BadRequestException(
              'JSON must not hold NUL, lone surrogates or infinite numbers',
            ),
          );
        }
        done(null, value);
      });
    },
  );
}

/** Looks at the text, since parsers and validators may recurse. */
function isDeeperThan(text: string, levels: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === BACKSLASH) i++;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) inString = true;
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (++depth > levels) return true;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth--;
  }
  return false;
}

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] =
  Array.from('"\\{}[]', (char) => char.charCodeAt(0));

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') {
    return value.isWellFormed() && !value.includes('\0');
  }
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return Array.isArray(value)
    ? value.every(isStorable)
    : Object.entries(value).every((entry) => entry.every(isStorable));
}
