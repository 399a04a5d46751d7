import {
  Injectable,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import { isUUID } from 'class-validator';
import {
  isOpaqueId,
  MESSAGE_ID,
  MESSAGE_ID_RULE,
  OPAQUE_ID_RULE,
} from './decorators.js';
import { ValidationFailedException } from './dto.pipe.js';

/** Accepts a UUID in any case and passes it on in lower case, as it is stored. */
@Injectable()
export class UuidParam implements PipeTransform<string, string> {
  transform(value: string, { data }: ArgumentMetadata) {
    if (!isUUID(value, 'loose')) {
      throw new ValidationFailedException([`${data} must be a UUID`]);
    }
    return value.toLowerCase();
  }
}

@Injectable()
export class OpaqueIdParam implements PipeTransform<string, string> {
  transform(value: string, { data }: ArgumentMetadata) {
    if (!isOpaqueId(value)) {
      throw new ValidationFailedException([`${data} ${OPAQUE_ID_RULE}`]);
    }
    return value;
  }
}

@Injectable()
export class MessageIdParam implements PipeTransform<string, string> {
  transform(value: string, { data }: ArgumentMetadata) {
    if (!MESSAGE_ID.test(value)) {
      throw new ValidationFailedException([`${data} ${MESSAGE_ID_RULE}`]);
    }
    return value;
  }
}
