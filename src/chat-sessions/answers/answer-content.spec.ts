import { describe, expect, it } from 'vitest';
import { ChatSessionsError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { JsonObject } from '../store/entities/chat-session.entity.js';
import {
  type Answer,
  assembled,
  type Content,
  grown,
  isWhole,
  newPartOf,
  NO_ANSWER,
  type Piece,
  piecesOf,
  tailOffsetOf,
} from './answer-content.js';

/** Whole numbers below a limit, the same ones for the same seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Unit = string | JsonObject;

/** An answer as the store keeps it. */
class Stored {
  answer: Answer = NO_ANSWER;
  chunks: Piece[] = [];

  /** Throws what the service throws. */
  write(offset: number, content: Content): void {
    // As the service reads them: from the last chunk that starts at the offset or before.
    const start = this.chunks.findLast((one) => one.startOffset <= offset);
    const chunks = this.chunks.filter(
      ({ startOffset }) => startOffset >= (start?.startOffset ?? 0),
    );
    const known = offset < tailOffsetOf(this.answer) ? chunks : [];
    const pieces =
      offset < this.answer.endOffset ? piecesOf(this.answer, known) : [];
    const added = newPartOf(this.answer, pieces, { offset, content });
    if (added === undefined) return;
    const next = grown(this.answer, added);
    this.answer = next.answer;
    this.chunks = [...this.chunks, ...next.chunks];
  }

  get pieces(): Piece[] {
    return piecesOf(this.answer, this.chunks);
  }
}

/** The texts and parts of a message, made of its units one by one. */
function plainly(units: readonly Unit[]): Unit[] {
  const all: Unit[] = [];
  for (const unit of units) {
    const last = all.at(-1);
    if (typeof last === 'string' && typeof unit === 'string') {
      all[all.length - 1] = last + unit;
    } else all.push(unit);
  }
  return all.map((one) => (typeof one === 'string' ? one.toWellFormed() : one));
}

function contentOf(units: readonly Unit[]): Content {
  return units.every((unit) => typeof unit === 'string')
    ? units.join('')
    : units.filter((unit) => typeof unit !== 'string');
}

/** The longest start of the units that is of one kind. */
function ofOneKind(units: readonly Unit[]): Unit[] {
  const kind = typeof units[0];
  const end = units.findIndex((unit) => typeof unit !== kind);
  return end === -1 ? [...units] : units.slice(0, end);
}

const TEXTS = ['a', 'é', '😀', '👩‍👧', ' ', '\n', 'word ', '😀😀😀'];

describe('3,000 random histories', () => {
  it('are what one array of units is', () => {
    for (let seed = 1; seed <= 3_000; seed++) {
      const random = randomNumbers(seed);
      const stored = new Stored();
      const units: Unit[] = [];
      // Some answers are longer than a chunk.
      const repeats = seed % 10 === 0 ? 300 : 3;
      let parts = 0;
      let whole = '';
      const newText = (): Unit[] => {
        if (whole.length < 2) {
          whole += TEXTS[random(TEXTS.length)]!.repeat(1 + random(repeats));
        }
        // Cut anywhere, also in the middle of a pair.
        const length = 1 + random(whole.length);
        const text = whole.slice(0, length);
        whole = whole.slice(length);
        return text.split('');
      };
      const newParts = (): Unit[] =>
        Array.from({ length: 1 + random(3) }, () => ({
          type: 'x',
          n: parts++,
        }));
      for (let step = 0; step < 25; step++) {
        const isNewText = random(4) > 0;
        const added = isNewText ? newText() : newParts();
        const action = random(6);
        // An overlap: all or some of what is there again, and something new.
        const from = random(units.length + 1);
        const again = ofOneKind(units.slice(from));
        const isToEnd = from + again.length === units.length;
        const isJoined =
          again.length === 0 || typeof again[0] === typeof added[0];
        if (action === 0) {
          expect(() =>
            stored.write(units.length + 1 + random(9), contentOf(added)),
          ).toThrow(ChatSessionsError);
        } else if (action === 1 && again.length > 0) {
          stored.write(from, contentOf(again));
        } else if (action === 2 && again.length > 0) {
          const other = [...again];
          const at = random(other.length);
          other[at] = typeof other[at] === 'string' ? '\u2603' : { type: 'y' };
          expect(() => stored.write(from, contentOf(other))).toThrow(
            ChatSessionsError,
          );
          const kind = typeof again[0] === 'string' ? [{ type: 'z' }] : 'z';
          expect(() => stored.write(from, kind)).toThrow(ChatSessionsError);
        } else if (action === 3 && isToEnd && isJoined) {
          stored.write(from, contentOf([...again, ...added]));
          units.push(...added);
        } else {
          stored.write(units.length, contentOf(added));
          units.push(...added);
        }
        expect(stored.answer.endOffset).toBe(units.length);
      }
      const { answer, chunks } = stored;
      expect(isWhole(answer, chunks)).toBe(true);
      expect(answer.tail.length).toBeLessThan(512);
      const found = assembled(stored.pieces);
      const expected = plainly(units);
      if (found.content !== undefined) {
        expect([found.content]).toEqual(expected);
      } else {
        expect(
          found.parts!.map((part) => (part.type === 'text' ? part.text : part)),
        ).toEqual(expected);
      }
      const texts = units.map((unit) =>
        typeof unit === 'string' ? unit : ' ',
      );
      const separators = texts.filter((_, at) => typeof units[at] !== 'string');
      expect(answer.textBytes).toBe(
        Buffer.byteLength(texts.join('')) - separators.length,
      );
    }
  });
});

describe('an answer', () => {
  it('without outputs has no text and no parts', () => {
    expect(assembled([])).toEqual({ content: '', parts: [] });
  });

  it('of blank text has parts, as every message without a text', () => {
    const { pieces } = written([' \n']);
    expect(assembled(pieces)).toEqual({ content: ' \n', parts: [] });
  });

  it('has U+FFFD for half a pair whose other half never came', () => {
    const { pieces, answer } = written(['a\ud83d', [{ type: 'x' }], '\ude00']);
    expect(assembled(pieces).parts).toEqual([
      { type: 'text', text: 'a\ufffd' },
      { type: 'x' },
      { type: 'text', text: '\ufffd' },
    ]);
    expect(answer.textBytes).toBe(1 + 3 + 3);
  });

  it('has a pair that was cut at the end of a chunk', () => {
    const text = `${'x'.repeat(511)}😀y`;
    const { pieces, answer } = written([text.slice(0, 512), text.slice(512)]);
    expect(assembled(pieces).content).toBe(text);
    expect(answer.textBytes).toBe(511 + 4 + 1);
  });
});

function written(contents: Content[]): Stored {
  const stored = new Stored();
  for (const content of contents) {
    stored.write(stored.answer.endOffset, content);
  }
  return stored;
}

describe('the limits', () => {
  const MOST = LIMITS.contentBytes;

  function expectFull(stored: Stored): void {
    const { answer } = stored;
    expect(answer.textBytes).toBe(MOST);
    expect(() => stored.write(answer.endOffset, 'x')).toThrow(
      new ChatSessionsError('answer_too_large'),
    );
    expect(stored.answer).toBe(answer);
  }

  it.each([1, 64 * 1024])('are 1 MiB of text in outputs of %i', (length) => {
    const stored = new Stored();
    for (let at = 0; at < MOST; at += length) {
      stored.write(at, 'x'.repeat(length));
    }
    expectFull(stored);
  });

  it('count four bytes for a pair that is cut', () => {
    const stored = new Stored();
    for (let at = 0; at < MOST / 2; at += 2) {
      stored.write(at, '\ud83d');
      stored.write(at + 1, '\ude00');
    }
    expectFull(stored);
  });

  it('are 2,000 parts, a text between them included', () => {
    const { partsPerMessage } = LIMITS;
    const part = { type: 'x' };
    const parts = Array<JsonObject>(partsPerMessage - 1).fill(part);
    const stored = written([parts, 'text']);
    const { endOffset } = stored.answer;
    stored.write(endOffset, ' and more');
    expect(assembled(stored.pieces).parts).toHaveLength(partsPerMessage);
    expect(() => stored.write(stored.answer.endOffset, [part])).toThrow(
      new ChatSessionsError('answer_too_large'),
    );
  });

  it('count every text between parts, however long it is', () => {
    const { partsPerMessage } = LIMITS;
    const stored = new Stored();
    for (let count = 0; count < partsPerMessage; count += 2) {
      const text = 'x'.repeat(count < 200 ? 512 : 1);
      stored.write(stored.answer.endOffset, text);
      stored.write(stored.answer.endOffset, [{ type: 'x' }]);
    }
    expect(assembled(stored.pieces).parts).toHaveLength(partsPerMessage);
    expect(() => stored.write(stored.answer.endOffset, 'x')).toThrow(
      new ChatSessionsError('answer_too_large'),
    );
  });

  it('allow as many parts as a message', () => {
    const parts = Array<JsonObject>(LIMITS.partsPerMessage).fill({ type: 'x' });
    expect(assembled(written([parts]).pieces).parts).toEqual(parts);
  });
});
