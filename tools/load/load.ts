import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import pMap from 'p-map';
import { BrokenLine, type Line, readConversations } from './conversations.js';
import { Failures, type Report } from './report.js';
import { Service } from './service.js';
import { SessionNames, store, verify } from './sessions.js';

export interface LoadOptions {
  /** Path of the file of JSON Lines. */
  file: string;
  /** URL of the service, without `/api`. */
  url: string;
  /** Bearer token for the Authorization header; no header if left out. */
  token?: string;
  /** How many conversations to send at a time. */
  concurrency: number;
  /** Whether to read everything back after it is stored. The file is then read twice. */
  verify?: boolean;
  /** Reports progress in bytes of the file, which counts twice with `verify`. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Sends a file of conversations to the service, each as a session. The ids follow
 * from the conversations, so loading a file again stores nothing twice. Does not
 * reject when something fails; the report lists the failures.
 */
export async function load(options: LoadOptions): Promise<Report> {
  const service = new Service(options.url, options.token);
  const failures = new Failures();
  const report: Report = {
    conversations: 0,
    messages: 0,
    seconds: 0,
    failures: [],
  };
  // If the file has no size, it cannot be read, and reading tells the reason.
  const size = (await stat(options.file).catch(() => undefined))?.size ?? 0;
  const total = options.verify ? 2 * size : size;

  async function* readLines(done: number): AsyncGenerator<Line> {
    try {
      const chunks = createReadStream(options.file);
      for await (const line of readConversations(chunks)) {
        yield line;
        if (report.stopped) return;
        options.onProgress?.(done + line.end, total);
      }
    } catch (error) {
      report.stopped = `cannot read ${options.file}: ${(error as Error).message}`;
    }
  }

  async function forEachLine(
    done: number,
    work: (line: Line) => Promise<void>,
  ) {
    const settle = async (line: Line) => {
      const responsesBefore = service.responses;
      try {
        await work(line);
      } catch (error) {
        // Thrown on, the error would make p-map leave other conversations half sent.
        failures.add(line.number, error as Error);
        if (service.isUnreachable(error, responsesBefore)) {
          report.stopped = `cannot reach ${options.url}: ${error.text}`;
        }
      }
    };
    await pMap(readLines(done), settle, { concurrency: options.concurrency });
  }

  /** Ids of the sessions by line, for reading back. The texts are in the file. */
  const ids = new Map<number, string>();
  const names = new SessionNames();
  const start = performance.now();
  await forEachLine(0, async ({ number, conversation }) => {
    if (conversation instanceof BrokenLine) throw conversation;
    const name = names.of(conversation);
    const id = await store(service.client, conversation, name);
    report.conversations++;
    report.messages += conversation.messages.length;
    if (options.verify) ids.set(number, id);
  });
  report.seconds = (performance.now() - start) / 1000;

  if (options.verify && !report.stopped) {
    let verified = 0;
    await forEachLine(size, async ({ number, conversation }) => {
      const id = ids.get(number);
      if (!id || !ids.delete(number)) return;
      if (conversation instanceof BrokenLine) throw conversation;
      await verify(service.client, id, conversation);
      verified++;
    });
    const unread = new Error('not read back');
    for (const number of ids.keys()) failures.add(number, unread);
    report.verified = verified;
  }
  report.failures = failures.list();
  return report;
}
