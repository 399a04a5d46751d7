import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  StreamableFile,
} from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import { type HttpResponse, jsonBytes } from '../../http/response.js';
import { hasAnyText, stringifyExactly } from '../../json/exact-json.js';

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * Sends bodies past serializers that would change them.
 *
 * A platform's global interceptors come first. The ClassSerializerInterceptor of
 * Nest, for instance, walks into open JSON: it fails at a key `constructor`, and
 * `excludePrefixes` removes keys. It leaves a StreamableFile as it is. An
 * interceptor that wraps bodies in an envelope gets the content, from `toJSON`.
 *
 * Then Nest's adapter would use `JSON.stringify`, which rounds large numbers.
 */
@Injectable()
export class UntouchedBodyInterceptor implements NestInterceptor {
  constructor(private readonly application: ApplicationConfig) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const isAlone =
      this.application.getGlobalInterceptors().length === 0 &&
      this.application.getGlobalRequestInterceptors().length === 0;
    const response = context.switchToHttp().getResponse<HttpResponse>();
    return next.handle().pipe(
      map((body: unknown) => {
        if (typeof body !== 'object' || body === null) return body;
        if (!isAlone) return new JsonFile(body);
        return Buffer.isBuffer(body) || hasAnyText()
          ? jsonBytes(response, bytesOf(body))
          : body;
      }),
    );
  }
}

function bytesOf(body: object): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(stringifyExactly(body));
}

/** Its enumerable properties are those of the body, for interceptors that copy or walk into it. */
class JsonFile extends StreamableFile {
  readonly #body: object;

  constructor(body: object) {
    const bytes = bytesOf(body);
    super(bytes, { type: JSON_TYPE, length: bytes.length });
    for (const name of Object.keys(this)) {
      Object.defineProperty(this, name, { enumerable: false });
    }
    this.#body = Buffer.isBuffer(body)
      ? (JSON.parse(body.toString()) as object)
      : body;
    Object.assign(this, this.#body);
  }

  toJSON(): object {
    return this.#body;
  }
}
