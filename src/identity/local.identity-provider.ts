import { Identifier } from './identity-provider.js';

/** Everybody is the one owner of the place. */
export class LocalIdentifier extends Identifier {
  readonly header = undefined;

  identify(): string {
    return 'local';
  }
}
