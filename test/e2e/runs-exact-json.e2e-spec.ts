import { beforeEach, expect, it } from 'vitest';
import { createSession } from '../support/api.js';
import { Runs } from '../support/runs.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
const NUMBERS = '[12345678901234567890,-0,1.0,1e3,{"7":1,"a":2}]';

let runs: Runs;
let sessionPath: string;
let path: string;

beforeEach(async () => {
  const { id } = await createSession(api);
  runs = new Runs(api, id);
  sessionPath = `/api/chat-sessions/${id}`;
  path = `${sessionPath}/runs`;
});

it('parts come back exactly as they were sent', async () => {
  await runs.started({ id: 'r' });
  const part = `{"type":"x","n":${NUMBERS}}`;
  const output = `{"fence":1,"offset":0,"parts":[${part},${part}]}`;
  // The same output again is the same.
  for (let sent = 1; sent <= 2; sent++) {
    const { text } = await api.send('POST', `${path}/r/output`, output);
    expect(text).toContain('"offset":2');
  }
  const other = output.replaceAll('1.0', '1.00');
  const refused = await api.send('POST', `${path}/r/output`, other);
  expect(refused.status).toBe(409);
  await runs.output('r', 2, 'text');
  const isShown = async () =>
    (await api.send('GET', sessionPath)).text.includes(`[${part},${part},`);
  expect(await isShown()).toBe(true);
  const fork = await api.send('POST', `${sessionPath}/fork`, {});
  expect(fork.text).toContain(`[${part},${part},`);
  expect((await runs.finish('r')).text).toContain(`[${part},${part},`);
  expect(await isShown()).toBe(true);
});

it('metadata, interrupts, answers and errors come back exactly as they were sent', async () => {
  const open = `{"n":${NUMBERS}}`;
  const started = `{"id":"r","metadata":${open}}`;
  const interrupts = `[{"id":"i","n":${NUMBERS}},{"id":"j","n":${NUMBERS}}]`;
  const answered = `{"id":"i","n":${NUMBERS},"answer":${open}}`;
  const send = async (action: string, body: string) =>
    (await api.send('POST', `${path}${action}`, body)).text;
  const stored = async () => (await runs.get('r')).text;

  expect(await send('', started)).toContain(`"metadata":${open}`);
  expect(await stored()).toContain(`"metadata":${open}`);

  const pause = `{"fence":1,"interrupts":${interrupts}}`;
  for (let sent = 1; sent <= 2; sent++) {
    expect(await send('/r/pause', pause)).toContain(interrupts);
  }
  expect(await stored()).toContain(interrupts);

  const answer = `{"answer":${open}}`;
  expect(await send('/r/interrupts/i', answer)).toContain(answered);
  expect(await send('/r/interrupts/i', answer)).toContain(answered);
  const left = `[${answered},{"id":"j","n":${NUMBERS}}]`;
  expect(await stored()).toContain(left);
  expect(await send('', '{}')).toContain(left);

  await send('/r/interrupts/j', '{"answer":{}}');
  await send('/r/resume', '{}');
  const finish = `{"fence":2,"status":"failed","error":${open}}`;
  expect(await send('/r/finish', finish)).toContain(`"error":${open}`);
  expect(await stored()).toContain(`"error":${open}`);
  const late = '{"fence":2,"offset":0,"text":"x"}';
  expect(await send('/r/output', late)).toContain(`"error":${open}`);
});
