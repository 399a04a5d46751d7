import type { ValidationError } from 'class-validator';

/** One line a mistake, each beginning with the path of its field. */
export function messagesOf(errors: ValidationError[], path = ''): string[] {
  return errors.flatMap(({ constraints = {}, children = [], property }) => [
    ...Object.values(constraints).map((message) => path + message),
    ...messagesOf(children, `${path}${property}.`),
  ]);
}
