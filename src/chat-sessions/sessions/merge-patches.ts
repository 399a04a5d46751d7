import {
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import { beforeParsers, type HttpRequest, rawOf } from '../../http/request.js';
import { validated } from '../../validation/dto.pipe.js';
import {
  MergeChatSessionDto,
  UpdateChatSessionDto,
} from './dto/update-chat-session.dto.js';

export const MERGE_PATCH = 'application/merge-patch+json';

/** The path of the route that takes merge patches, whatever the application puts before it. */
const PATH = /\/chat-sessions\/[^/]+\/?$/i;
const TYPE = new RegExp(
  `^${MERGE_PATCH.replace('+', '\\+')}(?=\\s*(?:;|$))`,
  'i',
);

const mergePatches = new WeakSet<IncomingMessage>();

/**
 * Lets merge patches through to one route: to the parser of the application,
 * whichever it is, they look like any other JSON. Other routes refuse their media
 * type as before.
 */
@Injectable()
export class MergePatches implements OnModuleInit {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  onModuleInit(): void {
    const { httpAdapter } = this.adapterHost;
    // An application without a server has no adapter.
    if (httpAdapter) beforeParsers(httpAdapter, mark);
  }
}

function mark(request: IncomingMessage): void {
  const { method, url = '', headers } = request;
  const type = headers['content-type'] ?? '';
  if (method !== 'PATCH' || !TYPE.test(type)) return;
  if (!PATH.test(url.split('?', 1)[0]!)) return;
  headers['content-type'] = type.replace(TYPE, 'application/json');
  mergePatches.add(request);
}

/** The body of a change of a session: a merge patch if it was sent as one. */
export const SessionChanges = createParamDecorator(
  (_, context: ExecutionContext) => {
    const request = context
      .switchToHttp()
      .getRequest<HttpRequest & { body?: unknown }>();
    return mergePatches.has(rawOf(request))
      ? validated(request.body, MergeChatSessionDto)
      : validated(request.body, UpdateChatSessionDto);
  },
);
