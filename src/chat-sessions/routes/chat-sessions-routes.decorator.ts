import { applyDecorators, UseGuards } from '@nestjs/common';
import { ApiIdentified } from '../../http/identified.decorator.js';
import { JsonBodyGuard } from '../../http/json-body.guard.js';
import { OwnerGuard } from './owner.guard.js';

/** The guards of every controller of the module, whatever is global in the application. `controllersOf` adds the rest. Handlers return what `Replies` makes. */
export function ChatSessionsRoutes(): ClassDecorator {
  return applyDecorators(ApiIdentified(), UseGuards(OwnerGuard, JsonBodyGuard));
}
