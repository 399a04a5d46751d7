import { ApiSchema } from '@nestjs/swagger';
import { ApiInteger } from '../../routes/openapi/properties.js';
import type { UsageSums } from '../../store/entities/chat-session.entity.js';

/** The usage of several runs. */
@ApiSchema({ name: 'ChatUsageSums' })
export class UsageSumsDto implements UsageSums {
  /**
   * How many runs have reported usage.
   * @example 1
   */
  @ApiInteger()
  runs: number;

  /** @example 12 */
  @ApiInteger()
  input_tokens: number;

  /** @example 11 */
  @ApiInteger()
  output_tokens: number;

  /** @example 0 */
  @ApiInteger()
  cached_tokens: number;

  /** @example 0 */
  @ApiInteger()
  reasoning_tokens: number;

  /**
   * In the currency that the runs have reported, to nine decimals.
   * @example 0.00042
   */
  cost: number;
}
