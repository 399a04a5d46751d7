/** Where MySQL's messages quote what was sent. */
const QUOTED_VALUE = /(Duplicate entry|Incorrect \w+ value:) '[^]*'(?= for )/;

/**
 * An error and its causes for the log: stacks only, since other fields of a
 * driver's error hold statements and parameters, and so the texts of messages.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `Thrown: ${typeof error}`;
  const own = (error.stack ?? `${error.name}: ${error.message}`).replace(
    QUOTED_VALUE,
    "$1 '...'",
  );
  const cause = error.cause ?? driverErrorOf(error);
  return cause instanceof Error
    ? `${own}\nCaused by: ${describeError(cause)}`
    : own;
}

/** Where TypeORM keeps the driver's error. */
function driverErrorOf(error: Error): unknown {
  return 'driverError' in error ? error.driverError : undefined;
}

/** An error in one line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node joins the failures of several addresses into one error without a message.
  const reasons =
    error instanceof AggregateError ? error.errors.map(reasonOf) : [];
  return error.message || reasons.join(', ') || error.name;
}
