import { type Operation, toRequest } from './operation.js';
import type { CallOptions, Tagged } from './options.js';
import { type ClientOptions, Transport } from './transport.js';

/** Sends the requests of a client. */
export class Caller {
  private readonly transport: Transport;

  constructor(options: ClientOptions) {
    this.transport = new Transport(options);
  }

  protected async send<Body>(
    method: string,
    operation: Operation,
    options?: CallOptions,
  ): Promise<Body> {
    const request = toRequest(method, operation);
    const { body } = await this.transport.send(request, options);
    return body as Body;
  }

  protected async sendTagged<Body>(
    method: string,
    operation: Operation,
    options?: CallOptions,
  ): Promise<Tagged<Body>> {
    const request = toRequest(method, operation);
    const { headers, body } = await this.transport.send(request, options);
    return { ...(body as Body), etag: headers.get('ETag') ?? '' };
  }
}
