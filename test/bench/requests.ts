import { NEW_ID, type Request } from './load.js';
import { type Group, ownerOf, sessionIdOf } from './seed.js';
import type { Templates } from './templates.js';

const SESSIONS = '/api/chat-sessions';
/** Different requests of one kind, at most. */
const MOST = 20_000;
const PAGE = 50;
const PAGES_PER_SESSION = 500;

/** Each session of a group in turn, and its owner. */
function sessionsOf(group: Group): { owner: string; path: string }[] {
  return Array.from({ length: group.sessions }, (_, n) => ({
    owner: ownerOf(group, n),
    path: `${SESSIONS}/${sessionIdOf(group, n)}`,
  }));
}

export function reads(group: Group): Request[] {
  return sessionsOf(group).map((session) => ({ method: 'GET', ...session }));
}

export function lists(group: Group): Request[] {
  return Array.from({ length: group.owners }, (_, n) => ({
    method: 'GET',
    owner: ownerOf(group, n),
    path: `${SESSIONS}?limit=20`,
  }));
}

/** Full pages, anywhere in sessions of so many messages. */
export function pages(group: Group, messages: number): Request[] {
  const perSession = Math.min(
    PAGES_PER_SESSION,
    Math.ceil(MOST / group.sessions),
  );
  return sessionsOf(group).flatMap(({ owner, path }) =>
    Array.from({ length: perSession }, () => {
      const before = PAGE + 1 + Math.floor(Math.random() * (messages - PAGE));
      return {
        method: 'GET' as const,
        owner,
        path: `${path}/messages?limit=${PAGE}&before=${before}`,
      };
    }),
  );
}

/** Real messages, with an id that is new each time. */
export function appends(group: Group, templates: Templates): Request[] {
  const messages = templates.newMessages();
  return sessionsOf(group).map(({ owner, path }, n) => {
    const { role, content } = messages[n % messages.length]!;
    return {
      method: 'POST',
      owner,
      path: `${path}/messages`,
      body: { id: NEW_ID, role, content },
    };
  });
}

/** Of 20 requests 12 read a session, 2 list, 3 page, and 3 append. */
export function mixed(
  groups: Record<'read' | 'append' | 'long' | 'list', Group>,
  templates: Templates,
): Request[] {
  const { read, append, long, list } = groups;
  const kinds: [number, Request[]][] = [
    [6, reads(append)],
    [4, reads(list)],
    [2, reads(read)],
    [2, lists(list)],
    [3, pages(long, 10_000)],
    [3, appends(append, templates)],
  ];
  return kinds.flatMap(([twentieths, requests]) =>
    Array.from(
      { length: (twentieths * MOST) / 20 },
      () => requests[Math.floor(Math.random() * requests.length)]!,
    ),
  );
}
