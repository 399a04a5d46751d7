import { SignJWT } from 'jose';
import { parseArgs } from 'node:util';
import type { Config } from '../src/app/config/config.js';
import { loadConfig } from '../src/app/config/load-config.js';
import { run } from '../src/app/run.js';

const USAGE = `Usage: npm run token -- --sub OWNER [--expires 8h]

Prints a token for development, signed with JWT_SECRET. It expires after 8 hours by default.`;

await run(USAGE, async () => {
  const { sub, expires } = parse();
  if (!sub) throw new Error(USAGE);
  console.log(await sign(loadConfig(), sub, expires));
});

function parse() {
  try {
    return parseArgs({
      options: {
        sub: { type: 'string' },
        expires: { type: 'string', default: '8h' },
      },
    }).values;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${USAGE}`, {
      cause: error,
    });
  }
}

function sign(config: Config, sub: string, expires: string): Promise<string> {
  if (!config.JWT_SECRET) {
    throw new Error(
      'JWT_SECRET must be set; with other keys only their issuer can sign',
    );
  }
  const token = new SignJWT({ sub, [config.JWT_OWNER_CLAIM]: sub })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime(expires);
  if (config.JWT_ISSUER) token.setIssuer(config.JWT_ISSUER);
  if (config.JWT_AUDIENCE) token.setAudience(config.JWT_AUDIENCE);
  return token.sign(Buffer.from(config.JWT_SECRET));
}
