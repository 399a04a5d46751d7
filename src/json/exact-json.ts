import { randomUUID } from 'node:crypto';
import { JsonText } from './json-text.js';

/**
 * Open JSON is returned exactly as it was sent. `JSON.parse` alone cannot do
 * that: it rounds numbers of more than 15 digits, forgets how 1.0, 1e3 and -0
 * were written, and moves keys such as "7" to the front. The texts that may hold
 * any of these are kept beside the parsed values, which are used for all else.
 */

/** Text that `JSON.stringify` might not return after `JSON.parse`; also some text in strings that looks like it. */
const UNUSUAL =
  /[[:,\s](?:-0(?![.\d])|-?[\d.]{16}|-?\d+(?:\.\d+)?[eE]|-?\d+\.\d*0(?!\d)|-?0\.0{6})|"(?:\d|\\u003\d)+"\s*:/;

/** The fields of bodies that are open JSON, in the body itself or in an item of `messages`. */
const OPEN_FIELDS = [
  'config',
  'metadata',
  'parts',
  'references',
  'interrupts',
  'answer',
  'error',
];
/** More than any body or field may have; what exceeds this is refused later. */
const MAX_ITEMS = 2_500;

export function isUnusual(text: string): boolean {
  return UNUSUAL.test(text);
}

interface Remembered {
  text: string;
  /** Without white space and repeated keys, as stored texts are. */
  isCompact: boolean;
}

const texts = new WeakMap<object, Remembered>();
let hasTexts = false;

function remember(value: unknown, text: string, isCompact = false): void {
  if (typeof value !== 'object' || value === null) return;
  texts.set(value, { text, isCompact });
  hasTexts = true;
}

/** Remembers the text of a body, if it is unusual. It is short work: call `rememberFields` once the caller is known. */
export function rememberBody(body: unknown, text: string): void {
  if (isUnusual(text)) remember(body, text);
}

/** Remembers the texts of the open JSON in a body whose text is remembered. A body with a key that repeats is forgotten. */
export function rememberFields(body: object): void {
  const remembered = texts.get(body);
  if (!remembered) return;
  const members = new JsonText(remembered.text).members();
  const items = members?.get('messages');
  const messages = items ? new JsonText(items).elements(MAX_ITEMS) : [];
  const objects = messages?.map((item) => new JsonText(item).members());
  if (!members) {
    texts.delete(body);
    return;
  }
  rememberMembers(body as Parsed, members);
  objects?.forEach((one, index) => {
    const message = (body as { messages: unknown[] }).messages[index];
    if (one) rememberMembers(message as Parsed, one);
    else texts.delete(body);
  });
}

type Parsed = Record<string, unknown>;

function rememberMembers(parsed: Parsed, members: Map<string, string>): void {
  for (const field of OPEN_FIELDS) {
    const text = members.get(field);
    if (text === undefined) continue;
    remember(parsed[field], text);
    rememberItems(parsed[field], text);
  }
}

/** An item may go into another array. */
function rememberItems(value: unknown, text: string, isCompact = false): void {
  if (!Array.isArray(value)) return;
  const items = new JsonText(text).elements(MAX_ITEMS);
  items?.forEach((item, index) => remember(value[index], item, isCompact));
}

/** `JSON.parse` of open JSON that `jsonOf` wrote, and that is to be returned exactly. */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!isUnusual(text)) return value;
  remember(value, text, true);
  rememberItems(value, text, true);
  return value;
}

/** An array, with the texts of its items. */
export function exactArray<T>(items: T[]): T[] {
  if (items.some(hasText)) {
    remember(items, `[${items.map(jsonOf).join(',')}]`, true);
  }
  return items;
}

/** The items of an array that was sent, each with its text. */
export function exactItems<T>(sent: T[]): T[] {
  return hasText(sent) ? (parseExactly(jsonOf(sent)) as T[]) : sent;
}

/** A copy of an object that has fields, with another field at its end, and the texts of both. */
export function exactlyWith<T extends object>(object: T, field: object): T {
  const copy = { ...object, ...field };
  const [value] = Object.values(field) as unknown[];
  if (hasText(object) || hasText(value)) {
    const [name] = Object.keys(field);
    const start = jsonOf(object).slice(0, -1);
    remember(copy, `${start},${JSON.stringify(name)}:${jsonOf(value)}}`, true);
  }
  return copy;
}

export function hasText(value: unknown): boolean {
  return typeof value === 'object' && value !== null && texts.has(value);
}

/** Whether an array was made of items with texts. */
function isArrayOfTexts(value: unknown): value is unknown[] {
  return hasTexts && Array.isArray(value) && value.some(hasText);
}

/** The JSON of a value: as it was sent, unless it was changed since. */
export function jsonOf(value: unknown): string {
  return exactTextOf(value) ?? JSON.stringify(value);
}

/** The same text for the same JSON: without white space, keys in order, numbers as they were sent. */
export function canonicalJsonOf(value: unknown): string {
  if (hasText(value)) {
    return new JsonText(texts.get(value as object)!.text).compact(true);
  }
  return isArrayOfTexts(value)
    ? `[${value.map(canonicalJsonOf).join()}]`
    : sortedJsonOf(value);
}

/** `JSON.stringify` with keys in order: programs that build a body again may write them in another one. */
export function sortedJsonOf(value: unknown): string {
  return JSON.stringify(value, withSortedKeys);
}

function withSortedKeys(_key: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      )
    : value;
}

function exactTextOf(value: unknown): string | undefined {
  if (!hasText(value)) {
    return isArrayOfTexts(value) ? `[${value.map(jsonOf).join()}]` : undefined;
  }
  const remembered = texts.get(value as object)!;
  if (!remembered.isCompact) {
    // Most of the work, and a write needs the text several times.
    remembered.text = new JsonText(remembered.text).compact();
    remembered.isCompact = true;
  }
  const { text } = remembered;
  // Code of a platform may have changed the value.
  const isUnchanged =
    JSON.stringify(value) === JSON.stringify(JSON.parse(text));
  return isUnchanged ? text : undefined;
}

/** Clients do not know it, so no text of theirs can look like a placeholder. */
const MARK = `exact-json:${randomUUID()}:`;
const PLACEHOLDER = new RegExp(`"${MARK}(\\d+)"`, 'g');
/** The texts behind the placeholders of the `stringifyExactly` in progress. */
let replaced: string[] | undefined;

/** Stands in a body for a value with a text. */
class ExactJson {
  constructor(private readonly text: string) {}

  toJSON(): unknown {
    // Another serializer gets the value, with rounded numbers.
    if (!replaced) return JSON.parse(this.text);
    return `${MARK}${replaced.push(this.text) - 1}`;
  }
}

/** Puts open JSON into a body for `stringifyExactly`. */
export function exactly<T>(value: T): T {
  const text = exactTextOf(value);
  return text === undefined ? value : (new ExactJson(text) as T);
}

/** `JSON.stringify` of a body in which open JSON went through `exactly`. */
export function stringifyExactly(body: unknown): string {
  return stringified(body).json;
}

/** Whether `JSON.stringify` would change open JSON in a body. */
export function isChangedByJson(body: unknown): boolean {
  return hasTexts && stringified(body).isExact;
}

function stringified(body: unknown): { json: string; isExact: boolean } {
  const found: string[] = [];
  replaced = found;
  try {
    const json = JSON.stringify(body);
    if (found.length === 0) return { json, isExact: false };
    const exact = json.replace(
      PLACEHOLDER,
      (_, index: string) => found[Number(index)]!,
    );
    return { json: exact, isExact: true };
  } finally {
    replaced = undefined;
  }
}
