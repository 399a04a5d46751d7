import { randomUUID } from 'node:crypto';
import { JsonText } from './json-text.js';

/**
 * Open JSON is returned exactly as it was sent. `JSON.parse` alone cannot do
 * that: it rounds numbers of more than 15 digits, forgets how 1.0, 1e3 and -0
 * were written, and moves keys such as "7" to the front. The few texts that hold
 * any of these are kept beside the parsed values, which are used for all else.
 */

/** Text that `JSON.stringify` might not return after `JSON.parse`; also some text in strings that looks like it. */
const UNUSUAL =
  /[[:,\s](?:-0(?![.\d])|-?[\d.]{16}|-?\d+(?:\.\d+)?[eE]|-?\d+\.\d*0(?!\d))|"\d+"\s*:/;

/** Open JSON is at most this deep in a body: body, `messages`, message, field, item. */
const LEVELS = 5;
/** More arrays and objects than any valid body has at these levels. The others of a larger one are not remembered. */
const MAX_TEXTS = 100_000;

const texts = new WeakMap<object, string>();
let hasTexts = false;

/** Remembers the text of a parsed value, and of the arrays and objects in it, if the text is unusual. */
export function rememberText(value: unknown, text: string): void {
  if (typeof value !== 'object' || value === null || !UNUSUAL.test(text)) {
    return;
  }
  hasTexts = true;
  let left = MAX_TEXTS;
  new JsonText(text).visit(value, LEVELS, (container, itsText) => {
    if (left-- > 0) texts.set(container, itsText);
  });
}

/** `JSON.parse` of a text that is to be returned exactly. */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  rememberText(value, text);
  return value;
}

export function hasText(value: object): boolean {
  return texts.has(value);
}

/** Whether any value of this process has a text, so that bodies need `stringifyExactly`. */
export function hasAnyText(): boolean {
  return hasTexts;
}

/** The JSON of a value, as it was sent. */
export function jsonOf(value: unknown): string {
  const text = textOf(value);
  return text === undefined
    ? JSON.stringify(value)
    : new JsonText(text).compact();
}

/** The same text for the same JSON: without white space, keys in order, numbers as they were sent. */
export function canonicalJsonOf(value: unknown): string {
  const text = textOf(value);
  return text === undefined
    ? JSON.stringify(value, withSortedKeys)
    : new JsonText(text).compact(true);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null
    ? texts.get(value)
    : undefined;
}

/** For `JSON.stringify`: programs that build a body again may write its keys in another order. */
function withSortedKeys(_key: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      )
    : value;
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
  return textOf(value) === undefined
    ? value
    : (new ExactJson(jsonOf(value)) as T);
}

/** `JSON.stringify` of a body in which open JSON went through `exactly`. */
export function stringifyExactly(body: unknown): string {
  const found: string[] = [];
  replaced = found;
  try {
    const json = JSON.stringify(body);
    return found.length === 0
      ? json
      : json.replace(PLACEHOLDER, (_, index: string) => found[Number(index)]!);
  } finally {
    replaced = undefined;
  }
}
