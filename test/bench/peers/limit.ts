/**
 * The peer `limit`: node:http with all responses in memory, headers included. It
 * is the upper limit for a service on Node.js. RESPONSES is the name of a JSON
 * file: {path: {headers, text}}.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Response {
  headers: Record<string, string>;
  text: string;
}

const file = readFileSync(process.env.RESPONSES!, 'utf8');
const responses = new Map(
  Object.entries(JSON.parse(file) as Record<string, Response>).map(
    ([path, { headers, text }]) => [path, { headers, body: Buffer.from(text) }],
  ),
);

const server = createServer((request, response) => {
  const found = responses.get(request.url!);
  if (!found) return void response.writeHead(404).end();
  response.writeHead(200, found.headers).end(found.body);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
console.log(`Listening on http://127.0.0.1:${port}`);
