import { NEW_ID, type Request } from './load.js';
import { allOf, type Group, ownerOf, sessionIdOf } from './seed.js';
import type { Templates } from './templates.js';

const SESSIONS = '/api/chat-sessions';
/** The most different requests of one kind. */
const MOST = 20_000;
export const PAGE = 50;
const PAGES_PER_SESSION = 500;

/** The path and owner of each session of a group. */
function sessionsOf(
  group: Group,
  numbers = allOf(group),
): { owner: string; path: string }[] {
  return numbers.map((n) => ({
    owner: ownerOf(group, n),
    path: `${SESSIONS}/${sessionIdOf(group, n)}`,
  }));
}

/** The path of each session of a group. */
export function pathsOf(group: Group): string[] {
  return sessionsOf(group).map(({ path }) => path);
}

/** @param numbers of the sessions; all by default, here and below */
export function reads(group: Group, numbers = allOf(group)): Request[] {
  return sessionsOf(group, numbers).map((session) => ({
    method: 'GET',
    ...session,
  }));
}

/** Lists of the sessions' owners. */
export function lists(group: Group, numbers = allOf(group)): Request[] {
  const owners = new Set(numbers.map((n) => ownerOf(group, n)));
  return [...owners].map((owner) => ({
    method: 'GET',
    owner,
    path: `${SESSIONS}?limit=20`,
  }));
}

export function newestPages(group: Group, numbers: number[]): Request[] {
  return sessionsOf(group, numbers).map(({ owner, path }) => ({
    method: 'GET',
    owner,
    path: `${path}/messages?limit=${PAGE}`,
  }));
}

/**
 * Full pages at random positions. Each session shows `messages` messages, whose
 * seqs are `step` apart.
 */
export function pages(
  group: Group,
  messages: number,
  { cursors = ['before'], step = 1 }: PagesOptions = {},
): Request[] {
  const perSession = Math.min(
    PAGES_PER_SESSION,
    Math.ceil(MOST / group.sessions),
  );
  return sessionsOf(group).flatMap(({ owner, path }) =>
    Array.from({ length: perSession }, (_, index) => {
      const cursor = cursors[index % cursors.length]!;
      const place = PAGE + 1 + Math.floor(Math.random() * (messages - PAGE));
      return {
        method: 'GET' as const,
        owner,
        path: `${path}/messages?limit=${PAGE}&${cursor}=${step * place}`,
      };
    }),
  );
}

interface PagesOptions {
  /** Used in turn. */
  cursors?: readonly ('before' | 'around')[];
  step?: number;
}

/** Appends of real messages, each with a new id. */
export function appends(
  group: Group,
  templates: Templates,
  numbers = allOf(group),
): Request[] {
  const messages = templates.newMessages();
  return sessionsOf(group, numbers).map(({ owner, path }, index) => {
    const { role, content } = messages[index % messages.length]!;
    return {
      method: 'POST',
      owner,
      path: `${path}/messages`,
      body: { id: NEW_ID, role, content },
    };
  });
}

/** A mix: of 20 requests 12 read a session, 2 list, 3 page, and 3 append. */
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
