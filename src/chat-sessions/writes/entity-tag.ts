import { BadRequestException } from '@nestjs/common';
import { ChatSessionsError } from '../errors.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';

type Versioned = Pick<ChatSession, 'createdAt' | 'version' | 'revision'>;

/** The strong entity tag of this version of a session: `"<created_at in ms>-<version>-<revision>"`. */
export function entityTagOf({
  createdAt,
  version,
  revision,
}: Versioned): string {
  const counted = `${createdAt.getTime()}-${version}`;
  // The version of the service before wrote no revision.
  return revision === '' ? `"${counted}"` : `"${counted}-${revision}"`;
}

/** The tag of a response to GET: none while an answer is being written, since its outputs do not change the version. */
export function readTagOf(
  session: Versioned & Pick<ChatSession, 'activeRunSeq'>,
): string | undefined {
  return session.activeRunSeq === null ? entityTagOf(session) : undefined;
}

// RFC 9110, 8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE
const TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/;
/** `*`, or a list of tags. */
export const IF_MATCH = new RegExp(
  `^(?:\\*|${TAG.source}(?:[ \\t]*,[ \\t]*${TAG.source})*)$`,
);

/** The tags of an If-Match or If-None-Match header; null if it is malformed. */
function parseTags(header: string): '*' | string[] | null {
  if (!IF_MATCH.test(header)) return null;
  return header === '*' ? '*' : header.match(new RegExp(TAG, 'g'));
}

/** An If-Match header: the session must still have one of these entity tags. */
export class IfMatch {
  constructor(private readonly tags: '*' | string[]) {}

  /**
   * Throws `version_moved`. The weak form of the current tag matches, although
   * RFC 9110 (13.1.1) excludes it: a proxy that compresses a response makes its
   * ETag weak, and a client behind it could never write.
   */
  check(session: Versioned): void {
    if (!matches(this.tags, entityTagOf(session))) {
      throw new ChatSessionsError('version_moved');
    }
  }
}

/** The condition of an If-Match header, or undefined without one; throws 400 if it is malformed. */
export function parseIfMatch(header: string | undefined): IfMatch | undefined {
  if (header === undefined) return undefined;
  const tags = parseTags(header);
  if (!tags) throw new BadRequestException('If-Match is malformed');
  return new IfMatch(tags);
}

/** Whether an If-None-Match header matches the entity tag, by weak comparison (RFC 9110, 13.1.2). */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = parseTags(header);
  return tags !== null && matches(tags, etag);
}

/** Weak comparison (RFC 9110, 8.8.3.2). */
function matches(tags: '*' | string[], etag: string): boolean {
  return tags === '*' || tags.some((tag) => tag.replace(/^W\//, '') === etag);
}
