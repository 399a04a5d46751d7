import { Logger } from '@nestjs/common';
import {
  createRemoteJWKSet,
  type CryptoKey,
  customFetch,
  errors,
  type JWTVerifyGetKey,
} from 'jose';
import type { webcrypto } from 'node:crypto';
import { reasonOf } from '../errors/describe-error.js';
import { IdentityUnavailableException } from './identity-provider.js';
import { MIN_RSA_BITS } from './jwt-keys.js';

/** Timeout for fetching the issuer's keys. */
const FETCH_TIMEOUT_MS = 1_000;
/** Least time between two fetches, whatever key ids arrive. */
const COOL_DOWN_MS = 10_000;
/** Age at which keys are fetched again in the background. */
const REFRESH_MS = 10 * 60_000;
/** How long the last keys stay valid while the issuer is down. */
export const LAST_GOOD_KEYS_MS = 24 * 60 * 60_000;

/** Finds the key of a token by its `kid` among the keys that an issuer publishes. */
export function remoteKeys(url: URL): JWTVerifyGetKey {
  const logger = new Logger('JWKS');
  let triedAt = -Infinity;
  let fetchedAt = -Infinity;
  let reportedAt = -Infinity;
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOL_DOWN_MS,
    cacheMaxAge: LAST_GOOD_KEYS_MS,
    // jose counts its own cool-down from the last success: while the issuer is
    // down, every request would try to fetch.
    [customFetch]: async (...args) => {
      if (Date.now() - triedAt < COOL_DOWN_MS) throw new CoolingDownError();
      triedAt = Date.now();
      const response = await fetch(...args);
      if (response.ok) fetchedAt = Date.now();
      return response;
    },
  });
  const report = (error: unknown) => {
    const isKnown = Date.now() - reportedAt < COOL_DOWN_MS;
    if (isKnown || error instanceof CoolingDownError) return;
    reportedAt = Date.now();
    logger.warn(`No keys from ${url.host}: ${reasonOf(error)}`);
  };
  return async (header, token) => {
    if (keys.fresh && Date.now() - fetchedAt > REFRESH_MS) {
      void keys.reload().catch(report);
    }
    try {
      return strong(await keys(header, token));
    } catch (error) {
      if (isAboutToken(error)) throw error;
      report(error);
      // With keys at hand, none of them is this token's; without, nobody can tell.
      throw keys.fresh
        ? new errors.JWKSNoMatchingKey()
        : new IdentityUnavailableException(error);
    }
  };
}

/** Refuses weak RSA keys. jose refuses them too, but with an error that reads like a bug of the caller. */
function strong(key: CryptoKey): CryptoKey {
  const { modulusLength = MIN_RSA_BITS } =
    key.algorithm as Partial<webcrypto.RsaKeyAlgorithm>;
  if (modulusLength < MIN_RSA_BITS) {
    throw new Error(`an RSA key has less than ${MIN_RSA_BITS} bits`);
  }
  return key;
}

/** Whether the issuer has no key for the token, or several for a token without `kid`. */
function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}

class CoolingDownError extends Error {}
