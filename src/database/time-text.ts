const MINUTE_MS = 60_000;
/** The minute that was written last, and how it begins. */
let minute = NaN;
let beginning = '';

/**
 * A moment as the API writes it: what `toISOString` gives, and where one comes
 * after another of the same minute, as in a conversation, in less time.
 */
export function isoText(time: Date): string {
  const at = time.getTime();
  const atMinute = Math.floor(at / MINUTE_MS);
  if (atMinute !== minute) {
    beginning = time.toISOString().slice(0, -'SS.mmmZ'.length);
    minute = atMinute;
  }
  const seconds = String(100_000 + at - atMinute * MINUTE_MS);
  return `${beginning}${seconds.slice(1, 3)}.${seconds.slice(3)}Z`;
}

/** A moment as the stores write it, in UTC. */
export function timeText(time: Date): string {
  return isoText(time).replace('T', ' ').slice(0, -1);
}
