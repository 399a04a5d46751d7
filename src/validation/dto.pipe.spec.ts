import { IsString } from 'class-validator';
import { expect, it } from 'vitest';
import { NestedArray } from './decorators.js';
import { validated } from './dto.pipe.js';

let made = 0;

class Item {
  @IsString()
  text: string;

  constructor() {
    made++;
  }
}

class Items {
  @NestedArray(() => Item, 100)
  items: Item[];
}

it('looks at one item more than an array may have', () => {
  const ok = Array<object>(101).fill({ text: 'x' });
  const items = [...ok, ...Array<object>(100_000).fill({ unknown: 1 })];
  const details = ['items must contain no more than 100 elements'];
  expect(() => validated({ items }, Items)).toThrow(
    expect.objectContaining({ details }),
  );
  expect(made).toBe(101);
});
