import { Injectable, type PipeTransform } from '@nestjs/common';
import { isJsonObject } from '../../validation/decorators.js';
import { validated } from '../../validation/dto.pipe.js';
import {
  AppendChatMessageDto,
  CreateChatMessagesDto,
} from './dto/create-chat-message.dto.js';

/** Validates the body of an append: one message, or `{"messages": [...]}`. */
@Injectable()
export class AppendBody implements PipeTransform {
  transform(body: unknown): AppendChatMessageDto | CreateChatMessagesDto {
    return isJsonObject(body) && 'messages' in body
      ? validated(body, CreateChatMessagesDto)
      : validated(body, AppendChatMessageDto);
  }
}
