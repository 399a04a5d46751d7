import { applyDecorators, type CanActivate, UseGuards } from '@nestjs/common';
import {
  ApiProperty,
  ApiResponse,
  type ApiResponseOptions,
  ApiSchema,
} from '@nestjs/swagger';

/** The text of a route's error, by status; of several the first. */
export type ErrorTexts = Readonly<Record<number, string>>;

@ApiSchema({ name: 'ChatError' })
export class ErrorBody {
  @ApiProperty({ type: String, description: 'What went wrong.' })
  error: string;
}

@ApiSchema({ name: 'ChatValidationError' })
export class ValidationErrorBody extends ErrorBody {
  @ApiProperty({
    type: [String],
    required: false,
    description: 'One line for each field that is wrong.',
  })
  details?: string[];
}

/** What every route that takes a body can answer. */
export const BODY_ERRORS = {
  413: 'Request body is too large',
  415: 'Content-Type must be application/json',
} satisfies ErrorTexts;

export const NO_HOST = 'Host header is missing';
export const TOO_MANY_REQUESTS = 'Too many requests';

const ERROR_TEXTS = Symbol('error texts');

/** A request for which a route was found. */
export interface Routed {
  [ERROR_TEXTS]?: ErrorTexts;
}

/** Headers of errors as the document describes them, by status. */
type ErrorHeaders = Readonly<Record<number, ApiResponseOptions['headers']>>;

/**
 * Declares the errors of a route: documents them, and gives the exception
 * filter the route's own text of 404 (an entity that was not found) and of 500.
 * Of several texts of a status, those are the first.
 * @param invalid an example of the details of a 400
 */
export function RouteErrors(
  texts: Readonly<Record<number, string | readonly string[]>>,
  invalid = 'session_id must be a UUID',
  headers: ErrorHeaders = {},
): MethodDecorator {
  const errors = Object.entries(texts).map(
    ([status, text]): [number, string[]] => [Number(status), [text].flat()],
  );
  const firstTexts = errors.map(([status, [first]]) => [status, first]);
  return applyDecorators(
    UseGuards(keeping(Object.fromEntries(firstTexts) as ErrorTexts)),
    ...errors.map(([status, ofStatus]) => {
      const isValidation = status === 400;
      const bodies = ofStatus.map((error) =>
        isValidation ? { error, details: [invalid] } : { error },
      );
      return ApiResponse({
        status,
        description: ofStatus.join('; or: '),
        headers: headers[status],
        type: isValidation ? ValidationErrorBody : ErrorBody,
        ...(bodies.length === 1
          ? { example: bodies[0] }
          : { examples: examplesOf(bodies) }),
      });
    }),
  );
}

function examplesOf(bodies: ErrorBody[]) {
  return Object.fromEntries(
    bodies.map((value, index) => [index + 1, { summary: value.error, value }]),
  );
}

/** Leaves the route's texts with the request: an exception filter is not told which handler failed. */
function keeping(texts: ErrorTexts): CanActivate {
  return {
    canActivate(context) {
      context.switchToHttp().getRequest<Routed>()[ERROR_TEXTS] = texts;
      return true;
    },
  };
}

export function errorTextsOf(request: Routed): ErrorTexts {
  return request[ERROR_TEXTS] ?? {};
}
