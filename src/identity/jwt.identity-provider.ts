import { createSecretKey } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import { LRUCache } from 'lru-cache';
import { UNIDENTIFIED } from '../http/identified.decorator.js';
import { REPEATED, singleHeader } from '../http/request.js';
import { isOpaqueId } from '../validation/decorators.js';
import { Identifier, UnidentifiedException } from './identity-provider.js';
import { algorithmOf, readPublicKey, SECRET_BYTES } from './jwt-keys.js';

/** Verifying costs more than all else in a read, so a token is verified once a minute. */
const REMEMBERED_MS = 60_000;
/** Characters of tokens and owners, some 10,000 of them. */
const REMEMBERED_CHARACTERS = 8 * 1024 * 1024;
const BEARER = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;

/** What a token has to say, beside `exp` and `sub`, which every token has. */
export interface JwtRules {
  issuer?: string;
  audience?: string;
  /** The claim that holds the owner's id, by default `sub`. */
  ownerClaim?: string;
}

/**
 * `Authorization: Bearer`, with a JWT. Algorithms are those of the kind of key: a
 * token never chooses how it is verified.
 */
export class JwtIdentifier extends Identifier {
  readonly header = 'Authorization';

  /** Loaded only where tokens are verified, which makes other starts shorter. */
  private readonly jose = import('jose');
  private readonly remembered = new LRUCache<string, string>({
    maxSize: REMEMBERED_CHARACTERS,
    sizeCalculation: (owner, token) => owner.length + token.length,
    // The clock that `exp` is about.
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

  /** HS256. */
  static withSecret(secret: string, rules: JwtRules = {}): JwtIdentifier {
    if (Buffer.byteLength(secret) < SECRET_BYTES) {
      throw new TypeError(`A secret has at least ${SECRET_BYTES} bytes`);
    }
    const key = createSecretKey(secret, 'utf8');
    return new JwtIdentifier(() => key, ['HS256'], rules);
  }

  /** @param pemOrPath of RS256 (2048 bits or more), ES256 or EdDSA */
  static withPublicKey(pemOrPath: string, rules: JwtRules = {}): JwtIdentifier {
    const key = readPublicKey(pemOrPath);
    return new JwtIdentifier(() => key, [algorithmOf(key)], rules);
  }

  /** @param url of the issuer's JWKS, with keys of RS256, ES256 and EdDSA */
  static withKeySet(url: string, rules: JwtRules = {}): JwtIdentifier {
    const algorithms = ['RS256', 'ES256', 'EdDSA'];
    const issuer = new URL(url);
    const keys = import('./remote-keys.js').then(({ remoteKeys }) =>
      remoteKeys(issuer),
    );
    const key: JWTVerifyGetKey = async (...args) => (await keys)(...args);
    return new JwtIdentifier(key, algorithms, rules);
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
    const owner = claims[ownerClaim];
    if (!isOpaqueId(owner)) {
      throw invalid(`The claim ${ownerClaim} is not an id`);
    }
    const ttl = Math.min(REMEMBERED_MS, exp! * 1000 - Date.now());
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
