import type { IncomingMessage } from 'node:http';
import type { BlockList } from 'node:net';
import { includesAddress, parseAddresses } from '../http/addresses.js';
import { REPEATED, singleHeader } from '../http/request.js';
import { isOpaqueId } from '../validation/decorators.js';
import {
  IdentityProvider,
  UnidentifiedException,
} from './identity-provider.js';

/** Takes the owner's id from a header that a trusted gateway sets after it has authenticated the caller. */
export class HeaderIdentityProvider extends IdentityProvider {
  private readonly trusted: BlockList;

  /**
   * @param header name of the header, such as `X-User-Id`
   * @param trusted addresses and CIDR blocks of the gateway, separated by commas; requests from elsewhere are refused, since anyone could set the header
   * @throws TypeError if `trusted` is malformed
   */
  constructor(
    readonly header: string,
    trusted: string,
  ) {
    super();
    this.trusted = parseAddresses(trusted);
  }

  identify(request: IncomingMessage): string {
    if (!includesAddress(this.trusted, request.socket.remoteAddress)) {
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
