import type { Request } from './transport.js';

/** Of the service's own paths. */
const PREFIX = '/api';

/** What the generated types know of an operation. */
export interface Operation {
  url: string;
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string | undefined>;
  body?: unknown;
}

/** Throws a TypeError where an id would make the path that of something else. */
export function toRequest(
  method: string,
  { url, path = {}, query = {}, headers, body }: Operation,
): Request {
  const filled = url
    .slice(PREFIX.length)
    .replace(/\{(\w+)\}/g, (_, name: string) => toSegment(name, path[name]));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  const text = search.toString();
  return {
    method,
    path: text ? `${filled}?${text}` : filled,
    headers,
    body,
    isRepeatable: isRepeatable(method, headers?.['If-Match']),
  };
}

/**
 * A POST of this client has ids or a key that let the service know it again, or
 * gets what is there. Other changes are known by their condition, which their
 * own success makes false; `*` stays true.
 */
function isRepeatable(method: string, ifMatch: string | undefined): boolean {
  if (method === 'GET' || method === 'POST') return true;
  return ifMatch !== undefined && ifMatch !== '*';
}

function toSegment(name: string, value: string | undefined): string {
  // A URL cannot hold these, not even encoded.
  if (!value || value === '.' || value === '..') {
    throw new TypeError(`${name} cannot be ${JSON.stringify(value)}`);
  }
  return encodeURIComponent(value);
}
