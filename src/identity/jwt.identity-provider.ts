import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import { LRUCache } from 'lru-cache';
import { createSecretKey } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { UNIDENTIFIED } from '../http/identified.decorator.js';
import { REPEATED, singleHeader } from '../http/request.js';
import { isOpaqueId } from '../validation/decorators.js';
import {
  IdentityProvider,
  UnidentifiedException,
} from './identity-provider.js';
import { algorithmOf, readPublicKey, SECRET_BYTES } from './jwt-keys.js';

/** A verified token is trusted for a minute: verifying takes longer than the rest of a read. */
const REMEMBERED_MS = 60_000;
/** Characters of tokens and owner ids kept in memory: enough for about 10,000 tokens. */
const REMEMBERED_CHARACTERS = 8 * 1024 * 1024;
/** Seconds by which the clocks of issuer and service may differ. */
const DEFAULT_LEEWAY = 5;
const BEARER = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;

/** Claims that a token must have, in addition to `exp` and `sub`, which every token needs. */
export interface JwtRules {
  /** The value of `iss`; any if left out. */
  issuer?: string;
  /** A value that `aud` must be or contain; any if left out. */
  audience?: string;
  /** The claim with the owner's id (`sub`): text, or an integer below 2^53. */
  ownerClaim?: string;
  /** Seconds by which the issuer's clock may differ, for `exp` and `nbf` (5). */
  leeway?: number;
}

/**
 * Verifies the JWT in `Authorization: Bearer`. The kind of key decides which
 * algorithms are allowed: a token cannot choose how it is verified.
 */
export class JwtIdentityProvider extends IdentityProvider {
  readonly header = 'Authorization';

  /** Loaded on demand: a start without this provider is shorter. */
  private readonly jose = import('jose');
  private readonly remembered = new LRUCache<string, string>({
    maxSize: REMEMBERED_CHARACTERS,
    sizeCalculation: (owner, token) => owner.length + token.length,
    // `exp` is wall-clock time, so the cache must use the same clock.
    perf: Date,
    ttlResolution: 0,
  });

  private constructor(
    private readonly key: JWTVerifyGetKey,
    private readonly algorithms: string[],
    private readonly rules: JwtRules,
  ) {
    super();
  }

  /**
   * Verifies with HS256.
   * @throws TypeError if the secret has less than 32 bytes
   */
  static withSecret(secret: string, rules: JwtRules = {}): JwtIdentityProvider {
    if (Buffer.byteLength(secret) < SECRET_BYTES) {
      throw new TypeError(`A secret has at least ${SECRET_BYTES} bytes`);
    }
    const key = createSecretKey(secret, 'utf8');
    return new JwtIdentityProvider(() => key, ['HS256'], rules);
  }

  /**
   * Verifies with one public key.
   * @param pemOrPath PEM, or the path of a file that holds it; a key of RS256 (2048 bits or more), ES256 or EdDSA
   * @throws if the key cannot be read or is of another kind
   */
  static withPublicKey(
    pemOrPath: string,
    rules: JwtRules = {},
  ): JwtIdentityProvider {
    const key = readPublicKey(pemOrPath);
    return new JwtIdentityProvider(() => key, [algorithmOf(key)], rules);
  }

  /**
   * Verifies with the keys that an issuer publishes, of RS256, ES256 and EdDSA.
   * @param url address of the JWKS
   */
  static withKeySet(url: string, rules: JwtRules = {}): JwtIdentityProvider {
    const algorithms = ['RS256', 'ES256', 'EdDSA'];
    const issuer = new URL(url);
    const keys = import('./remote-keys.js').then(({ remoteKeys }) =>
      remoteKeys(issuer),
    );
    const key: JWTVerifyGetKey = async (...args) => (await keys)(...args);
    return new JwtIdentityProvider(key, algorithms, rules);
  }

  private get leeway(): number {
    return this.rules.leeway ?? DEFAULT_LEEWAY;
  }

  identify(request: IncomingMessage): string | Promise<string> {
    const header = singleHeader(request, this.header);
    if (header === undefined) {
      throw new UnidentifiedException(UNIDENTIFIED, 'Bearer');
    }
    const token = header === REPEATED ? undefined : BEARER.exec(header)?.[1];
    if (!token) throw invalid('The Authorization header is not a Bearer token');
    return this.remembered.get(token) ?? this.verify(token);
  }

  private async verify(token: string): Promise<string> {
    const { exp, ...claims } = await this.claimsOf(token);
    const { ownerClaim = 'sub' } = this.rules;
    const claim = claims[ownerClaim];
    // Issuers with numeric ids write them as numbers.
    const owner = Number.isSafeInteger(claim) ? String(claim) : claim;
    if (!isOpaqueId(owner)) {
      throw invalid(`The claim ${ownerClaim} is not an id`);
    }
    const expiresAt = (exp! + this.leeway) * 1000;
    const ttl = Math.min(REMEMBERED_MS, expiresAt - Date.now());
    if (ttl > 0) this.remembered.set(token, owner, { ttl });
    return owner;
  }

  private async claimsOf(token: string): Promise<JWTPayload> {
    const { errors, jwtVerify } = await this.jose;
    const { issuer, audience } = this.rules;
    const options: JWTVerifyOptions = {
      algorithms: this.algorithms,
      issuer,
      audience,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: this.leeway,
    };
    try {
      return (await jwtVerify(token, this.key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      throw invalid(
        error instanceof errors.JWTExpired
          ? 'The access token has expired'
          : 'The access token is not valid',
      );
    }
  }
}

function invalid(reason: string): UnidentifiedException {
  return new UnidentifiedException(reason, 'Bearer error="invalid_token"');
}
