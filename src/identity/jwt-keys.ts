import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

/** Least length of a secret for HS256: the length of its hash (RFC 7518, 3.2). */
export const SECRET_BYTES = 32;
export const MIN_RSA_BITS = 2048;

/** Reads a public key from PEM, or from a file that holds PEM. */
export function readPublicKey(pemOrPath: string) {
  const pem = existsSync(pemOrPath)
    ? readFileSync(pemOrPath, 'utf8')
    : // Some environments allow one line only, and write line breaks as \n.
      pemOrPath.replaceAll('\\n', '\n');
  return createPublicKey(pem);
}

/**
 * Returns the one algorithm that a public key is used with.
 * @throws TypeError if the key is of another kind, or RSA below 2048 bits
 */
export function algorithmOf(key: KeyObject): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const bits = details?.modulusLength ?? 0;
  if (type === 'rsa' && bits >= MIN_RSA_BITS) return 'RS256';
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256';
  if (type === 'ed25519') return 'EdDSA';
  throw new TypeError('Not a key of RS256, ES256 or EdDSA');
}
