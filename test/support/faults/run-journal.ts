import type { JsonObject } from '../../../src/chat-sessions/store/entities/chat-session.entity.js';

export type OutputContent = string | (JsonObject & { id: string })[];

export interface SentUsage {
  model: string;
  input_tokens: number;
  output_tokens: number;
  cost: number;
}

/** What a writer notes before a request and after its response. */
export type Entry =
  | {
      kind: 'start';
      session: string;
      run: string;
      question: string;
      answer: string;
    }
  | { kind: 'started'; run: string }
  | { kind: 'output'; run: string; content: OutputContent }
  | { kind: 'acknowledged'; run: string; offset: number }
  | { kind: 'mismatch'; run: string; offset: number }
  | { kind: 'finish'; run: string; status: string; usage: SentUsage }
  | { kind: 'ended'; run: string; status: string }
  | { kind: 'unexpected'; run: string; text: string }
  | { kind: 'response'; status: number };

/** What is known of a run from the journals, whose writer may be gone. */
export class RunRecord {
  isStarted = false;
  /** Outputs that were acknowledged, as one text. */
  acknowledged = '';
  acks = 0;
  /** An output that was sent, without a response: it may be stored. */
  pending: string | undefined;
  /** A usage that was sent: stored if the run ended like this. */
  usage: SentUsage | undefined;
  finish: string | undefined;
  /** How it ended, according to a response. */
  ended: string | undefined;
  readonly violations: string[] = [];
  private offset = 0;
  private length = 0;

  constructor(
    readonly session: string,
    readonly run: string,
    readonly question: string,
    readonly answer: string,
  ) {}

  add(entry: Entry): void {
    switch (entry.kind) {
      case 'started':
        this.isStarted = true;
        break;
      case 'output':
        this.pending = flat(entry.content);
        this.length = entry.content.length;
        break;
      case 'acknowledged':
        this.acknowledged += this.pending!;
        this.pending = undefined;
        this.acks++;
        this.offset += this.length;
        this.expectOffset(entry.offset);
        break;
      case 'mismatch':
        this.expectOffset(entry.offset);
        break;
      case 'finish':
        this.finish = entry.status;
        this.usage = entry.usage;
        break;
      case 'ended':
        this.end(entry.status);
        break;
      case 'unexpected':
        this.violations.push(entry.text);
        break;
      case 'start':
      case 'response':
    }
  }

  /** All responses must agree. */
  end(status: string): void {
    if (this.ended !== undefined && this.ended !== status) {
      this.violations.push(`ended as ${this.ended} and as ${status}`);
    }
    this.ended = status;
  }

  /** Whether an answer is what was acknowledged, or that and the output that got no response. */
  allows(answer: string): boolean {
    const { acknowledged, pending = '' } = this;
    return [acknowledged, acknowledged + pending].some(
      (text) => text.toWellFormed() === answer,
    );
  }

  private expectOffset(offset: number): void {
    if (offset === this.offset) return;
    this.violations.push(`offset ${offset} rather than ${this.offset}`);
  }
}

/** A message or an output as one text, with a mark for each part. */
export function flat(content: OutputContent): string {
  return typeof content === 'string'
    ? content
    : content.map(({ id }) => `<${id}>`).join('');
}
