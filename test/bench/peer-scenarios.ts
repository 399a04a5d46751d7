import { writeFile } from 'node:fs/promises';
import { type Appends, appending, appendingToFlask } from './appends.js';
import { SHIPPED, startWithSettings } from './connection-settings.js';
import { copyToFlask, createFlaskTable } from './flask-table.js';
import type { Request } from './load.js';
import * as requests from './requests.js';
import { ask, checkEqual, type Contender, type Scenario } from './scenario.js';
import { type Group, seed, sessionIdsOf } from './seed.js';
import {
  type Server,
  startBare,
  startFlask,
  startLimit,
  startNestDefault,
} from './servers.js';
import type { Sizes } from './sizes.js';
import type { BenchDatabase, Stage } from './stage.js';

const CONNECTIONS = 32;
const CHECKED_REQUESTS = 5;
/** Of the service and of `bare`: processes of the same code differ, for as long as they live. */
const PROCESSES = 5;

/** The comparisons with the peers, all on one database. */
export class PeerScenarios {
  private constructor(
    private readonly stage: Stage,
    private readonly database: BenchDatabase,
    private readonly groups: Record<
      'read' | 'append' | 'short' | 'long' | 'list',
      Group
    >,
  ) {}

  static async prepare(stage: Stage, sizes: Sizes): Promise<PeerScenarios> {
    const { read, append, long, list } = sizes;
    const groups = {
      read: { name: 'read', digit: '1', sessions: read, owners: read / 10 },
      append: {
        name: 'append',
        digit: '2',
        sessions: append,
        owners: append / 10,
      },
      short: { name: 'short', digit: '3', sessions: long, owners: long },
      long: { name: 'long', digit: '4', sessions: long, owners: long },
      list: { name: 'list', digit: '5', sessions: list * 1_000, owners: list },
    };
    const database = await stage.database('bench_peers');
    const { connection } = database;
    const { templates } = stage;
    await seed(connection, groups.read, templates.usual());
    await seed(connection, groups.append, templates.usual());
    await seed(connection, groups.short, templates.usual());
    await seed(connection, groups.long, templates.long(10_000));
    await seed(connection, groups.list, templates.few());
    await createFlaskTable(connection);
    for (const group of [groups.read, groups.append, groups.long]) {
      await copyToFlask(connection, sessionIdsOf(group));
    }
    for (const group of Object.values(groups)) await stage.signOwnersOf(group);
    return new PeerScenarios(stage, database, groups);
  }

  async read(): Promise<Scenario> {
    const load = requests.reads(this.groups.read);
    const off = await this.ours('off');
    const bodies: Record<string, string> = {};
    for (const request of load) {
      bodies[request.path] = (
        await ask(off[0]!, request, this.stage.tokens)
      ).text;
    }
    const file = this.stage.path('bodies.json');
    await writeFile(file, JSON.stringify(bodies));
    const servers = {
      off,
      validated: await this.ours('validated'),
      exclusive: await this.ours('exclusive'),
      limit: [await this.stage.server('limit', () => startLimit(file))],
      bare: await this.bare(),
      'nest-default': await this.nestDefault(),
      flask: await this.flask(),
    };
    return this.scenario(
      'read',
      'Read a session with 20 messages',
      await this.alike(servers, load),
    );
  }

  async conditional(): Promise<Scenario> {
    const load = requests.reads(this.groups.read);
    const bare = await this.bare();
    const [off] = await this.ours('off');
    const conditional: Request[] = [];
    for (const request of load) {
      const answer = await ask(off!, request, this.stage.tokens);
      const headers = { 'If-None-Match': answer.etag! };
      conditional.push({ ...request, headers });
    }
    const file = await this.stage.requestFile(conditional);
    const contenders: Contender[] = [
      {
        name: 'bare',
        servers: bare,
        file: await this.stage.requestFile(load),
      },
    ];
    for (const cache of ['off', 'validated', 'exclusive'] as const) {
      const servers = await this.ours(cache);
      const answer = await ask(servers[0]!, conditional[0]!, this.stage.tokens);
      if (answer.status !== 304) throw new Error(`${cache}: ${answer.status}`);
      contenders.push({ name: cache, servers, file });
    }
    return this.scenario(
      'conditional',
      'Read with If-None-Match, answered 304 (`bare` answers the whole session)',
      contenders,
    );
  }

  async append(): Promise<Scenario> {
    const { append } = this.groups;
    const title = 'Append a message to a session of 20';
    return this.scenario('append', title, [
      await this.appending('validated', await this.ours('validated'), append),
      await this.appending('bare', await this.bare(), append),
      await this.appending('nest-default', await this.nestDefault(), append),
      await this.appendingToFlask('flask', append),
    ]);
  }

