import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  HttpStatus,
  Logger,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { EntityNotFoundError } from 'typeorm';
import {
  ChatSessionsError,
  type ChatSessionsErrorCode,
} from '../chat-sessions/errors.js';
import {
  IdentityUnavailableException,
  UnidentifiedException,
} from '../identity/identity-provider.js';
import { ValidationFailedException } from '../validation/dto.pipe.js';
import { StoreUnavailableError } from '../database/errors.js';
import { describeError } from '../errors/describe-error.js';
import {
  BODY_ERRORS,
  errorTextsOf,
  type Routed,
  type ErrorTexts,
  type ValidationErrorBody,
} from './route-errors.js';

/** Each adapter has words of its own for this. */
const TOO_LARGE: ErrorTexts = { 413: BODY_ERRORS[413] };

interface Answer {
  status: number;
  body: ValidationErrorBody;
}

/** What is answered where a request failed. */
interface ErrorAnswer extends Answer {
  headers: Readonly<Record<string, string>>;
}

/** What is logged of a request, of either adapter. */
interface FailedRequest {
  id?: string;
  method: string;
  url: string;
}

/**
 * Turns every error into `{"error": "..."}`. What nobody foresaw is logged with
 * its causes and answered 500 with the route's own text, and nothing else: no
 * SQL, stack or driver's message reaches a client.
 */
@Catch()
export class AllExceptionsFilter implements ExceptionFilter {
  private readonly logger = new Logger(AllExceptionsFilter.name);

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const http = host.switchToHttp();
    const request = http.getRequest<FailedRequest & Routed>();
    const response = http.getResponse<object>();
    const { status, headers, body } = this.answerTo(
      exception,
      request,
      errorTextsOf(request),
    );
    for (const [name, value] of Object.entries(headers)) {
      httpAdapter.setHeader(response, name, value);
    }
    httpAdapter.reply(response, body, status);
  }

  /** Logs what is not the client's fault. */
  answerTo(
    exception: unknown,
    request: FailedRequest,
    texts: ErrorTexts,
  ): ErrorAnswer {
    const { status, body } = translated(exception, texts);
    if (status >= 500 && !isShed(exception)) {
      this.log(exception, status, request);
    }
    return { status, headers: headersOf(exception), body };
  }

  private log(exception: unknown, status: number, request: FailedRequest) {
    this.logger.error({
      message: 'Request failed',
      status,
      route: `${request.method} ${request.url.split('?')[0]}`,
      request_id: request.id,
      error: describeError(exception),
    });
  }
}

function translated(exception: unknown, texts: ErrorTexts): Answer {
  if (exception instanceof EntityNotFoundError) {
    return answer(404, texts[404] ?? 'Not found');
  }
  if (exception instanceof ChatSessionsError) {
    return answer(statusOf(exception.code), exception.message);
  }
  if (exception instanceof StoreUnavailableError) {
    return answer(503, exception.message);
  }
  if (exception instanceof ValidationFailedException) {
    const { message: error, details } = exception;
    return { status: 400, body: { error, details } };
  }
  if (exception instanceof HttpException) {
    const status = exception.getStatus();
    // A client's mistake has its own text; of a failure the route's is enough.
    const text = status >= 500 ? texts[status] : TOO_LARGE[status];
    return answer(status, text ?? exception.message);
  }
  const status = clientErrorStatus(exception);
  if (status) {
    const text = (BODY_ERRORS as ErrorTexts)[status];
    return answer(status, text ?? (exception as Error).message);
  }
  return answer(500, texts[500] ?? 'Internal server error');
}

/** Told by who shed it, once for many. */
function isShed(exception: unknown): boolean {
  return (
    exception instanceof StoreUnavailableError &&
    exception.code === 'store_overloaded'
  );
}

function headersOf(exception: unknown): Record<string, string> {
  if (exception instanceof ChatSessionsError) {
    return exception.code === 'key_in_use' ? { 'Retry-After': '1' } : {};
  }
  if (exception instanceof UnidentifiedException) {
    return { 'WWW-Authenticate': exception.challenge };
  }
  if (exception instanceof StoreUnavailableError) {
    return { 'Retry-After': String(exception.info.retryAfter) };
  }
  if (exception instanceof IdentityUnavailableException) {
    return { 'Retry-After': String(exception.retryAfterSeconds) };
  }
  return {};
}

function answer(status: number, error: string): Answer {
  return { status, body: { error } };
}

function statusOf(code: ChatSessionsErrorCode): HttpStatus {
  switch (code) {
    case 'message_empty':
      return HttpStatus.BAD_REQUEST;
    case 'session_id_taken':
    case 'section_taken':
    case 'message_id_taken':
    case 'key_in_use':
      return HttpStatus.CONFLICT;
    case 'key_reused':
      return HttpStatus.UNPROCESSABLE_ENTITY;
    case 'messages_gone':
      return HttpStatus.NOT_FOUND;
    case 'version_moved':
      return HttpStatus.PRECONDITION_FAILED;
    default:
      return code satisfies never;
  }
}

/** The status that the HTTP server's own parsers put on their errors, where it blames the client. */
function clientErrorStatus(exception: unknown): number | undefined {
  if (!(exception instanceof Error) || !('statusCode' in exception)) return;
  const { statusCode } = exception;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : undefined;
}
