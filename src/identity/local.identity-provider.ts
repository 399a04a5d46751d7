import { IdentityProvider } from './identity-provider.js';

/** Every caller is the same owner, `local`. */
export class LocalIdentityProvider extends IdentityProvider {
  readonly header = undefined;

  identify(): string {
    return 'local';
  }
}
