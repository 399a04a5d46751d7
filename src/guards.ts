/**
 * The guards of the stand-alone service, for applications that use them for all
 * of their routes. docs/embedding.md shows how.
 */
export type { HttpRequest } from './http/request.js';
export { HeaderIdentityProvider } from './identity/header.identity-provider.js';
export {
  IdentityProvider,
  IdentityUnavailableException,
  UnidentifiedException,
} from './identity/identity-provider.js';
export { IdentityGuard } from './identity/identity.guard.js';
export {
  IdentityModule,
  type IdentityOptions,
} from './identity/identity.module.js';
export {
  JwtIdentityProvider,
  type JwtRules,
} from './identity/jwt.identity-provider.js';
export { Public } from './identity/public.decorator.js';
export { RequestIdentity, ownerOf } from './identity/request-identity.js';
export { RateLimitGuard } from './rate-limit/rate-limit.guard.js';
export type { RateLimits } from './rate-limit/rate-limit.module-definition.js';
export { RateLimitModule } from './rate-limit/rate-limit.module.js';
