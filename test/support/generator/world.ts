import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises';
import type { SessionList } from '../api.js';
import type { Method, TestApp } from '../test-app.js';
import { as } from '../tokens.js';

/** A request to the server. */
export interface WireRequest {
  method: Method;
  url: string;
  headers: Record<string, string>;
  payload?: string | Buffer;
}

export interface WireResponse {
  status: number;
  body: string;
  /** Whether a request with the same Idempotency-Key was done before. */
  isKeyUsed: boolean;
}

/** A placeholder in If-Match and If-None-Match for the session's tag at the time of the request. */
export const CURRENT_TAG = '"current"';

/** The run of each session to which a request of a run is sent, and its interrupt. */
export const OWN_RUN = 'own_run';
export const OWN_INTERRUPT = 'own_interrupt';

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

const MESSAGES = Array.from({ length: 6 }, (_, index) => ({
  // The last ones are no ids of the kind that the store keeps as they are.
  id: index < 4 ? `own_${index}` : `own/${index}% "ä"`,
  role: index % 2 ? 'assistant' : 'user',
  content: `message ${index}`,
}));

/** The data that generated requests are about: sessions of one owner, and one of another. */
export class World {
  /** In lower case. The same in every run, so that a seed repeats its requests. */
  readonly sessionIds = Array.from(
    { length: 5 },
    (_, index) => `a19ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a5${index}`,
  );
  /** Each session has messages with these ids. */
  readonly messageIds = MESSAGES.map(({ id }) => id);
  readonly foreignId = 'b19ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55';
  /** Cursors of the owner's list of sessions. */
  readonly cursors: string[] = [];
  private readonly usedKeys = new Set<string>();

  private constructor(
    private readonly api: TestApp,
    private readonly identity: Record<string, string>,
  ) {}

  static async create(api: TestApp): Promise<World> {
    const world = new World(api, await as('the generator'));
    for (const id of world.sessionIds) await world.createSession(id);
    await world.createSession(world.foreignId, await as('somebody else'));
    for (const limit of [1, 2, 3]) {
      const { body } = await api.send<SessionList>(
        'GET',
        `/api/chat-sessions?limit=${limit}`,
        undefined,
        world.identity,
      );
      world.cursors.push(body.next_cursor!);
    }
    return world;
  }

  /** Sends a request of the owner, and restores what it deleted, replaced or cleared. */
  async send(request: WireRequest): Promise<WireResponse> {
    await nextTurn();
    const [id = ''] = UUID.exec(request.url) ?? [];
    const isOwn = this.sessionIds.includes(id.toLowerCase());
    const [, action] = /\/runs\/[^/?]*\/?(\w*)/.exec(request.url) ?? [];
    if (isOwn && action !== undefined) await this.startRun(id, action);
    const { statusCode: status, body } = await this.api.app.inject({
      ...request,
      headers: { ...this.identity, ...(await this.withCurrentTag(request)) },
    });
    const key = keyOf(request);
    const isKeyUsed = key !== undefined && this.usedKeys.has(key);
    if (key !== undefined && status < 300) this.usedKeys.add(key);
    if (isOwn && /\/runs\b/.test(request.url)) {
      await this.delete(id);
      await this.createSession(id);
    } else if (status < 300 && isOwn) {
      const isTree =
        /\/messages\//.test(request.url) && request.method !== 'GET';
      if (isTree) await this.delete(id);
      if (isTree || request.method === 'DELETE') {
        await this.createSession(id);
      }
      if (/\/clear\b/.test(request.url)) await this.append(id);
    }
    return { status, body, isKeyUsed };
  }

  private async withCurrentTag({ url, headers }: WireRequest) {
    const entries = Object.entries(headers);
    if (!entries.some(([, value]) => value.includes(CURRENT_TAG))) {
      return headers;
    }
    const [id] = UUID.exec(url) ?? [];
    // A read has no tag while a run is active.
    const session = await this.api.send(
      'PATCH',
      `/api/chat-sessions/${id}`,
      {},
      this.identity,
    );
    const tag = session.headers.etag ?? CURRENT_TAG;
    return Object.fromEntries(
      entries.map(([name, value]) => [name, value.replace(CURRENT_TAG, tag)]),
    );
  }

  private async createSession(id: string, identity = this.identity) {
    const body = { id, messages: MESSAGES };
    const create = () =>
      this.api.send('POST', '/api/chat-sessions', body, identity);
    let response = await create();
    // A session that requests have made large is removed in the background.
    while (response.text.includes('session_being_deleted')) {
      await setTimeout(10);
      response = await create();
    }
    if (response.status !== 201) throw new Error(response.text);
  }

  /** Starts a run in the state that a request of it needs. */
  private async startRun(id: string, action: string) {
    const path = `/api/chat-sessions/${id}/runs`;
    const post = (url: string, body: object) =>
      this.api.send('POST', url, body, this.identity);
    await post(path, { id: OWN_RUN });
    if (!['interrupts', 'resume'].includes(action)) return;
    const interrupts = [{ id: OWN_INTERRUPT }];
    await post(`${path}/${OWN_RUN}/pause`, { fence: 1, interrupts });
    if (action === 'interrupts') return;
    const url = `${path}/${OWN_RUN}/interrupts/${OWN_INTERRUPT}`;
    await post(url, { answer: {} });
  }

  private async delete(id: string) {
    const path = `/api/chat-sessions/${id}`;
    const response = await this.api.send(
      'DELETE',
      path,
      undefined,
      this.identity,
    );
    if (response.status !== 204) throw new Error(response.text);
  }

  private async append(id: string) {
    const response = await this.api.send(
      'POST',
      `/api/chat-sessions/${id}/messages`,
      { messages: MESSAGES },
      this.identity,
    );
    // 200 if the clear was a replay, and the messages are still there.
    if (![200, 201].includes(response.status)) throw new Error(response.text);
  }
}

function keyOf({ headers }: WireRequest): string | undefined {
  const found = Object.entries(headers).find(
    ([name]) => name.toLowerCase() === 'idempotency-key',
  );
  return found?.[1];
}
