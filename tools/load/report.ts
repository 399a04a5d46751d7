/** Failures with the same reason. */
export interface Failure {
  reason: string;
  count: number;
  /** Lines of the first failures, at most 20. */
  lines: number[];
}

/** The result of a run. */
export interface Report {
  /** Conversations stored completely. */
  conversations: number;
  messages: number;
  /** Duration of the loading, without reading back. */
  seconds: number;
  /** Conversations read back and found equal; undefined without `verify`. */
  verified?: number;
  failures: Failure[];
  /** Why the rest of the file was skipped. */
  stopped?: string;
}

const LINES_KEPT = 20;
const REASONS_SHOWN = 20;
const REASON_LENGTH = 300;

/** Collects failures by reason, so that a thousand equal ones are one line of the report. */
export class Failures {
  private readonly byReason = new Map<string, Failure>();

  add(line: number, { message }: Error): void {
    // The server's text may contain anything, including control characters.
    const words = message.replace(/[\s\p{Cc}]+/gu, ' ');
    const reason = words.slice(0, REASON_LENGTH);
    const failure = this.byReason.get(reason) ?? {
      reason,
      count: 0,
      lines: [],
    };
    this.byReason.set(reason, failure);
    failure.count++;
    if (failure.lines.length < LINES_KEPT) failure.lines.push(line);
  }

  /** Returns the failures, the most frequent first. */
  list(): Failure[] {
    const failures = [...this.byReason.values()];
    for (const { lines } of failures) lines.sort((a, b) => a - b);
    return failures.sort((a, b) => b.count - a.count);
  }
}

export function format(report: Report): string {
  const { conversations, messages, seconds, verified, failures } = report;
  const rate = (count: number) => (count / Math.max(seconds, 1e-3)).toFixed(1);
  const failed = failures.reduce((sum, { count }) => sum + count, 0);
  const shown = failures.slice(0, REASONS_SHOWN);
  const text = [
    `Loaded ${conversations} conversations with ${messages} messages in ${seconds.toFixed(1)} s`,
    `  ${rate(conversations)} conversations/s, ${rate(messages)} messages/s`,
  ];
  if (verified !== undefined) {
    text.push(`Read back ${verified} conversations, equal to what was sent`);
  }
  text.push(`Failures: ${failed}`);
  for (const { reason, count, lines } of shown) {
    const more = count > lines.length ? ', ...' : '';
    text.push(`  ${count} x ${reason}`, `    lines ${lines.join(', ')}${more}`);
  }
  const hidden = failures.length - shown.length;
  if (hidden > 0) text.push(`  and ${hidden} more reasons`);
  return text.join('\n');
}
