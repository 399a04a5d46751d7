import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Database } from '../database/database.js';
import { RouteErrors } from '../http/route-errors.js';
import { Public } from '../identity/public.decorator.js';
import { HealthDto } from './health.dto.js';

const CHECK_TIMEOUT_MS = 500;

@Public()
@ApiTags('Health')
@Controller('health')
export class HealthController {
  constructor(private readonly database: Database) {}

  @Get('live')
  @ApiOperation({
    summary: 'Whether the process runs',
    description: 'Touches nothing else: restart the process where it fails.',
  })
  @ApiOkResponse({ description: 'It runs.', type: HealthDto })
  live(): HealthDto {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({
    summary: 'Whether requests can be served',
    description: 'Asks the store: send no requests while it fails.',
  })
  @ApiOkResponse({ description: 'They can.', type: HealthDto })
  @RouteErrors({ 503: 'Service Unavailable' })
  async ready(): Promise<HealthDto> {
    try {
      await this.database.check(CHECK_TIMEOUT_MS);
    } catch (cause) {
      throw new ServiceUnavailableException(undefined, { cause });
    }
    return { status: 'ok' };
  }
}
