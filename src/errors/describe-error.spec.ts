import { QueryFailedError } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { describeError } from './describe-error.js';

describe('describeError', () => {
  it.each([
    [
      "Duplicate entry 'alice-it's a 'secret' for key x' for key 'PRIMARY'",
      "Duplicate entry '...' for key 'PRIMARY'",
    ],
    [
      "Incorrect string value: '\\xF0secret' for column `chat`.`title` at row 1",
      "Incorrect string value: '...' for column `chat`.`title` at row 1",
    ],
  ])('leaves out values that a driver quotes: %s', (message, expected) => {
    const error = new QueryFailedError(
      'INSERT secret',
      ['secret'],
      new Error(message),
    );
    const described = describeError(error);
    expect(described).toContain(expected);
    expect(described).toContain('Caused by: Error');
    expect(described).not.toContain('INSERT');
  });
});
