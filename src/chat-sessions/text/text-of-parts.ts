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
