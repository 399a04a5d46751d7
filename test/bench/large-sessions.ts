/** The sessions that large-requests.ts reads, and the requests that it sends again. */

export const CLIENTS = 50;
const MESSAGE = { role: 'user', content: 'x'.repeat(80 * 1024) };
/** Just below 4 MiB, the most of a page. */
const LARGE_BYTES = 49 * 80 * 1024;
/** A picture in a message, as a data URL. */
const PICTURE = {
  role: 'user',
  parts: [
    {
      type: 'image',
      image: `data:image/png;base64,${'iVBORw0K'.repeat(1.5 * 2 ** 20)}`,
    },
  ],
};
export const PICTURES = JSON.stringify({ messages: [PICTURE] });
export const REPLACING_PICTURE = JSON.stringify({
  after_id: null,
  messages: [PICTURE],
});
export const MESSAGES = {
  messages: Array.from({ length: 49 }, () => MESSAGE),
};
/** Not large enough to wait for its turn. */
export const FEW_MESSAGES = { messages: [MESSAGE, MESSAGE, MESSAGE] };
/** A session shows them twice: in their message and as its own. */
const REFERENCES = referencesOf(LARGE_BYTES);
const FEW_REFERENCES = referencesOf(LARGE_BYTES / 4);
const LARGE_MESSAGE = {
  id: 'large',
  role: 'user',
  parts: [{ type: 'x', data: 'x'.repeat(LARGE_BYTES) }],
};
/** Nearly as many values as a body may have, with numbers that need their text. */
const TWO_VALUES = `{},1.${'0'.repeat(27)},`;
export const MANY_VALUES = textMessage(
  `[${TWO_VALUES.repeat(LARGE_BYTES / TWO_VALUES.length)}0]`,
);

export interface LargeSessions {
  /** A session for each client, whose newest messages are just below 4 MiB. */
  ids: string[];
  /** A session with one message of that size. */
  ofMessage: string;
  /** A session with a picture of 12 MiB between small messages. */
  ofPicture: string;
  /** A session whose last message is such a picture. */
  toPicture: string;
  /** A session with one message of many values. */
  ofValues: string;
  /** Sessions with references of 4 MiB and of 1 MiB. */
  ofReferences: string;
  ofFewReferences: string;
}

/** Sends JSON with a POST. */
export function jsonOf(body: object | string, key?: string) {
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

/** A create and an append, with the Idempotency-Keys that `fill` has used. */
export function createOf(client: number) {
  const body = { document_id: 'd', section_id: String(client) };
  return jsonOf(body, `create ${client}`);
}
export function appendOf(client: number) {
  return jsonOf(MESSAGES, `append ${client}`);
}

/** Creates the sessions, and others with large context documents. */
export async function fill(api: string): Promise<LargeSessions> {
  const context_documents = Array.from({ length: 100 }, (_, n) =>
    `${n}`.padEnd(1000, 'x'),
  );
  for (let sessions = 0; sessions < 45; sessions++) {
    await create(api, jsonOf({ context_documents }));
  }
  const withMessage = (message: object) =>
    create(api, jsonOf({ messages: [message] }));
  const others = {
    ofMessage: await withMessage(LARGE_MESSAGE),
    ofPicture: await create(
      api,
      jsonOf({
        messages: [
          { role: 'user', content: 'x' },
          { ...PICTURE, id: 'picture' },
          { role: 'user', content: 'x' },
        ],
      }),
    ),
    toPicture: await create(api, jsonOf(PICTURES)),
    ofValues: await create(api, jsonOf(MANY_VALUES)),
    ofReferences: await withMessage(REFERENCES),
    ofFewReferences: await withMessage(FEW_REFERENCES),
  };
  // The last of these is the latest session.
  const ids: string[] = [];
  while (ids.length < CLIENTS) {
    const client = ids.length;
    const id = await create(api, createOf(client));
    await send(`${api}/${id}/messages`, appendOf(client));
    ids.push(id);
  }
  return { ids, ...others };
}

function referencesOf(bytes: number) {
  const references = Array.from({ length: 100 }, (_, n) => ({
    text: `${n}`.padEnd(bytes / 100, 'x'),
  }));
  return { role: 'user', content: 'x', references };
}

/** A session with one message, as text: `JSON.stringify` would write its numbers in another way. */
function textMessage(values: string): string {
  return `{"messages":[{"role":"user","parts":[{"type":"x","values":${values}}]}]}`;
}

async function create(api: string, init: RequestInit): Promise<string> {
  const body = (await send(api, init)) as { chat_session: { id: string } };
  return body.chat_session.id;
}

async function send(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}
