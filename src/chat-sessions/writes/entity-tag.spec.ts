import { describe, expect, it } from 'vitest';
import { ChatSessionsError } from '../errors.js';
import { ChatSession } from '../store/entities/chat-session.entity.js';
import { entityTagOf, IfMatch, matchesEtag } from './entity-tag.js';

const session = Object.assign(new ChatSession(), {
  createdAt: new Date(1_795_392_123_456),
  version: 7,
  revision: '0123456789ab',
});
const TAG = '"1795392123456-7-0123456789ab"';

describe('entityTagOf', () => {
  it('is strong, of creation, version and revision', () => {
    expect(entityTagOf(session)).toBe(TAG);
  });

  it('is what it was for a session that has no revision yet', () => {
    expect(
      entityTagOf(Object.assign(new ChatSession(), session, { revision: '' })),
    ).toBe('"1795392123456-7"');
  });
});

describe('matchesEtag', () => {
  it.each([
    TAG,
    `W/${TAG}`,
    '*',
    `"a", ${TAG}`,
    `${TAG},"a"`,
    `"a"\t ,\t W/"b" , ${TAG}`,
    `"", "a,b", W/${TAG}`,
    `"\x80\xff", ${TAG}`,
  ])('is so where the header names the session: %s', (header) => {
    expect(matchesEtag(header, TAG)).toBe(true);
  });

  it.each([
    undefined,
    '',
    '""',
    '"1795392123456-7"',
    '"1795392123456-7-0123456789ac"',
    '"1795392123456-6-0123456789ab"',
    '"1795392123455-7-0123456789ab"',
    'W/"1795392123456-6"',
    '1795392123456-7',
    `"a${TAG}`,
    `w/${TAG}`,
    `W/ ${TAG}`,
    `${TAG} "a"`,
    `${TAG},`,
    `, ${TAG}`,
    `*, ${TAG}`,
    ` ${TAG}`,
    `"a b", ${TAG}`,
    `'1795392123456-7'`,
  ])('is not so where it names others, or is malformed: %s', (header) => {
    expect(matchesEtag(header, TAG)).toBe(false);
  });

  // The square of half a million steps would take longer than a test may.
  it.each([
    ['"a", \t', 50_000],
    ['"a" \t,', 50_000],
    ['"a"', 500_000],
    [' ', 500_000],
    ['"', 500_000],
  ])(
    'takes linear time for a header that is almost a list of %j',
    (part, times) => {
      const header = `"a"${part.repeat(times)}x`;
      expect(matchesEtag(header, TAG)).toBe(false);
    },
  );
});

describe('IfMatch', () => {
  it.each([['*' as const], [[TAG]], [['"a"', TAG]], [[`W/${TAG}`]]])(
    'lets %j pass',
    (tags) => {
      expect(() => new IfMatch(tags).check(session)).not.toThrow();
    },
  );

  it.each([[[]], [['"a"']], [['W/"a"']], [['*']]])('refuses %j', (tags) => {
    expect(() => new IfMatch(tags).check(session)).toThrow(
      new ChatSessionsError('version_moved'),
    );
  });
});
