import { randomUUID } from 'node:crypto';

/** 48 random bits as 12 hexadecimal digits: the last group of a random UUID, which Node.js makes in batches. */
export function newRevision(): string {
  return randomUUID().slice(-12);
}
