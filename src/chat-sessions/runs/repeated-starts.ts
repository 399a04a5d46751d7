import { Injectable } from '@nestjs/common';
import { Between } from 'typeorm';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { asOf, isCleared } from '../answers/run-state.js';
import { ChatSessionsError } from '../errors.js';
import { MessageInserts } from '../messages/message-inserts.js';
import { MessageReads } from '../messages/message-reads.js';
import { isRepeated } from '../messages/message-rules.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import { ChatRunsRepository } from '../store/chat-runs.repository.js';
import type { SessionState } from '../store/chat-sessions.repository.js';
import type { ChatRun } from '../store/entities/chat-run.entity.js';
import { TreesRepository } from '../store/trees.repository.js';
import type { StartRunDto } from './dto/runs.dto.js';
import type { Started } from './runs.service.js';

/** Finds the run of a start that is sent again: by its id, or by the ids of its messages. */
@Injectable()
export class RepeatedStarts {
  constructor(
    private readonly runs: ChatRunsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly inserts: MessageInserts,
    private readonly trees: TreesRepository,
    private readonly reads: MessageReads,
  ) {}

  /** Undefined if it was not sent before. Throws `run_id_taken` if the run has another question, `message_id_taken` if a message has an id of the start, `messages_gone` if one of the run's was deleted. */
  *find(
    session: SessionState,
    start: StartRunDto,
  ): UnitOfWork<Started | undefined> {
    const run =
      start.id === undefined
        ? undefined
        : yield* this.runs.find(session, { id: start.id });
    if (!run) return yield* this.findByMessages(session, start);
    if (isCleared(session, run.seq)) {
      // It was cleared, and waits for its removal: its id is free.
      yield* this.runs.delete(session, run.seq);
      return undefined;
    }
    const started = yield* this.withMessages(session, run);
    if (!isStartOf(started, start)) throw new ChatSessionsError('run_id_taken');
    return started;
  }

  /** The run as it is now, with its question and its answer. Throws `messages_gone`. */
  *withMessages(session: SessionState, run: ChatRun): UnitOfWork<Started> {
    const { seq, questionCount } = run;
    const stored = yield* this.messages.idsOf(session, {
      seq: Between(seq - questionCount, seq),
    });
    const ids = stored.map(({ id }) => id);
    const found = yield* this.reads.withIds(session, ids);
    const messages = [...found.values()].sort((a, b) => a.seq - b.seq);
    if (messages.length <= questionCount) {
      throw new ChatSessionsError('messages_gone');
    }
    return { session, run: asOf(run, new Date()), messages, created: false };
  }

  private *findByMessages(
    session: SessionState,
    start: StartRunDto,
  ): UnitOfWork<Started | undefined> {
    const seq = yield* this.seqOfAnswer(session, start);
    if (seq === undefined) return undefined;
    const run = yield* this.runs.find(session, { seq });
    const started = run && (yield* this.withMessages(session, run));
    if (!started || start.id !== undefined || !isStartOf(started, start)) {
      throw new ChatSessionsError('message_id_taken');
    }
    return started;
  }

  /** The seq that the answer has if one of the start's messages is stored. */
  private *seqOfAnswer(
    session: SessionState,
    { messages = [], parent_id: parentId, message_id: id }: StartRunDto,
  ): UnitOfWork<number | undefined> {
    const sent = { messages, parentId };
    const question = yield* this.inserts.findRepeated(session, sent);
    if (question) return question.messages.at(-1)!.seq + 1;
    if (id === undefined) return undefined;
    const tree = yield* this.trees.get(session);
    return yield* this.messages.seqOf(session, tree, id);
  }
}

function isStartOf(
  { run, messages: stored }: Started,
  { messages = [], message_id: messageId }: StartRunDto,
): boolean {
  return (
    run.questionCount === messages.length &&
    (messageId === undefined || messageId === run.messageId) &&
    messages.every((input, index) => {
      const { id } = stored[index]!;
      return (
        (input.id === undefined || input.id === id) &&
        isRepeated(stored[index]!, input)
      );
    })
  );
}
