import type { OpenAPIObject } from '@nestjs/swagger';
import type { Method } from '../test-app.js';

/** The part of OpenAPI's schema language that the generator knows. */
export interface Schema {
  /** The schema's name in the components. */
  title?: string;
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
  nullable?: boolean;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean;
  oneOf?: Schema[];
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}

export interface Operation {
  /** `GET /api/chat-sessions/{session_id}` */
  name: string;
  method: Method;
  path: string;
  parameters: Parameter[];
  /** The schema of its JSON body. */
  body?: Schema;
  /** The media types that it takes. */
  mediaTypes: string[];
  /** All documented statuses. */
  statuses: number[];
}

interface DocumentedOperation {
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, object> };
  responses: Record<string, object>;
}

const RULES = [
  'type',
  'nullable',
  'enum',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'items',
  'properties',
  'required',
  'additionalProperties',
  'oneOf',
];
const KNOWN = new Set([...RULES, 'description', 'default', 'example']);

/** All operations of the document. References are replaced by their schemas. */
export function operationsOf(document: OpenAPIObject): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, DocumentedOperation>).map(
      ([method, operation]): Operation => ({
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase() as Method,
        path,
        parameters: (operation.parameters ?? []).map((parameter) => {
          if (!['path', 'query', 'header'].includes(parameter.in)) {
            throw new Error(`No generator for parameters in ${parameter.in}`);
          }
          return { ...parameter, schema: inlined(parameter.schema, document) };
        }),
        body: bodyOf(operation, document),
        mediaTypes: Object.keys(operation.requestBody?.content ?? {}),
        statuses: Object.keys(operation.responses).map(Number),
      }),
    ),
  );
}

export function parametersIn(operation: Operation, place: Parameter['in']) {
  return operation.parameters.filter((parameter) => parameter.in === place);
}

/** Whether the operation reads a body. All writes do, if only to refuse it. */
export function readsBodies({ statuses }: Operation): boolean {
  return statuses.includes(415);
}

function bodyOf(
  { requestBody }: DocumentedOperation,
  document: OpenAPIObject,
): Schema | undefined {
  if (!requestBody) return undefined;
  // Merge patches have a test of their own.
  const { 'application/json': body } = requestBody.content;
  if (!requestBody.required || !body) {
    throw new Error('No generator for bodies but those that are JSON');
  }
  return inlined((body as { schema: object }).schema, document);
}

/** Replaces references. A schema that refers to itself would overflow the stack; the document has none. */
function inlined(schema: object, document: OpenAPIObject): Schema {
  if ('$ref' in schema) {
    const title = String(schema.$ref).split('/').at(-1)!;
    const schemas = document.components?.schemas ?? {};
    return { ...inlined(schemas[title]!, document), title };
  }
  if ('allOf' in schema) {
    // A reference with a description of its own.
    const { allOf, ...own } = schema as { allOf: [object] };
    return { ...inlined(allOf[0], document), ...inlined(own, document) };
  }
  // The generator would not test an unknown rule, or break it in valid requests.
  const unknown = Object.keys(schema).filter((keyword) => !KNOWN.has(keyword));
  if (unknown.length > 0) throw new Error(`No generator for ${unknown.join()}`);
  const { items, oneOf, properties, ...rest } = schema as Schema;
  return {
    ...rest,
    ...(items && { items: inlined(items, document) }),
    ...(oneOf && { oneOf: oneOf.map((one) => inlined(one, document)) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [
          name,
          inlined(property, document),
        ]),
      ),
    }),
  };
}
