import { HeaderIdentityProvider } from '../../identity/header.identity-provider.js';
import type { IdentityProvider } from '../../identity/identity-provider.js';
import { JwtIdentityProvider } from '../../identity/jwt.identity-provider.js';
import { LocalIdentityProvider } from '../../identity/local.identity-provider.js';
import type { Config } from './config.js';

/** Makes the provider for AUTH_MODE. `parseConfig` has checked that the settings fit together. */
export function createIdentityProvider(config: Config): IdentityProvider {
  switch (config.AUTH_MODE) {
    case 'jwt':
      return createJwtProvider(config);
    case 'header':
      return new HeaderIdentityProvider(
        config.IDENTITY_HEADER,
        config.TRUSTED_PROXIES,
      );
    case 'none':
    case '':
      return new LocalIdentityProvider();
  }
}

function createJwtProvider(config: Config): JwtIdentityProvider {
  const { JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL } = config;
  const rules = {
    issuer: config.JWT_ISSUER || undefined,
    audience: config.JWT_AUDIENCE || undefined,
    ownerClaim: config.JWT_OWNER_CLAIM,
    leeway: config.JWT_LEEWAY,
  };
  if (JWT_SECRET) return JwtIdentityProvider.withSecret(JWT_SECRET, rules);
  return JWT_PUBLIC_KEY
    ? JwtIdentityProvider.withPublicKey(JWT_PUBLIC_KEY, rules)
    : JwtIdentityProvider.withKeySet(JWT_JWKS_URL, rules);
}
