import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ValidateIf,
  ValidateNested,
  type ValidationArguments,
  type ValidationOptions,
} from 'class-validator';
import { jsonOf } from '../json/exact-json.js';
import { check } from './check.js';

/** The field may be left out; unlike with `@IsOptional()`, it may not be null. */
export function Optional(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** The field may be null, and must be given. */
export function NullOr(): PropertyDecorator {
  return ValidateIf((_, value) => value !== null);
}

function charactersIn(text: string): number {
  return Array.from(text).length;
}

/** Text of at most `max` code points, as a column `varchar(max)` counts them. */
export function MaxCharacters(
  max: number,
  options?: ValidationOptions,
): PropertyDecorator {
  const rule = check(
    {
      name: 'maxCharacters',
      validate: (value) =>
        typeof value !== 'string' ||
        value.length <= max ||
        (value.length <= 2 * max && charactersIn(value) <= max),
      message: `$property must be at most ${max} characters long`,
    },
    options,
  );
  return options?.each
    ? rule
    : applyDecorators(rule, ApiProperty({ maxLength: max }));
}

/** Text of at most `max` bytes in UTF-8. */
export function MaxBytes(max: number): PropertyDecorator {
  return applyDecorators(
    check({
      name: 'maxBytes',
      validate: (value) =>
        typeof value !== 'string' || Buffer.byteLength(value) <= max,
      message: `$property must be at most ${max} bytes long`,
    }),
    ApiProperty({ maxLength: max }),
  );
}

/** A value whose JSON, without white space, has at most `max` bytes in UTF-8. */
export function MaxJsonBytes(max: number): PropertyDecorator {
  return check({
    name: 'maxJsonBytes',
    validate: (value) => Buffer.byteLength(jsonOf(value) ?? '') <= max,
    message: `$property must be at most ${max} bytes of JSON`,
  });
}

const NOT_BLANK = /\S/;

/** Text with at least one character that is not white space. */
export function IsNotBlank(): PropertyDecorator {
  return applyDecorators(
    check({
      name: 'isNotBlank',
      validate: (value) => typeof value !== 'string' || NOT_BLANK.test(value),
      message: '$property must not be blank',
    }),
    ApiProperty({ pattern: NOT_BLANK.source }),
  );
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function IsJsonObject(options?: ValidationOptions): PropertyDecorator {
  return check(
    {
      name: 'isJsonObject',
      validate: isJsonObject,
      message: '$property must be an object',
    },
    options,
  );
}

/** An object with an `id` as that of a message, and without an `answer`; other fields are open. */
export function IsInterrupt(options?: ValidationOptions): PropertyDecorator {
  return check(
    {
      name: 'isInterrupt',
      validate: (value) =>
        isJsonObject(value) && isMessageId(value.id) && !('answer' in value),
      message: `$property must be an object with an id, which ${MESSAGE_ID_RULE}, and without an answer`,
    },
    options,
  );
}

/** An object with a `type` (text); other fields are open. */
export function IsTypedPart(options?: ValidationOptions): PropertyDecorator {
  return check(
    {
      name: 'isTypedPart',
      validate: (value) =>
        isJsonObject(value) && typeof value.type === 'string',
      message: '$property must be an object with a type',
    },
    options,
  );
}

export const OPAQUE_ID_LENGTH = 191;
// Uses no Unicode properties and no lookbehind, since the pattern stands in the
// OpenAPI document and Swagger UI compiles it without the flag `u`.
const NOT_IN_OPAQUE_ID = '\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029';
export const OPAQUE_ID = new RegExp(
  `^[^\\s${NOT_IN_OPAQUE_ID}](?:[^${NOT_IN_OPAQUE_ID}]*[^\\s${NOT_IN_OPAQUE_ID}])?$`,
);

/**
 * Whether the value can be an id of another system: 1 to 191 characters (code
 * points), no control characters (U+0000 to U+001F, U+007F to U+009F) or line
 * breaks (U+2028, U+2029), and at either end no white space, as `\s` of
 * JavaScript means it: the spaces of Unicode and U+FEFF.
 */
export function isOpaqueId(value: unknown): value is string {
  return isText(value, OPAQUE_ID_LENGTH, OPAQUE_ID);
}

function isText(
  value: unknown,
  maxCharacters: number,
  pattern: RegExp,
): value is string {
  return (
    typeof value === 'string' &&
    value.length <= 2 * maxCharacters &&
    charactersIn(value) <= maxCharacters &&
    // The store would turn every lone surrogate into U+FFFD, so that ids could collide.
    value.isWellFormed() &&
    pattern.test(value)
  );
}

export const OPAQUE_ID_RULE = `must be 1 to ${OPAQUE_ID_LENGTH} characters, without control characters and without white space at either end`;

export function IsOpaqueId(): PropertyDecorator {
  return applyDecorators(
    check({
      name: 'isOpaqueId',
      validate: isOpaqueId,
      message: `$property ${OPAQUE_ID_RULE}`,
    }),
    ApiProperty({
      minLength: 1,
      maxLength: OPAQUE_ID_LENGTH,
      pattern: OPAQUE_ID.source,
    }),
  );
}

const MESSAGE_ID_LENGTH = 255;
// A URL cannot hold the path segments `.` and `..`, not even encoded: `fetch` and
// browsers remove them before they send a request.
const MESSAGE_ID = new RegExp(OPAQUE_ID.source.replace('^', '^(?!\\.{1,2}$)'));

/** Whether the value can be the id of a message: an opaque id of up to 255 characters, but not `.` or `..`. */
export function isMessageId(value: unknown): value is string {
  return isText(value, MESSAGE_ID_LENGTH, MESSAGE_ID);
}

export const MESSAGE_ID_RULE = `must be 1 to ${MESSAGE_ID_LENGTH} characters, without control characters and without white space at either end, and not . or ..`;

/** The schema of the id of a message. */
export const MESSAGE_ID_SCHEMA = {
  type: 'string',
  minLength: 1,
  maxLength: MESSAGE_ID_LENGTH,
  pattern: MESSAGE_ID.source,
} as const;

export function IsMessageId(): PropertyDecorator {
  const { minLength, maxLength, pattern } = MESSAGE_ID_SCHEMA;
  return applyDecorators(
    check({
      name: 'isMessageId',
      validate: isMessageId,
      message: `$property ${MESSAGE_ID_RULE}`,
    }),
    ApiProperty({ minLength, maxLength, pattern }),
  );
}

/** The field may not be given together with one of the others. */
export function ExclusiveWith(...others: string[]): PropertyDecorator {
  return check({
    name: 'exclusiveWith',
    validate: (_, args) =>
      others.every((other) => fieldOf(args, other) === undefined),
    message: `$property cannot be used together with ${others.join(' or ')}`,
  });
}

/** The field may only be given together with the other one. */
export function Requires(other: string): PropertyDecorator {
  return check({
    name: 'requires',
    validate: (_, args) => fieldOf(args, other) != null,
    message: `$property requires ${other}`,
  });
}

function fieldOf(args: ValidationArguments | undefined, name: string): unknown {
  return (args?.object as Record<string, unknown> | undefined)?.[name];
}

const NESTED = Symbol('nested objects');
type Class = new () => object;

export interface NestedOptions {
  type: () => Class;
  /** The most items of an array; undefined if the field is one object. */
  max?: number;
}

/** An array of at most `max` objects of a class, each validated by the rules of the class. */
export function NestedArray(type: () => Class, max: number): PropertyDecorator {
  return applyDecorators(
    ArrayMaxSize(max),
    IsJsonObject({ each: true }),
    ValidateNested({ each: true }),
    Reflect.metadata(NESTED, { type, max } satisfies NestedOptions),
  );
}

/** An object of a class, validated by the rules of the class. */
export function NestedObject(type: () => Class): PropertyDecorator {
  return applyDecorators(
    IsJsonObject(),
    ValidateNested(),
    Reflect.metadata(NESTED, { type } satisfies NestedOptions),
  );
}

/** Returns the options of a property's `@NestedArray()` or `@NestedObject()`, undefined if it has neither. */
export function nestedOptions(
  prototype: object,
  property: string,
): NestedOptions | undefined {
  return Reflect.getMetadata(NESTED, prototype, property) as
    NestedOptions | undefined;
}
