import type { BlockList } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { isOpaqueId } from '../validation/decorators.js';
import {
  Identifier,
  REPEATED,
  singleHeader,
  UnidentifiedException,
} from './identifier.js';
import { addressFamily } from './trusted-proxies.js';

/** Behind a gateway that has authenticated the caller and says who it is in a header. */
export class HeaderIdentifier extends Identifier {
  /** @param trusted the gateway's addresses; from elsewhere anyone could write the header */
  constructor(
    readonly header: string,
    private readonly trusted: BlockList,
  ) {
    super();
  }

  identify(request: IncomingMessage): string {
    const address = request.socket.remoteAddress ?? '';
    const family = addressFamily(address);
    if (!family || !this.trusted.check(address, family)) {
      throw this.refusal('The request did not come through a trusted proxy');
    }
    const owner = singleHeader(request, this.header);
    if (owner === undefined) throw this.refusal('No identity');
    if (owner === REPEATED || !isOpaqueId(owner)) {
      throw this.refusal('The identity is malformed');
    }
    return owner;
  }

  private refusal(reason: string) {
    return new UnidentifiedException(reason, 'Gateway');
  }
}
