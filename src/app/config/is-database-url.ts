import { ValidateBy } from 'class-validator';
import { parseMysqlUrl } from '../../database/mysql/address.js';

/** `sqlite:PATH`, or `mysql://user:password@host:port/database`, with several hosts for a cluster. */
export function IsDatabaseUrl(): PropertyDecorator {
  return ValidateBy({
    name: 'isDatabaseUrl',
    validator: {
      validate: (value) => typeof value === 'string' && isDatabaseUrl(value),
      defaultMessage: () =>
        '$property must be sqlite:PATH or mysql://user:password@host:port/database',
    },
  });
}

function isDatabaseUrl(value: string): boolean {
  if (value.startsWith('sqlite:')) return value.length > 'sqlite:'.length;
  try {
    return parseMysqlUrl(value).database !== '';
  } catch {
    return false;
  }
}
