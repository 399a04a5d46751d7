import type { IncomingHttpHeaders } from 'node:http';
import {
  BadRequestException,
  createParamDecorator,
  type ExecutionContext,
} from '@nestjs/common';
import { ChatSessionsError } from '../errors.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';

type Versioned = Pick<ChatSession, 'createdAt' | 'version'>;

/** The strong entity tag of a session as it is. */
export function entityTagOf({ createdAt, version }: Versioned): string {
  return `"${createdAt.getTime()}-${version}"`;
}

// RFC 9110, 8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE
const TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/;
/** `*`, or a list of tags. */
export const IF_MATCH = new RegExp(
  `^(?:\\*|${TAG.source}(?:[ \\t]*,[ \\t]*${TAG.source})*)$`,
);

/** The tags of an If-Match or If-None-Match header; null where it is malformed. */
function parseTags(header: string): '*' | string[] | null {
  if (!IF_MATCH.test(header)) return null;
  return header === '*' ? '*' : header.match(new RegExp(TAG, 'g'));
}

/** The condition of a write: that the session is still as the client knows it. */
export class IfMatch {
  constructor(private readonly tags: '*' | string[]) {}

  /** Throws `version_moved`. Weak tags never match (RFC 9110, 13.1.1). */
  check(session: Versioned): void {
    if (this.tags !== '*' && !this.tags.includes(entityTagOf(session))) {
      throw new ChatSessionsError('version_moved');
    }
  }
}

/** The header If-Match, undefined where there is none; 400 where it is malformed. */
export const IfMatchHeader = createParamDecorator(
  (_, context: ExecutionContext): IfMatch | undefined => {
    const { headers } = context
      .switchToHttp()
      .getRequest<{ headers: IncomingHttpHeaders }>();
    const header = headers['if-match'];
    if (header === undefined) return undefined;
    const tags = parseTags(header);
    if (!tags) throw new BadRequestException('If-Match is malformed');
    return new IfMatch(tags);
  },
);

/** Whether an If-None-Match names the entity tag; compared weakly (RFC 9110, 13.1.2). */
export function isNamedBy(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = parseTags(header);
  return (
    tags === '*' || !!tags?.some((tag) => tag.replace(/^W\//, '') === etag)
  );
}
