import { check } from '../../validation/check.js';
import { isJsonObject } from '../../validation/decorators.js';

interface TextPart {
  type: 'text';
  text: string;
}

/** The texts of the `text` parts, a line each: the content of a message without one. */
export function textOf(parts: unknown): string {
  if (!Array.isArray(parts)) return '';
  return parts
    .filter(isText)
    .map(({ text }) => text)
    .join('\n');
}

function isText(part: unknown): part is TextPart {
  return (
    isJsonObject(part) && part.type === 'text' && typeof part.text === 'string'
  );
}

/** Parts whose texts have at most `max` bytes in UTF-8, unless the object has a `content`. */
export function MaxTextBytes(max: number): PropertyDecorator {
  return check({
    name: 'maxTextBytes',
    validate: (value, args) =>
      (args?.object as { content?: unknown } | undefined)?.content != null ||
      Buffer.byteLength(textOf(value)) <= max,
    message: `the texts of $property must be at most ${max} bytes long without content`,
  });
}
