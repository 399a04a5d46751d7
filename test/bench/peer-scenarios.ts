import { writeFile } from 'node:fs/promises';
import { appending, appendingToFlask, type Appends } from './appends.js';
import { DEFAULT, startWithSettings } from './connection-settings.js';
import { copyToFlask, createFlaskTable } from './flask-table.js';
import type { Request } from './load.js';
import { CACHES, PeerServers } from './peer-servers.js';
import * as requests from './requests.js';
import { checkEqual, type Contender, type Scenario, send } from './scenario.js';
import { type Group, seed, sessionIdsOf } from './seed.js';
import { type Server, startLimit } from './servers.js';
import type { Sizes } from './sizes.js';
import type { BenchDatabase, Stage } from './stage.js';

const CONNECTIONS = 32;
const CHECKED_REQUESTS = 5;
const SENT_BY_NODE = new Set(['connection', 'date', 'keep-alive']);

/** The comparisons with the peers, all on one database. */
export class PeerScenarios {
  private readonly stage: Stage;
  private readonly database: BenchDatabase;

  private constructor(
    private readonly servers: PeerServers,
    private readonly groups: Record<
      'read' | 'append' | 'short' | 'long' | 'list',
      Group
    >,
  ) {
    this.stage = servers.stage;
    this.database = servers.database;
  }

  /** @param before the checkout of the version before, if the run compares with it */
  static async prepare(
    stage: Stage,
    { read, append, long, list }: Sizes,
    before?: string,
  ): Promise<PeerScenarios> {
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
    return new PeerScenarios(new PeerServers(stage, database, before), groups);
  }

  async read(): Promise<Scenario> {
    const load = requests.reads(this.groups.read);
    const ours = await this.servers.versions(...CACHES);
    const responses: Record<string, object> = {};
    for (const request of load) {
      const { tokens } = this.stage;
      const { headers, text } = await send(ours.off![0]!, request, tokens);
      const others = [...headers].filter(([name]) => !SENT_BY_NODE.has(name));
      responses[request.path] = { headers: Object.fromEntries(others), text };
    }
    const file = this.stage.path('responses.json');
    await writeFile(file, JSON.stringify(responses));
    const servers = {
      ...ours,
      limit: [await this.stage.server('limit', () => startLimit(file))],
      bare: await this.servers.bare(),
      'nest-default': await this.servers.nestDefault(),
      flask: await this.servers.flask(),
    };
    return this.scenario(
      'read',
      'Read a session with 20 messages',
      await this.alike(servers, load),
    );
  }

  async conditional(): Promise<Scenario> {
    const load = requests.reads(this.groups.read);
    const bare = await this.servers.bare();
    const ours = await this.servers.versions(...CACHES);
    const conditional: Request[] = [];
    for (const request of load) {
      const read = await send(ours.off![0]!, request, this.stage.tokens);
      const headers = { 'If-None-Match': read.headers.get('etag')! };
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
    for (const [name, servers] of Object.entries(ours)) {
      const { tokens } = this.stage;
      const { status } = await send(servers[0]!, conditional[0]!, tokens);
      if (status !== 304) throw new Error(`${name}: ${status}`);
      contenders.push({ name, servers, file });
    }
    return this.scenario(
      'conditional',
      'Read with If-None-Match, response 304 (`bare` sends the whole session)',
      contenders,
    );
  }

  async append(): Promise<Scenario> {
    const { append } = this.groups;
    const title = 'Append a message to a session of 20';
    const contenders: Contender[] = [];
    for (const [name, servers] of Object.entries(
      await this.servers.onTheTables(),
    )) {
      contenders.push(await this.appending(name, servers, append));
    }
    contenders.push(await this.appendingToFlask('flask', append));
    return this.scenario('append', title, contenders);
  }

  async appendLong(): Promise<Scenario> {
    const { short, long } = this.groups;
    const ours = await this.servers.ours('validated');
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
        await this.servers.onTheTables(),
        requests.lists(this.groups.list),
      ),
    );
  }

  async page(): Promise<Scenario> {
    return this.scenario(
      'page',
      'A page of 50 messages anywhere among 10,000',
      await this.alike(
        await this.servers.onTheTables(),
        requests.pages(this.groups.long, 10_000),
      ),
    );
  }

  /** Reads and appends of the service with pools of several sizes. */
  async connectionSettings(): Promise<Scenario[]> {
    const servers = await startWithSettings(this.stage, this.database.url);
    const reads = await this.alike(servers, requests.reads(this.groups.read));
    const appends: Contender[] = [];
    for (const [name, processes] of Object.entries(servers)) {
      appends.push(await this.appending(name, processes, this.groups.append));
    }
    const reference = DEFAULT;
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

  /**
   * The load of typical users, appends included, and a service for it.
   *
   * @param root the checkout whose build is started; this one by default
   */
  async mixed(root?: string) {
    const { read, append, long, list } = this.groups;
    const { templates } = this.stage;
    const load = requests.mixed({ read, append, long, list }, templates);
    return {
      // A new process: one that has been under load has grown already.
      server: await this.stage.ours(this.database.url, 'validated', {
        name: 'memory',
        root,
      }),
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

  /** Contenders with the same requests. Throws if their responses differ. */
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
    const appends = { ...this.appends(group), connections: CONNECTIONS };
    return appending(this.stage, { name, servers }, appends);
  }

  private async appendingToFlask(name: string, group: Group) {
    const servers = await this.servers.flask();
    const appends = this.appends(group);
    return appendingToFlask(this.stage, { name, servers }, appends);
  }
}
