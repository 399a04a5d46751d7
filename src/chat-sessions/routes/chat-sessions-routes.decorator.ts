import { applyDecorators, UseFilters, UseGuards } from '@nestjs/common';
import { ChatSessionsExceptionsFilter } from '../../http/exception.filter.js';
import { ApiIdentified } from '../../http/identified.decorator.js';
import { JsonBodyGuard } from '../../http/json-body.guard.js';
import { OwnerGuard } from './owner.guard.js';

/** The guards and the filter of every controller of the module, whatever is global in the application. Handlers return what `Replies` makes. */
export function ChatSessionsRoutes(): ClassDecorator {
  return applyDecorators(
    ApiIdentified(),
    UseGuards(OwnerGuard, JsonBodyGuard),
    UseFilters(ChatSessionsExceptionsFilter),
  );
}
