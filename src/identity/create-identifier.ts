import { createSecretKey } from 'node:crypto';
import type { JWTVerifyGetKey } from 'jose';
import type { Config } from '../config/config.js';
import { HeaderIdentifier } from './header.identifier.js';
import type { Identifier } from './identifier.js';
import { algorithmOf, readPublicKey, remoteKeys } from './jwt-keys.js';
import { JwtIdentifier } from './jwt.identifier.js';
import { LocalIdentifier } from './local.identifier.js';
import { parseAddresses } from './trusted-proxies.js';

/** What AUTH_MODE says; the settings are consistent, which `parseConfig` has checked. */
export function createIdentifier(config: Config): Identifier {
  switch (config.AUTH_MODE) {
    case 'jwt':
      return new JwtIdentifier(keyOf(config), {
        algorithms: algorithmsOf(config),
        issuer: config.JWT_ISSUER || undefined,
        audience: config.JWT_AUDIENCE || undefined,
        ownerClaim: config.JWT_OWNER_CLAIM,
      });
    case 'header':
      return new HeaderIdentifier(
        config.IDENTITY_HEADER,
        parseAddresses(config.TRUSTED_PROXIES),
      );
    case 'none':
    case '':
      return new LocalIdentifier();
  }
}

function keyOf(config: Config): JWTVerifyGetKey {
  const { JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL } = config;
  if (JWT_JWKS_URL) return remoteKeys(new URL(JWT_JWKS_URL));
  const key = JWT_SECRET
    ? createSecretKey(JWT_SECRET, 'utf8')
    : readPublicKey(JWT_PUBLIC_KEY);
  return () => key;
}

/** Pinned to the kind of key: a token never chooses how it is verified. */
function algorithmsOf({ JWT_SECRET, JWT_PUBLIC_KEY }: Config): string[] {
  if (JWT_SECRET) return ['HS256'];
  return JWT_PUBLIC_KEY
    ? [algorithmOf(readPublicKey(JWT_PUBLIC_KEY))]
    : ['RS256', 'ES256', 'EdDSA'];
}
