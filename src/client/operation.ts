import type { Request } from './transport.js';

/** The prefix of the paths in the generated types. */
const PREFIX = '/api';

/** An operation in the shape of the generated types. */
export interface Operation {
  url: string;
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string | undefined>;
  body?: unknown;
}

/**
 * Turns an operation into a request.
 * @throws TypeError if an id (empty, `.` or `..`) would change the path
 */
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
 * Whether the request may be sent twice. Every POST of this client has ids or a key
 * that the service recognizes, or gets what exists. Other changes are safe with a
 * condition, which their own success makes false; `*` would stay true.
 */
function isRepeatable(method: string, ifMatch: string | undefined): boolean {
  if (method === 'GET' || method === 'POST') return true;
  return ifMatch !== undefined && ifMatch !== '*';
}

function toSegment(name: string, value: string | undefined): string {
  // URLs cannot contain these, not even encoded.
  if (!value || value === '.' || value === '..') {
    throw new TypeError(`${name} cannot be ${JSON.stringify(value)}`);
  }
  return encodeURIComponent(value);
}
