import { ValidateBy } from 'class-validator';
import { splitList } from '../../http/addresses.js';

/** Origins (`https://app.example.com`), separated by commas. */
export function IsOriginList(): PropertyDecorator {
  return ValidateBy({
    name: 'isOriginList',
    validator: {
      validate: (value) =>
        typeof value === 'string' && splitList(value).every(isOrigin),
      defaultMessage: () =>
        '$property must be origins such as https://app.example.com, separated by commas',
    },
  });
}

function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value;
}
