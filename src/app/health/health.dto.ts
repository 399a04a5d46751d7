import { ApiSchema } from '@nestjs/swagger';

@ApiSchema({ name: 'Health' })
export class HealthDto {
  /** @example "ok" */
  status: string;
}
