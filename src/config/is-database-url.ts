import { ValidateBy } from 'class-validator';

/** `sqlite:PATH`, or `mysql://user:password@host:port/database`. */
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
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, pathname } = new URL(value);
  return protocol === 'mysql:' && hostname !== '' && /^\/[^/]+$/.test(pathname);
}
