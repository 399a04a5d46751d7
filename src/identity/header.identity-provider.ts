import type { BlockList } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { addressFamily, parseAddresses } from '../http/addresses.js';
import { REPEATED, singleHeader } from '../http/request.js';
import { isOpaqueId } from '../validation/decorators.js';
import { Identifier, UnidentifiedException } from './identity-provider.js';

/** Behind a gateway that has authenticated the caller and says who it is in a header. */
export class HeaderIdentifier extends Identifier {
  private readonly trusted: BlockList;

  /**
   * @param header its name, such as `X-User-Id`
   * @param trusted the gateway's addresses and CIDR blocks, separated by commas; from elsewhere anyone could write the header
   */
  constructor(
    readonly header: string,
    trusted: string,
  ) {
    super();
    this.trusted = parseAddresses(trusted);
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
