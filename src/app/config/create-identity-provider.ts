import type { Config } from './config.js';
import { HeaderIdentifier } from '../../identity/header.identity-provider.js';
import type { Identifier } from '../../identity/identity-provider.js';
import { JwtIdentifier } from '../../identity/jwt.identity-provider.js';
import { LocalIdentifier } from '../../identity/local.identity-provider.js';

/** What AUTH_MODE says; the settings are consistent, which `parseConfig` has checked. */
export function createIdentifier(config: Config): Identifier {
  switch (config.AUTH_MODE) {
    case 'jwt':
      return createJwtIdentifier(config);
    case 'header':
      return new HeaderIdentifier(
        config.IDENTITY_HEADER,
        config.TRUSTED_PROXIES,
      );
    case 'none':
    case '':
      return new LocalIdentifier();
  }
}

function createJwtIdentifier(config: Config): JwtIdentifier {
  const { JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL } = config;
  const rules = {
    issuer: config.JWT_ISSUER || undefined,
    audience: config.JWT_AUDIENCE || undefined,
    ownerClaim: config.JWT_OWNER_CLAIM,
  };
  if (JWT_SECRET) return JwtIdentifier.withSecret(JWT_SECRET, rules);
  return JWT_PUBLIC_KEY
    ? JwtIdentifier.withPublicKey(JWT_PUBLIC_KEY, rules)
    : JwtIdentifier.withKeySet(JWT_JWKS_URL, rules);
}
