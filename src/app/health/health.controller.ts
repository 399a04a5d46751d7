import {
  Controller,
  Get,
  HttpStatus,
  Inject,
  Res,
  ServiceUnavailableException,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Database } from '../../database/database.js';
import { Draining } from '../../http/draining.js';
import type { HttpResponse } from '../../http/response.js';
import { ErrorBody, NO_HOST, RouteErrors } from '../../http/route-errors.js';
import { Public } from '../../identity/public.decorator.js';
import { HealthDto } from './health.dto.js';

/** Token: milliseconds that readiness waits for the store. */
export const CHECK_TIMEOUT_MS = Symbol('CHECK_TIMEOUT_MS');
const UNAVAILABLE = 'Service Unavailable';

@Public()
@ApiTags('Health')
@ApiBadRequestResponse({
  description: NO_HOST,
  type: ErrorBody,
  example: { error: NO_HOST, code: 'bad_request' },
})
@Controller('health')
export class HealthController {
  constructor(
    private readonly database: Database,
    private readonly draining: Draining,
    @Inject(CHECK_TIMEOUT_MS) private readonly checkTimeoutMs: number,
  ) {}

  @Get('live')
  @ApiOperation({
    operationId: 'getLiveness',
    summary: 'Whether the process runs',
    security: [],
    description: 'Touches nothing else: restart the process where it fails.',
  })
  @ApiOkResponse({ description: 'It runs.', type: HealthDto })
  live(): HealthDto {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({
    operationId: 'getReadiness',
    summary: 'Whether requests can be served',
    security: [],
    description:
      'Asks the store, and fails while the service ends: send no requests then.',
  })
  @ApiOkResponse({ description: 'They can.', type: HealthDto })
  @RouteErrors({
    errors: { service_unavailable: { status: 503, text: UNAVAILABLE } },
  })
  async ready(
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<HealthDto | ErrorBody> {
    if (this.draining.hasBegun) {
      // An exception with 503 would be logged as a failure.
      response.status(HttpStatus.SERVICE_UNAVAILABLE);
      return { error: UNAVAILABLE, code: 'service_unavailable' };
    }
    try {
      await this.database.check(this.checkTimeoutMs);
    } catch (cause) {
      throw new ServiceUnavailableException(undefined, { cause });
    }
    return { status: 'ok' };
  }
}
