import { statement, type UnitOfWork } from '../unit-of-work.js';

/** Size of the largest file that is checked. The check reads all of it, and nothing else runs meanwhile. */
const MAX_BYTES = 256 * 1024 * 1024;

const SIZE = statement(
  'SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size',
);
const CHECK = statement('PRAGMA quick_check');
/** Rows that a constraint of their table would refuse. The pages are intact. */
const ROWS =
  /^(NULL value|NUMERIC value|TEXT value|non-\w+ value|CHECK constraint)/;

/** Looks for pages that contradict each other, unless the file is large. Returns what it found first. */
export function* quickCheck(): UnitOfWork<string | undefined> {
  const { rows: sizes } = yield [SIZE];
  if (Number(sizes[0]!.bytes) > MAX_BYTES) return undefined;
  const { rows } = yield [CHECK];
  return rows
    .map((row) => String(row.quick_check).replaceAll('\n', ' '))
    .find((found) => found !== 'ok' && !ROWS.test(found));
}
