/**
 * Turns what only comes as text (query strings, the environment) into a whole
 * number or a boolean where one is expected. Text that is neither stays as it
 * is, for the validators to refuse.
 */
export function coerce(value: unknown, type: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (type === Number && /^-?\d+$/.test(value)) return Number(value);
  if (type === Boolean && /^(true|false)$/.test(value)) return value === 'true';
  return value;
}
