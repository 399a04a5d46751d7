import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { cachedSelect, selectFrom } from '../../database/statements.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { storedTreeOf } from '../tree/stored-tree.js';
import { TreeCache } from '../tree/tree-cache.js';
import type { Tree } from '../tree/tree.js';
import type { SessionKey, SessionState } from './chat-sessions.repository.js';
import { ChatSession } from './entities/chat-session.entity.js';
import { newRevision } from './revision.js';

/** Trees of sessions. A linear session, or a tree that is remembered, takes no statement. */
@Injectable()
export class TreesRepository {
  private readonly cache = new TreeCache();
  private readonly selectStretches = cachedSelect(
    ({ ownerId, id }: SessionKey) =>
      selectFrom(this.sessions, 'session', ['treeRevision', 'stretches']).where(
        { ownerId, id },
      ),
  );

  constructor(
    @InjectRepository(ChatSession)
    private readonly sessions: Repository<ChatSession>,
  ) {}

  /** The tree of a session as it was read; undefined if its tree has changed since. Throws an Error if it is damaged. */
  *find(session: SessionState): UnitOfWork<Tree | undefined> {
    const known = this.cache.find(session);
    if (known) return known;
    const { ownerId, id, treeRevision } = session;
    const [row] = yield* this.selectStretches({ ownerId, id });
    if (!row?.stretches || row.treeRevision !== treeRevision) return undefined;
    return this.cache.add(session, row.stretches);
  }

  /** The tree of a session that is locked. */
  *get(session: SessionState): UnitOfWork<Tree> {
    const tree = yield* this.find(session);
    if (!tree) {
      throw new Error(
        `The chat session ${session.id} has changed while locked`,
      );
    }
    return tree;
  }

  /** The columns of a session's tree. It is remembered, so that the next page need not read it. */
  columnsOf({ id }: Pick<SessionState, 'id'>, tree: Tree) {
    const { stretches } = tree;
    const treeRevision = stretches && newRevision();
    if (stretches)
      this.cache.keep({ id, treeRevision }, { ...tree, stretches });
    return { ...storedTreeOf(tree), treeRevision };
  }
}
