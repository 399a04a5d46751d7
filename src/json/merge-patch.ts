import { jsonOf, parseExactly } from './exact-json.js';
import { JsonText } from './json-text.js';

/**
 * Applies a merge patch (RFC 7396, section 2): members are merged recursively,
 * null removes one, and any other value replaces what was. Works on the texts, so
 * numbers stay as they were written, keys keep their order, new ones come last,
 * and a member may have any name.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  return parseExactly(merged(jsonOf(target), jsonOf(patch)));
}

function merged(target: string, patch: string): string {
  const changes = new JsonText(patch).members();
  if (!changes) return patch;
  const members = new JsonText(target).members() ?? new Map<string, string>();
  for (const [key, change] of changes) {
    if (change === 'null') members.delete(key);
    else members.set(key, merged(members.get(key) ?? 'null', change));
  }
  const texts = Array.from(
    members,
    ([key, text]) => `${JSON.stringify(key)}:${text}`,
  );
  return `{${texts.join()}}`;
}
