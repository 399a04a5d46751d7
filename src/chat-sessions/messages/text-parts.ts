import { check } from '../../validation/check.js';
import { textOf } from '../text/text-of-parts.js';

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
