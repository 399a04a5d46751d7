import {
  buildMessage,
  ValidateBy,
  type ValidationArguments,
  type ValidationOptions,
} from 'class-validator';

export interface Rule {
  /** Identifies the rule in class-validator's errors. */
  name: string;
  /** Returns whether the value passes. */
  validate: (value: unknown, args?: ValidationArguments) => boolean;
  /** The problem of a value that does not pass; `$property` stands for the field. */
  message: string;
}

/** Makes a decorator of class-validator from a rule of our own. */
export function check(
  { name, validate, message }: Rule,
  options?: ValidationOptions,
): PropertyDecorator {
  const defaultMessage = buildMessage((prefix) => prefix + message, options);
  return ValidateBy({ name, validator: { validate, defaultMessage } }, options);
}
