/** Characters that never combine: ASCII, Latin, Cyrillic, Chinese, Japanese, Korean. */
const PLAIN =
  /^[\n\t\x20-\x7e\xa1-\xac\xae-\u02ff\u0400-\u0482\u048a-\u052f\u2010-\u2027\u3000-\u3029\u3041-\u3096\u30a0-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * The start of a text: as many whole graphemes (a grapheme is what a reader sees
 * as one character) as fit into `max` code points, the unit of `varchar(max)`.
 */
export function startOf(text: string, max: number): string {
  // Segmenting is slow, and most texts do not need it.
  const plain = text.slice(0, max + 1);
  if (PLAIN.test(plain)) return plain.slice(0, max);
  // At least max + 1 code points, so that a long text is not segmented whole.
  const head = text.slice(0, 2 * (max + 1));
  let end = 0;
  let codePoints = 0;
  for (const { segment } of graphemes.segment(head)) {
    for (const _ of segment) codePoints++;
    if (codePoints > max) break;
    end += segment.length;
  }
  return head.slice(0, end);
}
