/**
 * Turns text from a query string or the environment into a whole number or a
 * boolean, as `type` (`Number`, `Boolean`) asks. Returns text that is neither
 * unchanged, for the validators to refuse.
 */
export function coerce(value: unknown, type: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (type === Number && /^-?\d+$/.test(value)) return Number(value);
  if (type === Boolean && /^(true|false)$/.test(value)) return value === 'true';
  return value;
}
