/** What docs/benchmarks.md says of how it was measured. */
export const METHOD = `## Method

Everything compared runs in the same run on the same MariaDB, whose settings lose nothing that was committed. In every round the contenders come in an order that chance decides; each is warmed up for a second, then measured; before the first round each got 10,000 requests or 20 seconds of load, since V8 compiles what is used often only after some thousands of requests. Processes of the same code differ, for as long as they live, so where the service and \`bare\` are compared, each has five, which take turns. Ratios are taken round by round, and the median of them counts: on a noisy machine a single figure says little, and absolute ones are the machine's.

The load comes from wrk with ready-made requests in random order: its one thread takes less from two cores than a load generator on Node.js would. Everybody gets the same requests with the same headers. Before it is measured, every contender is seen to answer the same JSON as the service. After each measurement of appends the tables are counted: every append that was acknowledged must be there. \`flask\` takes no lock, as such code is commonly written; what it lost is in its table. "CPU ms" is the processor time of a request in the server, and beside it that in MariaDB; it tells more than requests a second where others use the machine, too.

The service runs as shipped (\`npm run start:prod\`): tokens verified, requests validated, owners checked, rate limits on (and too high to be reached), request ids, logging at info, a pool of 20 connections. \`off\`, \`validated\` and \`exclusive\` are its kinds of cache; appends, lists and pages are measured with \`validated\`, growth with \`off\`, so that it is the store that is looked at.

The peers are in [test/bench/peers](../test/bench/peers):

- \`limit\`: node:http answering the same bytes from memory.
- \`bare\`: Fastify and mysql2, the same statements, prepared, in the same transactions, a pool of the same size; no validation and no identity.
- \`nest-default\`: what \`nest new\` and the documentation of TypeORM lead to: Express, \`findOneOrFail\` with relations, \`save\`.
- \`flask\`: the endpoint that this API comes from, as it is commonly written: Flask, SQLAlchemy, PyMySQL, gunicorn with 2 workers, and a session as a row with a JSON text of its messages, which an append rewrites.

The messages are those of the real conversations in test/fixtures: sessions of 20 are the starts of conversations that have as many, longer ones go round through five of these, and the sessions of the growth by sessions are the first 2 to 4 messages of all. Before each measurement of appends, what the last one appended is taken back.

Growth is the median latency of one request at a time, on two databases of the same server that are both alive, or two sessions of one database. What was seeded is on the disk by then.

## Repeat

On Debian, with Node.js:

\`\`\`sh
apt-get install --no-install-recommends mariadb-server wrk gunicorn python3-flask python3-sqlalchemy python3-pymysql
npm ci
npm run bench
\`\`\`

[test/bench](../test/bench/README.md) says how to run a part.
`;
