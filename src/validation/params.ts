import {
  Injectable,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import { isOpaqueId, OPAQUE_ID_RULE } from './decorators.js';
import { ValidationFailedException } from './dto.pipe.js';

@Injectable()
export class OpaqueIdParam implements PipeTransform<string, string> {
  transform(value: string, { data }: ArgumentMetadata) {
    if (!isOpaqueId(value)) {
      throw new ValidationFailedException([`${data} ${OPAQUE_ID_RULE}`]);
    }
    return value;
  }
}
