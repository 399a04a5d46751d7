import { ApiProperty } from '@nestjs/swagger';

/** An object with arbitrary content. */
export function ApiObject(
  options: { example?: object } = {},
): PropertyDecorator {
  return ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: {},
    ...options,
  });
}

/** An array of such objects. */
export function ApiObjects(
  options: { maxItems?: number } = {},
): PropertyDecorator {
  return ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    example: [],
    ...options,
  });
}

/** An array of typed parts. */
export function ApiParts(
  options: {
    minItems?: number;
    maxItems?: number;
    nullable?: boolean;
    example?: object[];
  } = {},
): PropertyDecorator {
  return ApiProperty({
    type: 'array',
    items: {
      type: 'object',
      properties: { type: { type: 'string' } },
      required: ['type'],
      additionalProperties: true,
    },
    nullable: true,
    example: [],
    ...options,
  });
}

export function ApiEnum(values: readonly string[]): PropertyDecorator {
  return ApiProperty({ enum: values, example: values[2] });
}

export function ApiInteger(): PropertyDecorator {
  return ApiProperty({ type: 'integer' });
}

/** A time as ISO 8601 text. */
export function ApiTime(): PropertyDecorator {
  return ApiProperty({ type: String, format: 'date-time' });
}