  async appendLong(): Promise<Scenario> {
    const { short, long } = this.groups;
    const ours = await this.ours('validated');
    return this.scenario(
      'append-long',
      `Append a message to one of ${long.sessions} sessions of 20 or 10,000`,
      [
        await this.appending('validated, 20', ours, short),
        await this.appending('validated, 10,000', ours, long),
        await this.appendingToFlask('flask, 10,000', long),
      ],
    );
  }

  async list(): Promise<Scenario> {
    return this.scenario(
      'list',
      'List 20 of an owner’s 1,000 sessions',
      await this.alike(
        await this.onTheTables(),
        requests.lists(this.groups.list),
      ),
    );
  }

  async page(): Promise<Scenario> {
    return this.scenario(
      'page',
      'A page of 50 messages anywhere among 10,000',
      await this.alike(
        await this.onTheTables(),
        requests.pages(this.groups.long, 10_000),
      ),
    );
  }

  /** Reads and appends of the service, with several settings of its connections. */
  async connectionSettings(): Promise<Scenario[]> {
    const servers = await startWithSettings(this.stage, this.database.url);
    const reads = await this.alike(servers, requests.reads(this.groups.read));
    const appends: Contender[] = [];
    for (const [name, processes] of Object.entries(servers)) {
      appends.push(await this.appending(name, processes, this.groups.append));
    }
    const reference = SHIPPED;
    return [
      {
        ...this.scenario('pool-read', 'Connections: read, cache `off`', reads),
        reference,
      },
      {
        ...this.scenario('pool-append', 'Connections: append', appends),
        reference,
      },
    ];
  }

  /** What a service is asked by its users, appends included. */
  async mixed() {
    const { read, append, long, list } = this.groups;
    const { templates } = this.stage;
    const load = requests.mixed({ read, append, long, list }, templates);
    return {
      // Of its own: one that has been under load before has grown already.
      server: await this.stage.ours(this.database.url, 'validated', 'memory'),
      file: await this.stage.requestFile(load),
      connections: CONNECTIONS,
    };
  }

  private scenario(
    name: string,
    title: string,
    contenders: Contender[],
  ): Scenario {
    return { name, title, connections: CONNECTIONS, contenders };
  }

  private async onTheTables(): Promise<Record<string, Server[]>> {
    return {
      validated: await this.ours('validated'),
      bare: await this.bare(),
      'nest-default': await this.nestDefault(),
    };
  }

  /** Contenders that are asked the same, and were seen to answer the same. */
  private async alike(
    servers: Record<string, Server[]>,
    load: Request[],
  ): Promise<Contender[]> {
    const file = await this.stage.requestFile(load);
    for (const request of load.slice(0, CHECKED_REQUESTS)) {
      await checkEqual(servers, request, this.stage.tokens);
    }
    return Object.entries(servers).map(([name, processes]) => ({
      name,
      servers: processes,
      file,
    }));
  }

  private appends(group: Group): Appends {
    return {
      database: this.database,
      sessionIds: sessionIdsOf(group),
      requests: requests.appends(group, this.stage.templates),
    };
  }

  private appending(name: string, servers: Server[], group: Group) {
    const appends = this.appends(group);
    return appending(this.stage, name, servers, appends, CONNECTIONS);
  }

  private async appendingToFlask(name: string, group: Group) {
    const appends = this.appends(group);
    return appendingToFlask(this.stage, name, await this.flask(), appends);
  }

  private ours(cache: 'off' | 'validated' | 'exclusive'): Promise<Server[]> {
    const { url } = this.database;
    return processes((n) => this.stage.ours(url, cache, `process ${n}`));
  }

  private bare(): Promise<Server[]> {
    const { url } = this.database;
    return processes((n) =>
      this.stage.server(`bare ${n}`, () => startBare(url)),
    );
  }

  private async nestDefault(): Promise<Server[]> {
    const { url } = this.database;
    return [
      await this.stage.server('nest-default', () => startNestDefault(url)),
    ];
  }

  private async flask(): Promise<Server[]> {
    const { url } = this.database;
    return [await this.stage.server('flask', () => startFlask(url))];
  }
}

/** One after the other: starting takes the whole machine. */
async function processes(
  start: (n: number) => Promise<Server>,
): Promise<Server[]> {
  const started: Server[] = [];
  for (let n = 1; n <= PROCESSES; n++) started.push(await start(n));
  return started;
}
