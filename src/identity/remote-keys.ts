import type { webcrypto } from 'node:crypto';
import { Logger } from '@nestjs/common';
import {
  createRemoteJWKSet,
  type CryptoKey,
  customFetch,
  errors,
  type JWTVerifyGetKey,
} from 'jose';
import { reasonOf } from '../errors/describe-error.js';
import { IdentityUnavailableException } from './identity-provider.js';
import { MIN_RSA_BITS } from './jwt-keys.js';

/** A fetch of the issuer's keys may take this long. */
const FETCH_TIMEOUT_MS = 1_000;
/** Between two fetches, whatever key ids arrive. */
const COOL_DOWN_MS = 10_000;
/** Keys are fetched again, in the background, when they are this old. */
const REFRESH_MS = 10 * 60_000;
/** While the issuer is down, its last keys are good for this long. */
export const LAST_GOOD_KEYS_MS = 24 * 60 * 60_000;

/** The keys of an issuer, by `kid`. */
export function remoteKeys(url: URL): JWTVerifyGetKey {
  const logger = new Logger('JWKS');
  let triedAt = -Infinity;
  let fetchedAt = -Infinity;
  let reportedAt = -Infinity;
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOL_DOWN_MS,
    cacheMaxAge: LAST_GOOD_KEYS_MS,
    // jose counts from the last success: with the issuer down, each request would try.
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
      // Either there are keys and none is this token's, or there are none to look at.
      throw keys.fresh
        ? new errors.JWKSNoMatchingKey()
        : new IdentityUnavailableException(error);
    }
  };
}

/** jose verifies with no other, but throws as if the caller had made a mistake. */
function strong(key: CryptoKey): CryptoKey {
  const { modulusLength = MIN_RSA_BITS } =
    key.algorithm as Partial<webcrypto.RsaKeyAlgorithm>;
  if (modulusLength < MIN_RSA_BITS) {
    throw new Error(`a key of RSA has less than ${MIN_RSA_BITS} bits`);
  }
  return key;
}

/** The issuer has other keys, or several that would do for a token that names none. */
function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}

class CoolingDownError extends Error {}
