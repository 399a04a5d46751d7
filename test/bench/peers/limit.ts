/**
 * The peer `limit`: node:http with all responses in memory. It is the upper limit
 * for a service on Node.js. BODIES is the name of a JSON file: {path: body}.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const texts = JSON.parse(readFileSync(process.env.BODIES!, 'utf8')) as Record<
  string,
  string
>;
const bodies = new Map(
  Object.entries(texts).map(([path, text]) => [path, Buffer.from(text)]),
);

const server = createServer((request, response) => {
  const body = bodies.get(request.url!);
  if (!body) return void response.writeHead(404).end();
  response
    .writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': body.length,
    })
    .end(body);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
console.log(`Listening on http://127.0.0.1:${port}`);
