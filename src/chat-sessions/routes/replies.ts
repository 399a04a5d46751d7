import { HttpStatus, Injectable, StreamableFile } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import {
  type HttpResponse,
  isExactServer,
  JSON_TYPE,
  jsonBytes,
} from '../../http/response.js';
import { isChangedByJson, stringifyExactly } from '../../json/exact-json.js';
import type { SessionState } from '../store/chat-sessions.repository.js';
import { entityTagOf } from '../writes/entity-tag.js';
import type { Written } from '../writes/session-writes.js';

/**
 * Makes what handlers return, so that it reaches the client unchanged, whatever
 * the application would do with an object:
 *
 * - Global interceptors of a platform may walk into it. Nest's
 *   ClassSerializerInterceptor fails at a key `constructor` in open JSON, and
 *   `excludePrefixes` removes keys. They leave a StreamableFile as it is; one that
 *   wraps bodies in an envelope gets the content, from `toJSON`.
 * - Adapters use `JSON.stringify`, which rounds large numbers in open JSON. The
 *   service's own server uses `stringifyExactly`.
 *
 * An interceptor of our own could do the same, but Nest would then run RxJS for
 * every request.
 */
@Injectable()
export class Replies {
  constructor(
    private readonly application: ApplicationConfig,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** A body. */
  json<Body extends object>(body: Body): Body {
    const isChanged =
      this.passesInterceptors() ||
      (!isExactServer(this.adapterHost.httpAdapter) && isChangedByJson(body));
    return isChanged ? (new JsonFile(body) as unknown as Body) : body;
  }

  /** A body that is serialized already. */
  bytes(response: HttpResponse, bytes: Buffer): Buffer | string | JsonFile {
    return this.passesInterceptors()
      ? new JsonFile(bytes)
      : jsonBytes(response, bytes);
  }

  /** A body with the ETag of a session. */
  versioned<Body extends object>(
    response: HttpResponse,
    session: SessionState,
    body: Body,
  ): Body {
    response.header('ETag', entityTagOf(session));
    return this.json(body);
  }

  /** Like `versioned`, for a write that may be sent again: 201, or 200 if nothing new was created. */
  written<Body extends object>(
    response: HttpResponse,
    { session, created, replayed }: Written,
    body: Body,
  ): Body {
    response.status(created ? HttpStatus.CREATED : HttpStatus.OK);
    if (replayed) response.header('Idempotent-Replayed', 'true');
    return this.versioned(response, session, body);
  }

  private passesInterceptors(): boolean {
    return (
      this.application.getGlobalInterceptors().length > 0 ||
      this.application.getGlobalRequestInterceptors().length > 0
    );
  }
}

/** Its enumerable properties are those of the body, for interceptors that copy or walk into it. */
class JsonFile extends StreamableFile {
  readonly #body: object;

  constructor(body: object) {
    const bytes = Buffer.isBuffer(body)
      ? body
      : Buffer.from(stringifyExactly(body));
    super(bytes, {
      type: JSON_TYPE,
      length: bytes.length,
    });
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
