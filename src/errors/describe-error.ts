/** The values that MySQL quotes in its messages. */
const QUOTED_VALUE = /(Duplicate entry|Incorrect \w+ value:) '[^]*'(?= for )/;

/**
 * Describes an error and its causes for the log. Uses only the stacks: other
 * fields of a driver's error hold statements and parameters, so the texts of
 * messages.
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

/** TypeORM keeps the driver's error in `driverError`. */
function driverErrorOf(error: Error): unknown {
  return 'driverError' in error ? error.driverError : undefined;
}

/** Describes an error in one line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node's error for a host with several addresses has no message of its own.
  const reasons =
    error instanceof AggregateError ? error.errors.map(reasonOf) : [];
  return error.message || reasons.join(', ') || error.name;
}
