import { expect, it } from 'vitest';
import { grown, NO_ANSWER } from './answer-content.js';

const PART = { type: 'x' };

it('an answer has at most 2,000 parts, each text among them', () => {
  const text = 'x'.repeat(3_000);
  const { answer } = grown(NO_ANSWER, text);
  const parts = (count: number) => Array.from({ length: count }, () => PART);
  const most = grown(answer, parts(1_999)).answer;
  expect(() => grown(most, 'x')).toThrow('too large');
  expect(() => grown(answer, parts(2_000))).toThrow('too large');
  expect(grown(NO_ANSWER, parts(2_000)).answer.partCount).toBe(2_000);
});
