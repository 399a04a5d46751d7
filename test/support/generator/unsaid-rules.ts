import * as fc from 'fast-check';
import {
  headerTexts,
  type JsonObject,
  openObjects,
  texts,
} from './json-arbitrary.js';
import type { Operation } from './openapi-operations.js';
import type { RequestParts } from './request-parts.js';
import { type Rules, uuids } from './schema-arbitrary.js';
import { CURRENT_TAG, OWN_INTERRUPT, OWN_RUN, type World } from './world.js';

// The rules that the schemas of the document cannot say. The README says when to add one.

/** Maximum bytes: of JSON without white space, and for `content` of text. */
export const MOST_BYTES = {
  config: 65_536,
  metadata: 65_536,
  content: 1_048_576,
};

/** A page takes one of these cursors. */
export const CURSORS = ['before', 'after', 'around'];

export function rulesOf(world: World): Rules {
  return {
    values: {
      session_id: () =>
        fc.oneof(
          { weight: 16, arbitrary: fc.constantFrom(...world.sessionIds) },
          {
            weight: 2,
            arbitrary: fc
              .constantFrom(...world.sessionIds)
              .map((id) => id.toUpperCase()),
          },
          { weight: 2, arbitrary: missingIds(world) },
        ),
      message_id: () => messageIds(world),
      parent_id: () => messageIds(world),
      after_id: () => messageIds(world),
      leaf: () => messageIds(world),
      cursor: () => fc.constantFrom(...world.cursors),
      run_id: () => mostly(OWN_RUN, 'missing'),
      interrupt_id: () => mostly(OWN_INTERRUPT, 'missing'),
      fence: () => mostly(1, 2),
      offset: () => mostly(0, 7),
      from: () => fc.integer({ min: 300, max: 700 }).map(daysAgo),
      to: () => fc.integer({ min: 0, max: 299 }).map(daysAgo),
      id: ({ format, maxLength }) =>
        format === 'uuid'
          ? fc.oneof(
              { weight: 6, arbitrary: uuids },
              { weight: 1, arbitrary: fc.constantFrom(...world.sessionIds) },
              { weight: 1, arbitrary: fc.constant(world.foreignId) },
            )
          : fc.oneof(
              { weight: 12, arbitrary: opaqueTexts(maxLength!) },
              { weight: 1, arbitrary: fc.constantFrom(...world.messageIds) },
            ),
      title: ({ maxLength }) => texts(1, maxLength).filter(isNotBlank),
      document_id: opaqueIds,
      section_id: opaqueIds,
      'parts[]': () =>
        fc
          .tuple(openObjects, fc.oneof(texts(), fc.constant('text')), texts())
          .map(([part, type, text]) => ({ ...part, type, text })),
      content: () =>
        rarely(texts(0, 300), fc.constant('ä'.repeat(MOST_BYTES.content / 2))),
      config: () => rarely(openObjects, bytesOfJson(MOST_BYTES.config)),
      metadata: () => rarely(openObjects, bytesOfJson(MOST_BYTES.metadata)),
      'Idempotency-Key': ({ maxLength }) => keys(maxLength),
      'If-Match': () => tagHeaders,
      // A malformed If-None-Match is no error: the client gets the session.
      'If-None-Match': () =>
        fc.oneof({ weight: 3, arbitrary: tagHeaders }, headerTexts()),
    },
    corrections: {
      NewChatMessage: (message) =>
        saysSomething(message) ? message : { ...message, content: 'x' },
      ChatMessageToAppend: (message) =>
        saysSomething(message) ? message : { ...message, content: 'x' },
      NewChatMessages: withUniqueIds,
      NewChatMessagesInstead: withUniqueIds,
      ChatMessageChanges: saysSomethingNew,
      NewChatRun: withUniqueIds,
      ChatRunPause: ({ interrupts, ...pause }) => ({
        ...pause,
        interrupts: (interrupts as JsonObject[]).map((interrupt, index) => ({
          ...without(interrupt, 'answer'),
          id: `interrupt ${index}`,
        })),
      }),
      ChatRunOutput: ({ text, parts, ...output }) =>
        text === undefined && parts !== undefined
          ? { ...output, parts }
          : { ...output, text: text ?? 'x' },
      ChatRunFinish: saysSomethingNew,
      NewChatSession: (session) => withDocument(withUniqueIds(session)),
    },
  };
}

/** Removes parameters that may not stand together. */
export function correctedQuery(query: Record<string, string>) {
  const [, ...others] = CURSORS.filter((cursor) => cursor in query);
  if ('leaf' in query) others.push('tree');
  const alone = Object.entries(query).filter(
    ([name]) => !others.includes(name),
  );
  return withDocument(Object.fromEntries(alone)) as typeof query;
}

