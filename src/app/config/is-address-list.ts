import { ValidateBy } from 'class-validator';
import { parseAddresses } from '../../http/addresses.js';

/** Addresses and CIDR blocks, separated by commas. */
export function IsAddressList(): PropertyDecorator {
  return ValidateBy({
    name: 'isAddressList',
    validator: {
      validate: (value) => typeof value === 'string' && isAddressList(value),
      defaultMessage: () =>
        '$property must be addresses and CIDR blocks, separated by commas',
    },
  });
}

function isAddressList(value: string): boolean {
  try {
    parseAddresses(value);
    return true;
  } catch {
    return false;
  }
}
