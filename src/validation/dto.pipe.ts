import {
  BadRequestException,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import { getMetadataStorage, validateSync } from 'class-validator';
import { coerce } from './coerce.js';
import { isJsonObject, type NestedArray, nestedArrayOf } from './decorators.js';
import { messagesOf } from './messages.js';

type DtoClass = new () => object;

const MAX_DETAILS = 100;
const MAX_DETAIL_CHARACTERS = 300;

/** 400 with a line for each mistake. A body has room for a million: some are enough. */
export class ValidationFailedException extends BadRequestException {
  readonly details: string[];

  constructor(mistakes: string[]) {
    super('Validation failed');
    const more = mistakes.length - MAX_DETAILS;
    this.details = mistakes
      .slice(0, MAX_DETAILS)
      .map((mistake) => mistake.slice(0, MAX_DETAIL_CHARACTERS).toWellFormed());
    if (more > 0) this.details.push(`and ${more} more`);
  }
}

/**
 * Makes a DTO of a body or a query string, and validates it by its
 * class-validator rules. Stands in for Nest's ValidationPipe, whose
 * class-transformer walks into open JSON and throws there on a key
 * `constructor`: here open JSON is handed on as it came.
 *
 * Its parameter is to be a `Readonly<Dto>`, which has no class at run time: an
 * application's own ValidationPipe, which may be global, comes before this one,
 * and leaves alone what has none.
 */
export class DtoPipe<Dto extends object> implements PipeTransform {
  private withoutQuery: Dto | undefined;

  constructor(private readonly dtoClass: new () => Dto) {}

  transform(value: unknown, { type }: ArgumentMetadata): Dto {
    if (type === 'body') return validated(value, this.dtoClass);
    // Most requests have no query, and its defaults are always the same.
    const isEmpty = Object.keys(value as object).length === 0;
    return isEmpty
      ? (this.withoutQuery ??= Object.freeze(validated({}, this.dtoClass)))
      : validated(coerceFields(this.dtoClass, value), this.dtoClass);
  }
}

/** The value as an instance of the DTO class; throws ValidationFailedException. */
export function validated<Dto extends object>(
  value: unknown,
  dtoClass: new () => Dto,
): Dto {
  if (!isJsonObject(value)) {
    throw new BadRequestException('Request body must be a JSON object');
  }
  const unknown = unknownFields(dtoClass, value);
  if (unknown.length > 0) {
    throw new ValidationFailedException(
      unknown.map((field) => `${field} is not a known field`),
    );
  }
  const dto = instantiate(dtoClass, value) as Dto;
  const errors = validateSync(dto, { forbidUnknownValues: true });
  if (errors.length > 0) {
    throw new ValidationFailedException(messagesOf(errors));
  }
  return dto;
}

interface Field {
  /** As TypeScript emits it. */
  type: unknown;
  nested: NestedArray | undefined;
}

const fieldsOfClasses = new Map<DtoClass, ReadonlyMap<string, Field>>();

/** The fields that have a validation rule; others are unknown. Looked up once a class, as it is asked for each message of a batch. */
function fieldsOf(dtoClass: DtoClass): ReadonlyMap<string, Field> {
  let fields = fieldsOfClasses.get(dtoClass);
  if (!fields) {
    const rules = getMetadataStorage().getTargetValidationMetadatas(
      dtoClass,
      '',
      false,
      false,
    );
    const prototype = dtoClass.prototype as object;
    fields = new Map(
      rules.map(({ propertyName }) => {
        const nested = nestedArrayOf(prototype, propertyName);
        const type: unknown = Reflect.getMetadata(
          'design:type',
          prototype,
          propertyName,
        );
        return [propertyName, { type, nested }];
      }),
    );
    fieldsOfClasses.set(dtoClass, fields);
  }
  return fields;
}

/**
 * Of too many nested objects, one over the limit is enough to refuse them all,
 * and spares validating each: a body has room for a million.
 */
function itemsOf({ max }: NestedArray, value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, max + 1) : [];
}

function unknownFields(
  dtoClass: DtoClass,
  value: object,
  path = '',
  found: string[] = [],
): string[] {
  const fields = fieldsOf(dtoClass);
  for (const [key, given] of Object.entries(value)) {
    const field = fields.get(key);
    if (!field) found.push(path + key);
    const nested = field?.nested;
    if (!nested) continue;
    for (const [index, item] of itemsOf(nested, given).entries()) {
      if (!isJsonObject(item)) continue;
      unknownFields(nested.type(), item, `${path}${key}.${index}.`, found);
    }
  }
  return found;
}

function instantiate(dtoClass: DtoClass, value: object): object {
  const fields = fieldsOf(dtoClass);
  const dto = Object.assign(new dtoClass(), value) as Record<string, unknown>;
  for (const [key, given] of Object.entries(value)) {
    const nested = fields.get(key)?.nested;
    if (!nested) continue;
    dto[key] = Array.isArray(given)
      ? itemsOf(nested, given).map((item) =>
          isJsonObject(item) ? instantiate(nested.type(), item) : emptied(item),
        )
      : emptied(given);
  }
  return dto;
}

/**
 * What is of the wrong type is refused whatever it holds; class-validator would
 * go into it, and throws where a `constructor` is no class.
 */
function emptied(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  return isJsonObject(value) ? {} : value;
}

function coerceFields(dtoClass: DtoClass, query: unknown): object {
  const fields = fieldsOf(dtoClass);
  return Object.fromEntries(
    Object.entries(query as object).map(([key, value]) => [
      key,
      coerce(value, fields.get(key)?.type),
    ]),
  );
}