/** The statuses of a valid request whose Idempotency-Key was not used before. */
export function statusesOfRight(
  { name, statuses }: Operation,
  { path, query, header, body }: RequestParts,
  world: World,
): number[] {
  const { session_id: sessionId, message_id: messageId } = path;
  const isMissing =
    sessionId && !world.sessionIds.includes(sessionId.toLowerCase());
  if (isMissing) return [404];
  const { 'If-Match': ifMatch = '*' } = header;
  const isMoved = ifMatch !== '*' && !ifMatch.includes(CURRENT_TAG);
  if (path.run_id) {
    const isKnown =
      path.run_id === OWN_RUN &&
      [undefined, OWN_INTERRUPT].includes(path.interrupt_id);
    if (!isKnown) return [404];
    const { fence = 1, offset = 0 } = (body ?? {}) as Record<string, number>;
    return [fence === 1 && offset === 0 ? 200 : 409];
  }
  const given = { ...(body as Record<string, string | undefined>) };
  // The answer of a run gets this id.
  if (name.endsWith('/runs')) delete given.message_id;
  const isUnknown = (id: string | null | undefined) =>
    id != null && !world.messageIds.includes(id);
  if ([messageId, given.message_id, query.leaf].some(isUnknown)) {
    return [isMoved ? 412 : 404];
  }
  if ([given.parent_id, given.after_id].some(isUnknown)) {
    // Another message may have an id of the body.
    return [isMoved ? 412 : 400, 409];
  }
  const may = statuses.filter((status) => status < 400);
  if (isMoved) may.push(412);
  // It may be on another branch.
  if (given.after_id) may.push(400);
  if (name === 'POST /api/chat-sessions') {
    const { id, section_id: sectionId, messages } = body as JsonObject;
    if (id === world.foreignId) return [409];
    if (sectionId != null) may.push(409);
    // A session with this id may exist, and have begun with other messages.
    if (id && messages) may.push(409);
  }
  if (name.endsWith('/runs')) may.push(409);
  // Another message may have this id.
  if (sessionId && JSON.stringify(body)?.includes('"id":')) may.push(409);
  return may;
}

function messageIds(world: World) {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...world.messageIds) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('missing', 'fehlt: ü/%'.repeat(25)),
    },
  );
}

function without(value: JsonObject, name: string): JsonObject {
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => key !== name),
  );
}

function mostly<T>(usual: T, other: T) {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constant(other) },
  );
}

function daysAgo(days: number): string {
  const time = Date.now() - days * 24 * 60 * 60 * 1000;
  return new Date(time).toISOString().slice(0, 10);
}

function missingIds(world: World) {
  return fc.oneof(
    fc.uuid().map((id) => `dead${id.slice(4)}`),
    fc.constant(world.foreignId),
  );
}

function opaqueIds() {
  return fc.oneof(
    {
      weight: 2,
      arbitrary: fc.constantFrom('doc-42', 'Doc-42', 'doc-42\u0301'),
    },
    { weight: 4, arbitrary: opaqueTexts(191) },
  );
}

function opaqueTexts(maxLength: number) {
  return texts(1, maxLength).filter(
    (id) =>
      !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(id) &&
      id.trim() === id &&
      // In a path these segments mean another path.
      !/^\.{1,2}$/.test(id),
  );
}

/** Mostly new keys, and one that repeats. */
function keys(maxLength = 0) {
  return fc.oneof(
    { weight: 6, arbitrary: fc.uuid() },
    {
      weight: 4,
      arbitrary: fc
        .string({ unit: 'grapheme-ascii', minLength: 1, maxLength })
        .filter((key) => key.trim() === key),
    },
    { weight: 1, arbitrary: fc.constant('again and again') },
  );
}

const tag = fc
  .string({
    unit: headerTexts(1, 1).filter((char) => !/[ "\xa0]/.test(char)),
    maxLength: 20,
  })
  .map((text) => `"${text}"`);

const tagHeaders = fc.oneof(
  { weight: 2, arbitrary: fc.constant('*') },
  { weight: 3, arbitrary: fc.constant(CURRENT_TAG) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(tag, fc.constantFrom(',', ', ', ' ,\t'))
      .map(([other, comma]) => `W/${other}${comma}${CURRENT_TAG}`),
  },
  { weight: 2, arbitrary: tag },
  {
    weight: 1,
    arbitrary: fc.tuple(tag, tag).map(([one, other]) => `${one}, W/${other}`),
  },
);

function rarely<T>(values: fc.Arbitrary<T>, rare: fc.Arbitrary<T>) {
  return fc.oneof(
    { weight: 100, arbitrary: values },
    { weight: 1, arbitrary: rare },
  );
}

export function bytesOfJson(bytes: number): fc.Arbitrary<JsonObject> {
  return fc.constant({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
}

function isNotBlank(text: string): boolean {
  return text.trim() !== '';
}

function saysSomething({ content, parts }: JsonObject): boolean {
  return (typeof content === 'string' && isNotBlank(content)) || parts != null;
}

/** Whether a message with these changes may be empty depends on the message. */
function saysSomethingNew(changes: JsonObject): JsonObject {
  const isNewText = 'content' in changes || 'parts' in changes;
  return !isNewText || saysSomething(changes)
    ? changes
    : { ...changes, content: 'x' };
}

function withUniqueIds(value: JsonObject): JsonObject {
  if (!value.messages) return value;
  const seen = new Set<unknown>();
  const messages = (value.messages as JsonObject[]).map(
    ({ id, ...message }) => {
      if (id === undefined || seen.has(id)) return message;
      seen.add(id);
      return { id, ...message };
    },
  );
  return { ...value, messages };
}

/** Removes a section without a document. */
function withDocument(value: JsonObject): JsonObject {
  const { section_id: _, ...others } = value;
  return value.document_id == null ? others : value;
}
