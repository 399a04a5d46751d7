/** How docs/benchmarks.md says that it was measured. */
export const METHOD = `## Method

All contenders run in the same run on the same MariaDB, whose settings lose no committed transaction. Each round measures all of them in random order, each after a warm-up of one second. Before the first round each contender got 10,000 requests or 20 seconds of load, because V8 compiles hot code only after some thousands of requests. Two processes of the same code differ in speed as long as they live, so the service and \`bare\` have five processes each, which take turns. Ratios are taken round by round, and their median counts: on a noisy machine a single figure says little, and absolute figures are those of this machine.

wrk sends complete requests in random order. Its one thread takes less of two cores than a load generator on Node.js would. All contenders get the same requests with the same headers. Before the measurement the run checks that they respond with the same JSON. After each measurement of appends it counts the rows: every acknowledged append must be in the tables. \`flask\` takes no lock, as such code is commonly written, and its table shows what it lost. "CPU ms" is the processor time of a request in the server, with that in MariaDB beside it. If others use the machine, it tells more than requests a second.

The service runs as shipped (\`npm run start:prod\`): it verifies tokens, validates requests, checks owners, limits rates (too high to be reached), assigns request ids, logs at info, and has a pool of 20 connections. \`off\`, \`validated\` and \`exclusive\` are its kinds of cache. Appends, lists and pages are measured with \`validated\`, growth with \`off\`, so that every request reaches the store.

The peers are in [test/bench/peers](../test/bench/peers):

- \`limit\`: node:http sends the same headers and bodies from memory.
- \`bare\`: Fastify and mysql2 with the same statements, sent as text, in the same transactions (START TRANSACTION to COMMIT), and a pool of the same size; no validation and no identity.
- \`nest-default\`: the way of \`nest new\` and of TypeORM's documentation: Express, \`findOneOrFail\` with relations, \`save\`.
- \`flask\`: the endpoint that this API comes from, as it is commonly written: Flask, SQLAlchemy, PyMySQL and gunicorn with 2 workers. A session is a row with its messages as one JSON text, which an append rewrites.

The messages come from the real conversations in test/fixtures. A session of 20 is the start of a conversation with 20 or more messages; a longer one repeats five of these. The sessions of the growth by sessions are the first 2 to 4 messages of each conversation. Before each measurement of appends the messages of the one before are removed.

Growth compares the median latency of one request at a time on two databases of the same server, both in use, or on two sessions of one database. All seeded pages are on disk by then. Pages of a session of branches are compared in the same way with those of a line: same texts, same process, half of them \`before\` and half \`around\` a random message. Forks are measured on both stores, with durations as a client sees them.

## Repeat

On Debian, with Node.js:

\`\`\`sh
apt-get install --no-install-recommends mariadb-server wrk gunicorn python3-flask python3-sqlalchemy python3-pymysql
npm ci
npm run bench
\`\`\`

[test/bench](../test/bench/README.md) says how to run a part.
`;
