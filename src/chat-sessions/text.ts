const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * The start of a text: as many whole graphemes (what a reader sees as one
 * character) as fit into `max` code points, which is how a `varchar(max)`
 * counts.
 */
export function startOf(text: string, max: number): string {
  // Printable ASCII has one character to a grapheme, unless a combining one follows.
  const plain = text.slice(0, max + 1);
  if (/^[ -~]*$/.test(plain)) return plain.slice(0, max);
  // Holds max + 1 code points at least, and spares segmenting a long text.
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
