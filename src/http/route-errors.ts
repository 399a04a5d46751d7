import { applyDecorators, type CanActivate, UseGuards } from '@nestjs/common';
import { ApiProperty, ApiResponse, ApiSchema } from '@nestjs/swagger';
import {
  codeOfStatus,
  type ErrorInfo,
  PAYLOAD_TOO_LARGE,
} from '../errors/coded-error.js';

@ApiSchema({ name: 'ChatError' })
export class ErrorBody {
  @ApiProperty({ type: String, description: 'What went wrong.' })
  error: string;

  @ApiProperty({
    type: String,
    required: false,
    description:
      'What went wrong, for programs: stable, unlike `error`. The 404 and 500 of some older routes have none.',
  })
  code?: string;
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

/** Texts of errors that every route with a body can answer, by status. */
export const BODY_ERRORS = {
  408: 'Request body did not arrive in time',
  [PAYLOAD_TOO_LARGE.status]: PAYLOAD_TOO_LARGE.text,
  415: 'Content-Type must be application/json',
} as const;

export const VALIDATION_FAILED = {
  error: 'Validation failed',
  code: 'validation_failed',
} as const;

export const NO_HOST = 'Host header is missing';
export const TOO_MANY_REQUESTS = 'Too many requests';

/** The Retry-After header as the document describes it. */
export const retryAfterHeader = {
  'Retry-After': {
    description: 'Seconds to wait before the next try.',
    schema: { type: 'integer', example: 30 },
  },
} as const;

/** The texts that a route has of its own. */
export interface RouteTexts {
  /** Text of a 404, if an entity is not found. */
  notFound?: string;
  /** Text of a 500. */
  failure?: string;
  /** The bodies of its 404 and 500 are `{"error": text}` and no more: existing clients compare them. */
  isFixed?: boolean;
}

interface RouteErrorsOptions extends RouteTexts {
  /** Example of the `details` of a 400; without one, the route has nothing to validate. */
  invalid?: string;
  /** Whether the route takes a body, which may be too large or no JSON. */
  hasBody?: boolean;
  /** The errors with a code that the route can answer. */
  errors?: Readonly<Record<string, ErrorInfo>>;
  /** The classes of bodies that have more than `error` and `code`, by status. */
  types?: Readonly<Record<number, new () => ErrorBody>>;
}

/**
 * Declares the errors of a route: documents them, and gives the exception
 * filter the route's own texts of 404 and 500.
 */
export function RouteErrors(options: RouteErrorsOptions): MethodDecorator {
  const { notFound, failure, isFixed } = options;
  return applyDecorators(
    UseGuards(keepTexts({ notFound, failure, isFixed })),
    ...documentedStatuses(documentedErrors(options), options.types),
  );
}

interface DocumentedError {
  status: number;
  body: ValidationErrorBody;
  retryAfter?: number;
}

function documentedErrors(options: RouteErrorsOptions): DocumentedError[] {
  const { notFound, failure, isFixed, invalid, hasBody, errors = {} } = options;
  const own = (status: number, error: string) => ({
    status,
    body: isFixed ? { error } : { error, code: codeOfStatus(status) },
  });
  return [
    ...(invalid
      ? [{ status: 400, body: { ...VALIDATION_FAILED, details: [invalid] } }]
      : []),
    ...(notFound ? [own(404, notFound)] : []),
    ...Object.entries(errors).map(([code, { status, text, retryAfter }]) => ({
      status,
      body: { error: text, code },
      retryAfter,
    })),
    ...Object.entries(hasBody ? BODY_ERRORS : {}).map(([status, error]) => ({
      status: Number(status),
      body: { error, code: codeOfStatus(Number(status)) },
    })),
    ...(failure ? [own(500, failure)] : []),
  ];
}

function documentedStatuses(
  errors: DocumentedError[],
  types: RouteErrorsOptions['types'] = {},
): MethodDecorator[] {
  const statuses = new Set(errors.map(({ status }) => status));
  return Array.from(statuses, (status) => {
    const ofStatus = errors.filter((error) => error.status === status);
    const bodies = ofStatus.map(({ body }) => body);
    return ApiResponse({
      status,
      description: bodies.map(({ error }) => error).join('; or: '),
      headers: ofStatus.some(({ retryAfter }) => retryAfter !== undefined)
        ? retryAfterHeader
        : undefined,
      type: types[status] ?? (status === 400 ? ValidationErrorBody : ErrorBody),
      ...(bodies.length === 1
        ? { example: bodies[0] }
        : { examples: numbered(bodies) }),
    });
  });
}

function numbered(bodies: ErrorBody[]) {
  return Object.fromEntries(
    bodies.map((value, index) => [index + 1, { summary: value.error, value }]),
  );
}

const TEXTS = Symbol('texts of the route');

/** A request for which a route was found. */
export interface Routed {
  [TEXTS]?: RouteTexts;
}

/** Leaves the route's texts with the request: an exception filter is not told which handler failed. */
function keepTexts(texts: RouteTexts): CanActivate {
  return {
    canActivate(context) {
      context.switchToHttp().getRequest<Routed>()[TEXTS] = texts;
      return true;
    },
  };
}

export function routeTextsOf(request: Routed): RouteTexts {
  return request[TEXTS] ?? {};
}
