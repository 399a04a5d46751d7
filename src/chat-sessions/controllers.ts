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
  pathBelow,
  ROUTE_GROUPS,
  type RouteGroup,
  routeGroupsOf,
} from './options.js';
import { InterruptsController } from './runs/interrupts.controller.js';
import { RunsController } from './runs/runs.controller.js';
import { UsageController } from './runs/usage.controller.js';
import { ChatSessionsController } from './sessions/chat-sessions.controller.js';
import { ClearChatSessionController } from './sessions/clear-chat-session.controller.js';
import { HistoryController } from './sessions/history.controller.js';
import { SectionChatSessionController } from './sessions/section-chat-session.controller.js';

const CONTROLLERS: Record<
  RouteGroup,
  { controllers: Type<object>[]; tag: string }
> = {
  sessions: {
    controllers: [ChatSessionsController, ClearChatSessionController],
    tag: 'Chat sessions',
  },
  messages: { controllers: [ChatMessagesController], tag: 'Messages' },
  branches: { controllers: [BranchesController], tag: 'Messages' },
  forks: { controllers: [ForksController], tag: 'Chat sessions' },
  runs: {
    controllers: [RunsController, InterruptsController, UsageController],
    tag: 'Runs',
  },
  sections: {
    controllers: [SectionChatSessionController],
    tag: 'Chat sessions',
  },
  history: { controllers: [HistoryController], tag: 'History' },
};

/** The controllers of one registration of the module. Throws a TypeError if a route group is unknown. */
export function controllersOf(
  registration: ChatSessionsRegistration,
): Type<object>[] {
  return routeGroupsOf(registration).flatMap((group) => {
    const { controllers, tag } = routesOf(group);
    return controllers.map((controller) =>
      mounted(controller, tag, registration),
    );
  });
}

function routesOf(group: RouteGroup) {
  if (ROUTE_GROUPS.includes(group)) return CONTROLLERS[group];
  throw new TypeError(
    `Options of Chat Sessions: routes must be of ${ROUTE_GROUPS.join(', ')}: "${String(group)}"`,
  );
}

/** A subclass, since an application may register the module more than once, under other paths. */
function mounted(
  controller: Type<object>,
  tag: string,
  registration: ChatSessionsRegistration,
): Type<object> {
  const { version, errors = 'module', swagger = {} } = registration;
  const { [controller.name]: Mounted } = {
    [controller.name]: class extends controller {},
  } as Record<string, Type<object>>;
  const own = Reflect.getMetadata(PATH_METADATA, controller) as string;
  const decorators = [
    Controller({ path: pathBelow(registration, own), version }),
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
