import type { ValidationError } from 'class-validator';

/**
 * Returns one line for each field that is wrong, beginning with its path. If a
 * field breaks several rules, the line is of the rule written first: the later
 * ones (length, count) say nothing about a value of the wrong type.
 */
export function messagesOf(errors: ValidationError[], path = ''): string[] {
  return errors.flatMap(({ constraints = {}, children = [], property }) => {
    // TypeScript applies decorators from last to first.
    const message = Object.entries(constraints)
      .filter(([rule]) => rule !== 'nestedValidation')
      .at(-1)?.[1];
    return message === undefined
      ? messagesOf(children, `${path}${property}.`)
      : [path + message];
  });
}
