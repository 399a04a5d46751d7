import {
  algorithmOf,
  readPublicKey,
  SECRET_BYTES,
} from '../../identity/jwt-keys.js';
import type { Config } from './config.js';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Checks the settings that AUTH_MODE needs; returns one line for each problem. */
export function identityProblems(config: Config): string[] {
  switch (config.AUTH_MODE) {
    case 'jwt':
      return jwtProblems(config);
    case 'header':
      return config.TRUSTED_PROXIES
        ? []
        : ['TRUSTED_PROXIES must name the gateway with AUTH_MODE=header'];
    case '':
      // Without identity every caller is the same owner: nobody may get that by
      // forgetting a setting if others can reach the service.
      return LOOPBACK.test(config.HOST) && config.NODE_ENV !== 'production'
        ? []
        : [
            'AUTH_MODE must be set: jwt, header, or none if everybody may see everything',
          ];
    case 'none':
    default:
      return [];
  }
}

function jwtProblems(config: Config): string[] {
  const { JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL } = config;
  const keys = [JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL].filter(Boolean);
  if (keys.length !== 1) {
    return [
      'AUTH_MODE=jwt needs exactly one of JWT_SECRET, JWT_PUBLIC_KEY and JWT_JWKS_URL',
    ];
  }
  if (JWT_SECRET && Buffer.byteLength(JWT_SECRET) < SECRET_BYTES) {
    return [`JWT_SECRET must be at least ${SECRET_BYTES} bytes long`];
  }
  if (JWT_PUBLIC_KEY && !isPublicKey(JWT_PUBLIC_KEY)) {
    return [
      'JWT_PUBLIC_KEY must be a public key of RS256 (2048 bits or more), ES256 or EdDSA in PEM, or the path of one',
    ];
  }
  if (JWT_JWKS_URL && !isHttpUrl(JWT_JWKS_URL)) {
    return ['JWT_JWKS_URL must be an http or https URL'];
  }
  return [];
}

function isPublicKey(pemOrPath: string): boolean {
  try {
    algorithmOf(readPublicKey(pemOrPath));
    return true;
  } catch {
    return false;
  }
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}
