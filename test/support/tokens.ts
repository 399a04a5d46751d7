import { SignJWT, type JWTPayload } from 'jose';

export const JWT_SECRET = 'a secret of tests, longer than 32 bytes';

/** Settings for owners with tokens, without rate limits. */
export const JWT_MODE = {
  AUTH_MODE: 'jwt',
  JWT_SECRET,
  RATE_LIMIT: '0',
  RATE_LIMIT_WRITES: '0',
  RATE_LIMIT_OUTPUTS: '0',
};

/** Signs a token, by default for an hour. Claims that are undefined are left out. */
export function signToken(
  claims: JWTPayload,
  key: Parameters<SignJWT['sign']>[0] = Buffer.from(JWT_SECRET),
  header: { alg: string; [parameter: string]: unknown } = { alg: 'HS256' },
): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  return new SignJWT({ exp, ...claims }).setProtectedHeader(header).sign(key);
}

/** The headers of an owner's requests. */
export async function as(owner: string) {
  return { authorization: `Bearer ${await signToken({ sub: owner })}` };
}
