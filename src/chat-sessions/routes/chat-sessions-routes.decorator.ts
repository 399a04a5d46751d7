import {
  applyDecorators,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { ChatSessionsExceptionsFilter } from '../../http/exception.filter.js';
import { ApiIdentified } from '../../http/identified.decorator.js';
import { JsonBodyGuard } from '../../http/json-body.guard.js';
import { OwnerGuard } from './owner.guard.js';
import { UntouchedBodyInterceptor } from './untouched-body.interceptor.js';

/** The guards, the filter and the interceptor of every controller of the module, whatever is global in the application. */
export function ChatSessionsRoutes(): ClassDecorator {
  return applyDecorators(
    ApiIdentified(),
    UseGuards(OwnerGuard, JsonBodyGuard),
    UseFilters(ChatSessionsExceptionsFilter),
    UseInterceptors(UntouchedBodyInterceptor),
  );
}
