import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  StreamableFile,
} from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { map, type Observable } from 'rxjs';

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * Brings bodies through the platform's global interceptors. The
 * ClassSerializerInterceptor of Nest, for instance, walks into open JSON: it
 * fails at a key `constructor`, and `excludePrefixes` removes keys. It leaves a
 * StreamableFile as it is. An interceptor that wraps bodies in an envelope gets
 * the content, from `toJSON`.
 */
@Injectable()
export class UntouchedBodyInterceptor implements NestInterceptor {
  constructor(private readonly application: ApplicationConfig) {}

  intercept(
    _context: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> {
    const isAlone =
      this.application.getGlobalInterceptors().length === 0 &&
      this.application.getGlobalRequestInterceptors().length === 0;
    if (isAlone) return next.handle();
    return next
      .handle()
      .pipe(
        map((body: unknown) =>
          typeof body === 'object' && body !== null ? new JsonFile(body) : body,
        ),
      );
  }
}

/** Its enumerable properties are those of the body, for interceptors that copy or walk into it. */
class JsonFile extends StreamableFile {
  readonly #body: object;

  constructor(body: object) {
    const bytes = Buffer.isBuffer(body)
      ? body
      : Buffer.from(JSON.stringify(body));
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
