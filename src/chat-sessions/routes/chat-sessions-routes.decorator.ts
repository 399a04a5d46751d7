import { applyDecorators, UseFilters, UseGuards } from '@nestjs/common';
import { AllExceptionsFilter } from '../../http/exception.filter.js';
import { ApiIdentified } from '../../http/identified.decorator.js';
import { JsonBodyGuard } from '../../http/json-body.guard.js';
import { OwnerGuard } from './owner.guard.js';

/** What every controller of the module has for itself, whatever is global in the application. */
export function OwnedRoutes(): ClassDecorator {
  return applyDecorators(
    ApiIdentified(),
    UseGuards(OwnerGuard, JsonBodyGuard),
    UseFilters(AllExceptionsFilter),
  );
}
