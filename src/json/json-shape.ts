const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

export interface JsonShape {
  /** Levels of arrays and objects. */
  depth: number;
  /** Number of values, the outermost and those of arrays and objects included; keys are none. */
  values: number;
}

/**
 * The shape of valid JSON, without parsing it: a parser may recurse, and takes
 * far more memory for many small values than their text has.
 */
export function shapeOf(text: string): JsonShape {
  let depth = 0;
  let level = 0;
  let values = 1;
  let isEmpty = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      depth = Math.max(depth, ++level);
      isEmpty = true;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      level--;
      // It has one value more than commas.
      if (!isEmpty) values++;
      isEmpty = false;
    } else if (char > SPACE) {
      if (char === COMMA) values++;
      else if (char === QUOTE) i = endOfString(text, i);
      isEmpty = false;
    }
  }
  return { depth, values };
}

/** The index of the quote that ends a string. A string may be a picture, so it is not read character by character. */
function endOfString(text: string, start: number): number {
  let end = start;
  do end = text.indexOf('"', end + 1);
  while (end !== -1 && isEscaped(text, end));
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}
