import { describe, expect, it } from 'vitest';
import { isServerNotReady } from '../errors.js';
import { checkServer } from './node.js';

/** The rows of SHOW VARIABLES, and then those of SHOW STATUS. */
function checkOf(variables: string[], status?: string) {
  const replies = [
    variables.map((name) => ({ Variable_name: name, Value: 'ON' })),
    [{ Variable_name: 'wsrep_ready', Value: status }],
  ];
  return checkServer(async () => replies.shift()!).catch(
    (error: unknown) => error,
  );
}

describe('checkServer', () => {
  it.each<[string, string[], string?]>([
    ['a server that is read-only', ['read_only']],
    ['an InnoDB that is read-only', ['innodb_read_only']],
    ['a node of Galera that is read-only', ['wsrep_on', 'read_only'], 'ON'],
    ['a node of Galera outside its cluster', ['wsrep_on'], 'OFF'],
  ])(
    'refuses %s, so that another host takes over',
    async (_, variables, status) => {
      expect(isServerNotReady(await checkOf(variables, status))).toBe(true);
    },
  );

  it('accepts a writable server, and a node of Galera that is ready', async () => {
    expect(await checkOf([])).toBeUndefined();
    expect(await checkOf(['wsrep_on'], 'ON')).toBeUndefined();
  });
});
