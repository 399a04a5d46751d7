import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { PAGE } from '../../limits.js';

export class GetChatSessionQuery {
  /**
   * How many of the newest messages to show.
   * @example 50
   */
  @ApiPropertyOptional({ type: 'integer' })
  @IsInt()
  @Min(0)
  @Max(PAGE.sessionMessages.max)
  messages: number = PAGE.sessionMessages.default;
}
