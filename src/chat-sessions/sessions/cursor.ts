import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { isUUID, ValidateBy } from 'class-validator';
import type { ListPosition } from '../store/session-lists.repository.js';

const BASE64URL = /^[A-Za-z0-9_-]+$/;
const LAST_MS = Date.UTC(9999, 11, 31);

export function encodeCursor({ lastActivityAt, id }: ListPosition): string {
  return Buffer.from(`${lastActivityAt.getTime()}.${id}`).toString('base64url');
}

/** The position, or undefined if `encodeCursor` does not make such a cursor. */
export function decodeCursor(cursor: string): ListPosition | undefined {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, ms, id] = /^(\d{1,15})\.(.+)$/s.exec(text) ?? [];
  if (!ms || !id || !isUUID(id, 'loose') || Number(ms) > LAST_MS)
    return undefined;
  const position = { lastActivityAt: new Date(Number(ms)), id };
  return encodeCursor(position) === cursor ? position : undefined;
}

export function IsCursor(): PropertyDecorator {
  return applyDecorators(
    ValidateBy({
      name: 'isCursor',
      validator: {
        validate: (value) =>
          typeof value === 'string' && decodeCursor(value) !== undefined,
        defaultMessage: () => '$property is malformed',
      },
    }),
    ApiProperty({ pattern: BASE64URL.source }),
  );
}
