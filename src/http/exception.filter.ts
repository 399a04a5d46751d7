import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Logger,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { EntityNotFoundError } from 'typeorm';
import { StoreUnavailableError } from '../database/errors.js';
import { CodedError, codeOfStatus } from '../errors/coded-error.js';
import { describeError } from '../errors/describe-error.js';
import { ValidationFailedException } from '../validation/dto.pipe.js';
import {
  BODY_ERRORS,
  type Routed,
  type RouteTexts,
  routeTextsOf,
  VALIDATION_FAILED,
  type ValidationErrorBody,
} from './route-errors.js';

/** The response to a request that failed. */
export interface ErrorResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: ValidationErrorBody;
}

/** The part of a request that is logged, on either adapter. */
interface FailedRequest {
  id?: string;
  method: string;
  url: string;
}

/**
 * Turns every error into `{"error": "...", "code": "..."}`. Unforeseen errors
 * are logged with their causes and answered 500 with the route's own text: no
 * SQL, stack or message of a driver reaches a client.
 */
@Catch()
export class ChatSessionsExceptionsFilter implements ExceptionFilter {
  private readonly logger = new Logger(ChatSessionsExceptionsFilter.name);

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const http = host.switchToHttp();
    const request = http.getRequest<FailedRequest & Routed>();
    const response = http.getResponse<object>();
    const { status, headers, body } = this.responseTo(
      exception,
      request,
      routeTextsOf(request),
    );
    for (const [name, value] of Object.entries(headers)) {
      httpAdapter.setHeader(response, name, value);
    }
    httpAdapter.reply(response, body, status);
  }

  /** Logs the error unless the client caused it. */
  responseTo(
    exception: unknown,
    request: FailedRequest,
    texts: RouteTexts,
  ): ErrorResponse {
    const response = responseOf(exception, texts);
    if (response.status >= 500 && !isLoggedAlready(exception)) {
      this.logger.error({
        message: 'Request failed',
        status: response.status,
        route: `${request.method} ${request.url.split('?')[0]}`,
        request_id: request.id,
        error: describeError(exception),
      });
    }
    return response;
  }
}

function responseOf(exception: unknown, texts: RouteTexts): ErrorResponse {
  if (exception instanceof CodedError && !isFixedFailure(exception, texts)) {
    const { status, text, retryAfter } = exception.info;
    const headers: Record<string, string> =
      retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) };
    const { code, details } = exception;
    return { status, headers, body: { error: text, code, ...details } };
  }
  if (exception instanceof EntityNotFoundError) {
    return ofRoute(404, texts.notFound ?? 'Not found', texts);
  }
  if (exception instanceof ValidationFailedException) {
    const { details } = exception;
    return {
      status: 400,
      headers: {},
      body: { ...VALIDATION_FAILED, details },
    };
  }
  if (exception instanceof HttpException && exception.getStatus() !== 500) {
    return ofHttpException(exception);
  }
  const status = clientErrorStatus(exception);
  if (status !== undefined) {
    const texts: Record<number, string | undefined> = BODY_ERRORS;
    return bodyOf(status, texts[status] ?? (exception as Error).message);
  }
  const message = exception instanceof HttpException && exception.message;
  const text = texts.failure ?? (message || 'Internal server error');
  return ofRoute(500, text, texts);
}

/** The oldest routes respond with their own 500 while the store is unreachable: existing clients know it. */
function isFixedFailure({ code }: CodedError, { isFixed }: RouteTexts) {
  return isFixed && code === 'store_unreachable';
}

/** Nest's exceptions. A subclass may have a `code` (text) and `headers` (an object of texts). */
function ofHttpException(
  exception: HttpException & { code?: unknown; headers?: unknown },
): ErrorResponse {
  const status = exception.getStatus();
  const code =
    typeof exception.code === 'string' ? exception.code : codeOfStatus(status);
  const headers = Object.fromEntries(
    Object.entries(Object(exception.headers) as object).filter(
      (header): header is [string, string] => typeof header[1] === 'string',
    ),
  );
  // Each adapter words this one differently.
  const error = status === 413 ? BODY_ERRORS[413] : exception.message;
  return { status, headers, body: { error, code } };
}

function ofRoute(
  status: number,
  error: string,
  { isFixed }: RouteTexts,
): ErrorResponse {
  return isFixed
    ? { status, headers: {}, body: { error } }
    : bodyOf(status, error);
}

function bodyOf(status: number, error: string): ErrorResponse {
  return { status, headers: {}, body: { error, code: codeOfStatus(status) } };
}

/** The queue logs rejected requests itself, at most every 10 s. */
function isLoggedAlready(exception: unknown): boolean {
  return (
    exception instanceof StoreUnavailableError &&
    exception.code === 'store_overloaded'
  );
}

/** The 4xx status that the HTTP server's own parsers put on their errors. */
function clientErrorStatus(exception: unknown): number | undefined {
  if (!(exception instanceof Error) || !('statusCode' in exception)) return;
  const { statusCode } = exception;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : undefined;
}
