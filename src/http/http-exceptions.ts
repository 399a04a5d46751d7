import { HttpException, type HttpExceptionOptions } from '@nestjs/common';
import { EntityNotFoundError } from 'typeorm';
import { CodedError, codeOfStatus } from '../errors/coded-error.js';

/**
 * The HttpException of an error that a service of the module throws, with the
 * status, text and code of the module's own routes: `getResponse()` returns
 * `{ statusCode, message, code }`. Returns every other error as it is.
 *
 *     try {
 *       return await this.messages.append(key, { messages });
 *     } catch (error) {
 *       throw toHttpException(error);
 *     }
 *
 * @param notFound the text of a 404
 */
export function toHttpException(
  error: unknown,
  notFound = 'Chat session not found',
): unknown {
  if (error instanceof CodedError) {
    const { status, text } = error.info;
    return exception(status, text, error.code, error);
  }
  if (error instanceof EntityNotFoundError) {
    return exception(404, notFound, codeOfStatus(404), error);
  }
  return error;
}

function exception(
  statusCode: number,
  message: string,
  code: string,
  cause: Error,
): HttpException {
  const options: HttpExceptionOptions = { cause };
  return new HttpException({ statusCode, message, code }, statusCode, options);
}
