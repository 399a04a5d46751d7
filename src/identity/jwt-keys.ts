import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

/** Of HS256, as long as its hash (RFC 7518, 3.2). */
export const SECRET_BYTES = 32;
export const MIN_RSA_BITS = 2048;

/** A public key in PEM, or the path of a file with one. */
export function readPublicKey(pemOrPath: string) {
  const pem = existsSync(pemOrPath)
    ? readFileSync(pemOrPath, 'utf8')
    : // Environments that hold one line only carry line breaks as \n.
      pemOrPath.replaceAll('\\n', '\n');
  return createPublicKey(pem);
}

/** The one algorithm of a public key; throws where the service knows none for it. */
export function algorithmOf(key: KeyObject): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const bits = details?.modulusLength ?? 0;
  if (type === 'rsa' && bits >= MIN_RSA_BITS) return 'RS256';
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256';
  if (type === 'ed25519') return 'EdDSA';
  throw new TypeError('Not a key of RS256, ES256 or EdDSA');
}
