import type { IncomingMessage } from 'node:http';
import {
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { isOpaqueId } from '../validation/decorators.js';
import {
  Identifier,
  REPEATED,
  singleHeader,
  UNIDENTIFIED,
  UnidentifiedException,
} from './identifier.js';

/** Verifying costs more than all else in a read, so a token is verified once a minute. */
const REMEMBERED_MS = 60_000;
/** Characters of tokens and owners, some 10,000 of them. */
const REMEMBERED_CHARACTERS = 8 * 1024 * 1024;
const BEARER = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;

export interface JwtRules {
  /** Those of the kind of key, and no others. */
  algorithms: string[];
  issuer?: string;
  audience?: string;
  /** The claim that holds the owner's id. */
  ownerClaim: string;
}

/** `Authorization: Bearer`, with a JWT. */
export class JwtIdentifier extends Identifier {
  readonly header = 'Authorization';

  private readonly remembered = new LRUCache<string, string>({
    maxSize: REMEMBERED_CHARACTERS,
    sizeCalculation: (owner, token) => owner.length + token.length,
    // The clock that `exp` is about.
    perf: Date,
    ttlResolution: 0,
  });

  constructor(
    private readonly key: JWTVerifyGetKey,
    private readonly rules: JwtRules,
  ) {
    super();
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
    const owner = claims[this.rules.ownerClaim];
    if (!isOpaqueId(owner)) {
      throw invalid(`The claim ${this.rules.ownerClaim} is not an id`);
    }
    const ttl = Math.min(REMEMBERED_MS, exp! * 1000 - Date.now());
    if (ttl > 0) this.remembered.set(token, owner, { ttl });
    return owner;
  }

  private async claimsOf(token: string): Promise<JWTPayload> {
    const { algorithms, issuer, audience } = this.rules;
    const options: JWTVerifyOptions = {
      algorithms,
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
