import { storedTreeOf } from '../../src/chat-sessions/tree/stored-tree.js';
import { comb, FORKS } from '../support/large-trees.js';
import type { Request } from './load.js';
import { PAGE, pages } from './requests.js';
import { type Contender, type Scenario, send } from './scenario.js';
import { type Group, seed, sessionIdOf, settle } from './seed.js';
import type { Cache, Server } from './servers.js';
import type { Stage } from './stage.js';

/** One request at a time, since latencies are compared, not throughput. */
const CONNECTIONS = 1;
const CACHES: Cache[] = ['off', 'validated'];
const LINE: Group = { name: 'line', digit: '9', sessions: 1, owners: 1 };
const COMB: Group = { name: 'comb', digit: 'a', sessions: 1, owners: 1 };

/** Compares pages anywhere on the path of a comb with those of a line as long, in one database. */
export async function branchedPages(stage: Stage): Promise<Scenario> {
  const { url, connection } = await stage.database('bench_branches');
  const { templates } = stage;
  await seed(connection, LINE, templates.long(FORKS));
  // Two messages with each text, so that pages of both have the same texts.
  await seed(connection, COMB, templates.long(FORKS, 2));
  const { firstSeq, leafSeq, stretches } = storedTreeOf(comb);
  await connection.query(
    "UPDATE chat_sessions SET first_seq = ?, leaf_seq = ?, stretches = ?, tree_revision = 'bench' WHERE id = ?",
    [firstSeq, leafSeq, stretches, sessionIdOf(COMB, 0)],
  );
  await settle(connection);
  const cursors = ['before', 'around'] as const;
  const loads = {
    line: pages(LINE, FORKS, { cursors }),
    comb: pages(COMB, FORKS, { cursors, step: 2 }),
  };
  const contenders: Contender[] = [];
  for (const cache of CACHES) {
    const server = await stage.ours(url, cache);
    for (const [name, load] of Object.entries(loads)) {
      const file = await stage.requestFile(load);
      await checkPage(stage, server, load[0]!, name === 'comb');
      contenders.push({ name: `${name}, ${cache}`, servers: [server], file });
    }
  }
  return {
    name: 'branches',
    title: `A page of ${PAGE} messages anywhere in a line of ${FORKS} messages, or on the path of a comb of ${FORKS} forks`,
    connections: CONNECTIONS,
    contenders,
    reference: 'line, off',
  };
}

/** Throws if a page is not full, or if its messages do not have siblings as they should. */
async function checkPage(
  stage: Stage,
  server: Server,
  request: Request,
  isForked: boolean,
): Promise<void> {
  const { text } = await send(server, request, stage.tokens);
  const { messages } = JSON.parse(text) as {
    messages: { siblings?: number[] }[];
  };
  const forked = messages.filter(({ siblings }) => siblings?.length === 2);
  if (messages.length === PAGE && forked.length === (isForked ? PAGE : 0)) {
    return;
  }
  throw new Error(`${request.path}: ${text.slice(0, 500)}`);
}
