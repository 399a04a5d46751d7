import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  buildMessage,
  Matches,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  type ValidationArguments,
  type ValidationOptions,
} from 'class-validator';

/** The field may be left out. Unlike `@IsOptional()`, it may not be null. */
export function MayBeAbsent(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

function check(
  name: string,
  validate: (value: unknown, args?: ValidationArguments) => boolean,
  message: string,
  options?: ValidationOptions,
): PropertyDecorator {
  const defaultMessage = buildMessage((prefix) => prefix + message, options);
  return ValidateBy({ name, validator: { validate, defaultMessage } }, options);
}

function charactersIn(text: string): number {
  return Array.from(text).length;
}

/** Text of at most `max` code points: what a `varchar(max)` holds. */
export function MaxCharacters(
  max: number,
  options?: ValidationOptions,
): PropertyDecorator {
  const rule = check(
    'maxCharacters',
    (value) =>
      typeof value !== 'string' ||
      value.length <= max ||
      (value.length <= 2 * max && charactersIn(value) <= max),
    `$property must be at most ${max} characters long`,
    options,
  );
  return options?.each
    ? rule
    : applyDecorators(rule, ApiProperty({ maxLength: max }));
}

/** Text of at most `max` bytes in UTF-8. */
export function MaxBytes(max: number): PropertyDecorator {
  return applyDecorators(
    check(
      'maxBytes',
      (value) => typeof value !== 'string' || Buffer.byteLength(value) <= max,
      `$property must be at most ${max} bytes long`,
    ),
    ApiProperty({ maxLength: max }),
  );
}

/** JSON of at most `max` bytes in UTF-8, written without white space. */
export function MaxJsonBytes(max: number): PropertyDecorator {
  return check(
    'maxJsonBytes',
    (value) => Buffer.byteLength(JSON.stringify(value) ?? '') <= max,
    `$property must be at most ${max} bytes of JSON`,
  );
}

const SOMETHING_TO_SEE = /\S/;

/** Text with something to see in it. */
export function IsNotBlank(): PropertyDecorator {
  return applyDecorators(
    check(
      'isNotBlank',
      (value) => typeof value !== 'string' || SOMETHING_TO_SEE.test(value),
      '$property must not be blank',
    ),
    ApiProperty({ pattern: SOMETHING_TO_SEE.source }),
  );
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function IsJsonObject(options?: ValidationOptions): PropertyDecorator {
  return check(
    'isJsonObject',
    isJsonObject,
    '$property must be an object',
    options,
  );
}

/** An object with a `type`; what else it holds is open. */
export function IsTypedPart(options?: ValidationOptions): PropertyDecorator {
  return check(
    'isTypedPart',
    (value) => isJsonObject(value) && typeof value.type === 'string',
    '$property must be an object with a type',
    options,
  );
}

export const OPAQUE_ID_LENGTH = 191;
// Without properties of Unicode and lookbehind, which many readers of the OpenAPI
// document do not know: Swagger UI makes its expressions without the flag `u`.
const NOT_IN_OPAQUE_ID = '\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029';
export const OPAQUE_ID = new RegExp(
  `^[^\\s${NOT_IN_OPAQUE_ID}](?:[^${NOT_IN_OPAQUE_ID}]*[^\\s${NOT_IN_OPAQUE_ID}])?$`,
);

/** An id that another system made: 1 to 191 characters, no control characters, no white space at either end. */
export function isOpaqueId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    charactersIn(value) <= OPAQUE_ID_LENGTH &&
    // A store would turn lone surrogates into one and the same U+FFFD.
    value.isWellFormed() &&
    OPAQUE_ID.test(value)
  );
}

export const OPAQUE_ID_RULE = `must be 1 to ${OPAQUE_ID_LENGTH} characters, without control characters and without white space at either end`;

export function IsOpaqueId(): PropertyDecorator {
  return applyDecorators(
    check('isOpaqueId', isOpaqueId, `$property ${OPAQUE_ID_RULE}`),
    ApiProperty({
      minLength: 1,
      maxLength: OPAQUE_ID_LENGTH,
      pattern: OPAQUE_ID.source,
    }),
  );
}

export const MESSAGE_ID = /^[A-Za-z0-9_-]{1,64}$/;
export const MESSAGE_ID_RULE =
  'must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -';

export function IsMessageId(): PropertyDecorator {
  return applyDecorators(
    Matches(MESSAGE_ID, { message: `$property ${MESSAGE_ID_RULE}` }),
    ApiProperty({ pattern: MESSAGE_ID.source }),
  );
}

/** Refuses the field where one of the others is given too. */
export function IsAloneAmong(...others: string[]): PropertyDecorator {
  return check(
    'isAloneAmong',
    (_, args) => others.every((other) => fieldOf(args, other) === undefined),
    `$property cannot be used together with ${others.join(' or ')}`,
  );
}

/** Refuses the field where the other is not given. */
export function Requires(other: string): PropertyDecorator {
  return check(
    'requires',
    (_, args) => fieldOf(args, other) != null,
    `$property requires ${other}`,
  );
}

function fieldOf(args: ValidationArguments | undefined, name: string): unknown {
  return (args?.object as Record<string, unknown> | undefined)?.[name];
}

const NESTED = Symbol('nested');
type Class = new () => object;

export interface NestedArray {
  type: () => Class;
  max: number;
}

/** An array of at most `max` objects of a class, each validated by its own rules. */
export function Nested(type: () => Class, max: number): PropertyDecorator {
  return applyDecorators(
    ArrayMaxSize(max),
    IsJsonObject({ each: true }),
    ValidateNested({ each: true }),
    Reflect.metadata(NESTED, { type, max } satisfies NestedArray),
  );
}

/** What `@Nested` says of a property, where it is there. */
export function nestedArrayOf(
  prototype: object,
  property: string,
): NestedArray | undefined {
  return Reflect.getMetadata(NESTED, prototype, property) as
    NestedArray | undefined;
}
