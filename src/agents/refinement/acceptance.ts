/**
 * When a revision counts as a repair of its parent. A repair fixes what failed: it never wins by deleting it, commenting it
 * out, putting it into a string, or writing `pass` over it. Pure.
 */
import type { Judged } from '../../contracts/agents.ts';
import { byteLength, commonPrefix, trivialStatements, workTokens } from './python-text.ts';

/** Least share of the replaced tokens that stands in their place. */
export const LEAST_REPLACED = 0.5;

export interface Difference {
  /** What the parent had where the two differ, and what the revision has there. */
  readonly deleted: string;
  readonly inserted: string;
  /** Bytes of the parent outside `deleted`: longest common prefix and suffix. */
  readonly kept: number;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

/** The two texts' longest common prefix and suffix (which do not overlap; no surrogate pair is split), and what lies between. */
export function difference(parent: string, revision: string): Difference {
  const shorter = Math.min(parent.length, revision.length);
  let prefix = commonPrefix(parent, revision);
  if (prefix > 0 && isHighSurrogate(parent.charCodeAt(prefix - 1))) prefix--;
  let suffix = 0;
  while (suffix < shorter - prefix && parent[parent.length - 1 - suffix] === revision[revision.length - 1 - suffix]) suffix++;
  if (suffix > 0 && isHighSurrogate(parent.charCodeAt(parent.length - suffix - 1))) suffix--;
  const deleted = parent.slice(prefix, parent.length - suffix);
  return { deleted, inserted: revision.slice(prefix, revision.length - suffix), kept: byteLength(parent) - byteLength(deleted) };
}

/** Why a revision is no repair of its parent, as a word or two; null when it is one. */
export function objection(parent: Judged, revision: Judged, minimumKept: number): string | null {
  if (!revision.evaluation.valid) return 'not valid';
  if (revision.evaluation.copy) return 'a copy';
  const before = parent.sample.completion;
  const after = revision.sample.completion;
  const { deleted, inserted, kept } = difference(before, after);
  if (kept < minimumKept * byteLength(before)) return 'keeps too few bytes';
  if (revision.evaluation.counts.ownNodes < minimumKept * parent.evaluation.counts.ownNodes) return 'keeps too few syntax nodes';
  if (trivialStatements(after) > trivialStatements(before)) return 'writes pass';
  if (deleted.trim() !== '' && inserted.trim() === '') return 'only deletes';
  if (workTokens(after) < workTokens(before) - (1 - LEAST_REPLACED) * workTokens(deleted)) return 'replaces too little';
  return null;
}
