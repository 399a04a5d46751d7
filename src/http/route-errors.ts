import {
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiProperty, ApiResponse, ApiSchema } from '@nestjs/swagger';

/** The texts of a route's errors, by status. */
export type ErrorTexts = Readonly<Record<number, string>>;

@ApiSchema({ name: 'Error' })
export class ErrorBody {
  @ApiProperty({ type: String, description: 'What went wrong.' })
  error: string;
}

@ApiSchema({ name: 'ValidationError' })
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

export const TOO_MANY_REQUESTS = 'Too many requests';

const ERROR_TEXTS = Symbol('error texts');
const textsOfRequests = new WeakMap<object, ErrorTexts>();

/**
 * Declares the errors of a route: documents them, and gives the exception
 * filter the route's own text of 404 (an entity that was not found) and of 500.
 * @param invalid an example of the details of a 400
 */
export function RouteErrors(
  texts: ErrorTexts,
  invalid = 'session_id must be a UUID',
): MethodDecorator {
  return applyDecorators(
    SetMetadata(ERROR_TEXTS, texts),
    UseGuards(ErrorTextsGuard),
    ...Object.entries(texts).map(([status, error]) => {
      const isValidation = status === '400';
      return ApiResponse({
        status: Number(status),
        description: error,
        type: isValidation ? ValidationErrorBody : ErrorBody,
        example: isValidation ? { error, details: [invalid] } : { error },
      });
    }),
  );
}

/** Leaves the route's texts with the request: an exception filter is not told which handler failed. */
@Injectable()
class ErrorTextsGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): true {
    const request = context.switchToHttp().getRequest<object>();
    textsOfRequests.set(
      request,
      this.reflector.get<ErrorTexts>(ERROR_TEXTS, context.getHandler()),
    );
    return true;
  }
}

export function errorTextsOf(request: object): ErrorTexts {
  return textsOfRequests.get(request) ?? {};
}
