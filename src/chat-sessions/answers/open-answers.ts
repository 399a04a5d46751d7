import { Injectable } from '@nestjs/common';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { ChatRunsRepository } from '../store/chat-runs.repository.js';
import type { SessionState } from '../store/chat-sessions.repository.js';
import type { ChatMessage } from '../store/entities/chat-message.entity.js';
import type { ChatRun } from '../store/entities/chat-run.entity.js';
import type { Admit } from '../store/large-reads.js';
import { textOf } from '../text/text-of-parts.js';
import {
  assembled,
  isWhole,
  piecesOf,
  tailOffsetOf,
} from './answer-content.js';
import { asOf, isCleared, isEnded } from './run-state.js';

/** Reads the answer that a session is waiting for. */
@Injectable()
export class OpenAnswers {
  constructor(private readonly runs: ChatRunsRepository) {}

  /**
   * Gives the open one of some messages what is written of it so far. Returns the
   * session's run, null if it has none; undefined if it has ended since the
   * session was read.
   * @param admit is called before a long answer is read
   */
  *fill(
    session: SessionState,
    messages: ChatMessage[],
    admit: Admit,
  ): UnitOfWork<ChatRun | null | undefined> {
    const { activeRunSeq: seq } = session;
    if (seq === null || isCleared(session, seq)) return null;
    const run = yield* this.runs.find(session, { seq });
    // An instance of the version before has deleted its message.
    if (!run) return null;
    if (isEnded(run)) return undefined;
    const now = asOf(run, new Date());
    const message = messages.find((one) => one.seq === seq);
    if (!message) return now;
    admit(run.bytes);
    const end = tailOffsetOf(run);
    // A fast writer adds others beyond the end meanwhile.
    const chunks = end > 0 ? yield* this.runs.chunks(run, 0, end) : [];
    if (message.status !== 'open' || !isWhole(run, chunks)) return undefined;
    const { content, parts } = assembled(piecesOf(run, chunks));
    Object.assign(message, {
      content: content ?? textOf(parts),
      parts,
      status: isEnded(now) ? 'partial' : 'open',
    });
    return now;
  }
}
