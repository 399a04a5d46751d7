import { distance } from 'fastest-levenshtein';
import { Config } from './config.js';

/** Beginnings of names that only variables of the service should have. */
const PREFIXES = [
  'AUTH_',
  'CACHE_',
  'DATABASE_',
  'IDEMPOTENCY_',
  'JWT_',
  'RATE_LIMIT',
];
/** Kubernetes sets such variables for each Service, which may be called `database`. */
const OF_KUBERNETES = /_(SERVICE_HOST|SERVICE_PORT\w*|PORT(_\d+_\w+)?)$/;
/** Letters of a name for each one that may be wrong. */
const LETTERS_PER_TYPO = 4;

/** Warnings about variables that look like misspelt settings, one line each. */
export function unknownVariables(environment: NodeJS.ProcessEnv): string[] {
  const known = Object.keys(new Config());
  return Object.keys(environment)
    .filter((name) => !known.includes(name) && !OF_KUBERNETES.test(name))
    .flatMap((name) => {
      const meant = known.find(
        (one) =>
          distance(name.toUpperCase(), one) <= one.length / LETTERS_PER_TYPO,
      );
      if (meant) return `${name} is not a setting: did you mean ${meant}?`;
      const isOurs = PREFIXES.some((prefix) => name.startsWith(prefix));
      return isOurs ? `${name} is not a setting` : [];
    });
}
