import type { Database, Work } from '../../src/database/database.js';
import { COMMIT, type UnitOfWork } from '../../src/database/unit-of-work.js';

export interface RecordedUnit {
  kind: 'read' | 'write';
  /** Text and parameters, in the order in which they were sent, without COMMIT. */
  statements: [sql: string, parameters: unknown[]][];
}

/** Records all units of work of a database from now on, one entry for each attempt. */
export function recordUnits(database: Database): RecordedUnit[] {
  const units: RecordedUnit[] = [];
  for (const kind of ['read', 'write'] as const) {
    const run = database[kind].bind(database);
    database[kind] = <T>(work: Work<T>) =>
      run(() => {
        const unit: RecordedUnit = { kind, statements: [] };
        units.push(unit);
        return recorded(work(), unit);
      });
  }
  return units;
}

function* recorded<T>(
  work: UnitOfWork<T>,
  { statements }: RecordedUnit,
): UnitOfWork<T> {
  let step = work.next();
  while (!step.done) {
    const sent = step.value;
    const recorded = sent.filter((one) => one !== COMMIT);
    for (const statement of recorded) {
      statements.push(statement.getQueryAndParameters());
    }
    try {
      step = work.next(yield sent);
    } catch (error) {
      // It is always the first one here that fails, and the others are not run.
      statements.splice(statements.length - recorded.length + 1);
      step = work.throw(error);
    }
  }
  return step.value;
}
