import { parseMysqlUrl } from '../../database/mysql/address.js';
import { parseAddresses, splitList } from '../../http/addresses.js';
import { check } from '../../validation/check.js';

const SQLITE = 'sqlite:';

/** `sqlite:PATH`, or `mysql://user:password@host:port/database` with one host or several. */
export const IsDatabaseUrl = rule(
  'isDatabaseUrl',
  'sqlite:PATH or mysql://user:password@host:port/database',
  (url) =>
    url.startsWith(SQLITE)
      ? url.length > SQLITE.length
      : parseMysqlUrl(url).database !== '',
);

/** Addresses and CIDR blocks, separated by commas. */
export const IsAddressList = rule(
  'isAddressList',
  'addresses and CIDR blocks, separated by commas',
  (list) => !!parseAddresses(list),
);

/** Origins such as `https://app.example.com`, separated by commas. */
export const IsOriginList = rule(
  'isOriginList',
  'origins such as https://app.example.com, separated by commas',
  (list) => splitList(list).every((entry) => new URL(entry).origin === entry),
);

/** @param accepts returns whether a value is right; it may throw if not */
function rule(name: string, what: string, accepts: (value: string) => boolean) {
  const validate = (value: unknown) => {
    try {
      return typeof value === 'string' && accepts(value);
    } catch {
      return false;
    }
  };
  return () => check({ name, validate, message: `$property must be ${what}` });
}
