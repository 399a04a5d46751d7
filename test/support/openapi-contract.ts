import type { OpenAPIObject } from '@nestjs/swagger';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormatsModule from 'ajv-formats';

// The package is CommonJS without a default export that nodenext can see.
const addFormats = addFormatsModule as unknown as (ajv: Ajv) => void;

interface SentResponse {
  method: string;
  /** The pattern, `/api/chat-sessions/:session_id`. */
  route: string;
  status: number;
  body: string;
}

/** Checks responses against the OpenAPI document. A field that the document does not name is a violation. */
export class OpenApiContract {
  private readonly ajv = new Ajv({ strict: false, allErrors: true });
  private readonly document: OpenAPIObject;

  constructor(document: OpenAPIObject) {
    this.document = structuredClone(document);
    closeSchemas(this.document);
    addFormats(this.ajv);
    this.ajv.addSchema(this.document, 'openapi');
  }

  /** The first violation of a response. Routes that are not in the document have none. */
  violation({ method, route, status, body }: SentResponse): string | undefined {
    const path = route.replace(/:(\w+)/g, '{$1}');
    const operation = this.operations(path)[method.toLowerCase()];
    if (!operation) return undefined;
    const what = `${method} ${path} answered ${status}`;
    const response = operation.responses[String(status)];
    if (!response) return `${what}, which is not documented`;
    if (!response.content) {
      return body === '' ? undefined : `${what} with a body: ${body}`;
    }
    const validate = this.validatorOf(path, method, status);
    return validate(JSON.parse(body))
      ? undefined
      : `${what} against its schema: ${this.ajv.errorsText(validate.errors)}: ${body}`;
  }

  private operations(path: string) {
    return (this.document.paths[path] ?? {}) as Record<
      string,
      { responses: Record<string, { content?: object }> } | undefined
    >;
  }

  private validatorOf(
    path: string,
    method: string,
    status: number,
  ): ValidateFunction {
    const pointer = [
      'paths',
      path,
      method.toLowerCase(),
      'responses',
      String(status),
      'content',
      'application/json',
      'schema',
    ].map((key) => encodeURIComponent(key.replaceAll('/', '~1')));
    const validate = this.ajv.getSchema(`openapi#/${pointer.join('/')}`);
    if (!validate) throw new Error(`No schema at ${pointer.join('/')}`);
    return validate;
  }
}

/** Makes every object schema reject fields that it does not name. */
function closeSchemas(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  if ('properties' in node && !('additionalProperties' in node)) {
    Object.assign(node, { additionalProperties: false });
  }
  Object.values(node).forEach(closeSchemas);
}
