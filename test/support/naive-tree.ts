/** The messages of a session as a map of parents: the same as src/chat-sessions/tree, by the shortest way. */
export class NaiveTree {
  readonly parents = new Map<number, number>();
  leaf = 0;
  private lastSeq = 0;

  seqs(): number[] {
    return [...this.parents.keys()];
  }

  append(count: number, parent: number): void {
    for (let index = 0; index < count; index++) {
      this.parents.set(++this.lastSeq, parent);
      parent = this.lastSeq;
    }
    this.leaf = parent;
  }

  /** Deletes messages that were found below one; what else is below goes to its parent. */
  delete(seq: number, gone: number[]): void {
    const parent = this.parents.get(seq)!;
    for (const one of gone) this.parents.delete(one);
    for (const [child, of] of this.parents) {
      if (gone.includes(of)) this.parents.set(child, parent);
    }
    if (gone.includes(this.leaf)) {
      this.leaf = parent || (this.seqs().at(-1) ?? 0);
    }
  }

  /** Returns what is removed. */
  replace({
    after,
    count,
    keep,
  }: {
    after: number;
    count: number;
    keep: boolean;
  }): number[] {
    const next = this.path(this.leaf).find(
      (seq) => this.parents.get(seq) === after,
    );
    const gone = keep || next === undefined ? [] : this.subtree(next);
    for (const seq of gone) this.parents.delete(seq);
    this.append(count, after);
    return gone;
  }

  clear(): void {
    this.parents.clear();
    this.leaf = 0;
  }

  path(leaf: number): number[] {
    const path: number[] = [];
    for (let seq = leaf; seq > 0; seq = this.parents.get(seq)!) path.push(seq);
    return path.reverse();
  }

  children(parent: number): number[] {
    return this.seqs().filter((seq) => this.parents.get(seq) === parent);
  }

  /** A message and all below it. */
  subtree(seq: number): number[] {
    return this.seqs().filter((one) => this.path(one).includes(seq));
  }

  /** All that there is to know of each message. */
  messages() {
    const children = new Map<number, number[]>();
    for (const [seq, parent] of this.parents) {
      children.set(parent, [...(children.get(parent) ?? []), seq]);
    }
    const newestLeaves = new Map<number, number>();
    const paths = new Map(this.seqs().map((seq) => [seq, this.path(seq)]));
    for (const [seq, path] of paths) {
      for (const above of path) newestLeaves.set(above, seq);
    }
    return [...this.parents].map(([seq, parent]) => ({
      seq,
      parent,
      children: children.get(seq) ?? [],
      siblings: children.get(parent)!,
      path: paths.get(seq)!,
      newestLeaf: newestLeaves.get(seq)!,
    }));
  }

  /** Part of a path; around a message, it and its neighbours in turn, newer ones first. */
  page(
    path: number[],
    {
      limit,
      before,
      after,
      around,
    }: { limit: number; before?: number; after?: number; around?: number },
  ) {
    let seqs = path.slice(-limit);
    let anchor = seqs.at(-1);
    if (before !== undefined) {
      seqs = path.filter((seq) => seq < before).slice(-limit);
      anchor = seqs.at(-1);
    } else if (after !== undefined) {
      seqs = path.filter((seq) => seq > after).slice(0, limit);
      [anchor] = seqs;
    } else if (around !== undefined) {
      anchor = path.findLast((seq) => seq <= around) ?? path[0];
      seqs = neighbours(path, limit, anchor);
    }
    const hasAny = seqs.length > 0;
    return {
      seqs,
      anchor: anchor ?? 0,
      hasBefore: hasAny
        ? seqs[0] !== path[0]
        : after !== undefined && path.length > 0,
      hasAfter: hasAny
        ? seqs.at(-1) !== path.at(-1)
        : before !== undefined && path.length > 0,
    };
  }
}

/** A seq and its neighbours in turn, newer ones first, up to the limit. */
export function neighbours(
  path: number[],
  limit: number,
  anchor: number | undefined,
): number[] {
  if (anchor === undefined) return [];
  const older = path.filter((seq) => seq < anchor).toReversed();
  const newer = path.filter((seq) => seq > anchor);
  const found = [anchor];
  while (found.length < limit && older.length + newer.length > 0) {
    const preferred = found.length % 2 === 1 ? newer : older;
    const other = preferred === newer ? older : newer;
    found.push((preferred.shift() ?? other.shift())!);
  }
  return found.sort((a, b) => a - b);
}
