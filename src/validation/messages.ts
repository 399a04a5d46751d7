import type { ValidationError } from 'class-validator';

/**
 * One line a field, beginning with its path. Of several broken rules the one
 * that is written first counts: what comes after it (how long, how many) makes
 * no sense of a value of the wrong type.
 */
export function messagesOf(errors: ValidationError[], path = ''): string[] {
  return errors.flatMap(({ constraints = {}, children = [], property }) => {
    // Decorators are applied from the last to the first.
    const message = Object.entries(constraints)
      .filter(([rule]) => rule !== 'nestedValidation')
      .at(-1)?.[1];
    return message === undefined
      ? messagesOf(children, `${path}${property}.`)
      : [path + message];
  });
}
