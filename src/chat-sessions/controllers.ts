import {
  Controller,
  type Type,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { ApiExcludeController, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { ChatSessionsExceptionsFilter } from '../http/exception.filter.js';
import { HttpExceptionsInterceptor } from '../http/http-exceptions.interceptor.js';
import { BranchesController } from './branches/branches.controller.js';
import { ForksController } from './forks/forks.controller.js';
import { ChatMessagesController } from './messages/chat-messages.controller.js';
import {
  type ChatSessionsRegistration,
  ROUTE_GROUPS,
  type RouteGroup,
} from './options.js';
import { ChatSessionsController } from './sessions/chat-sessions.controller.js';
import { HistoryController } from './sessions/history.controller.js';
import { SectionChatSessionController } from './sessions/section-chat-session.controller.js';

const CONTROLLERS: Record<
  RouteGroup,
  { controller: Type<object>; tag: string }
> = {
  sessions: { controller: ChatSessionsController, tag: 'Chat sessions' },
  messages: { controller: ChatMessagesController, tag: 'Messages' },
  branches: { controller: BranchesController, tag: 'Messages' },
  forks: { controller: ForksController, tag: 'Chat sessions' },
  sections: { controller: SectionChatSessionController, tag: 'Chat sessions' },
  history: { controller: HistoryController, tag: 'History' },
};

/** The controllers of one registration of the module. Throws a TypeError if a route group is unknown. */
export function controllersOf(
  registration: ChatSessionsRegistration,
): Type<object>[] {
  const { routes = true } = registration;
  const groups = routes === true ? ROUTE_GROUPS : routes || [];
  return groups.map((group) => mounted(group, registration));
}

/** A subclass, since an application may register the module more than once, under other paths. */
function mounted(
  group: RouteGroup,
  { path, version, errors = 'module', swagger = {} }: ChatSessionsRegistration,
): Type<object> {
  if (!ROUTE_GROUPS.includes(group)) {
    throw new TypeError(
      `Options of Chat Sessions: routes must be of ${ROUTE_GROUPS.join(', ')}: "${String(group)}"`,
    );
  }
  const { controller, tag } = CONTROLLERS[group];
  const { [controller.name]: Mounted } = {
    [controller.name]: class extends controller {},
  } as Record<string, Type<object>>;
  const own = Reflect.getMetadata(PATH_METADATA, controller) as string;
  const decorators = [
    Controller({ path: path ? `${path}/${own}` : own, version }),
    ApiTags(swagger.tag ?? tag),
    ...(swagger.security ? [ApiSecurity(swagger.security)] : []),
    ...(swagger.hidden ? [ApiExcludeController()] : []),
    errors === 'module'
      ? UseFilters(ChatSessionsExceptionsFilter)
      : UseInterceptors(HttpExceptionsInterceptor),
  ];
  for (const decorate of decorators) decorate(Mounted!);
  return Mounted!;
}
