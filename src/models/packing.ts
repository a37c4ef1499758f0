/**
 * Puts sequences of uneven length into rows of equal length, several in a row, each a segment of its own. Pure functions over
 * ids; the order of the sequences decides the rows, so equal input gives equal rows.
 */

import { TOLD_NAMES, type Lexicon, type ToldArrays } from './lexical.ts';

/** One sequence as it is predicted: position i sees ids[0..i] and has to predict targets[i]. */
export interface Packable {
  readonly ids: ArrayLike<number>;
  readonly targets: ArrayLike<number>;
  /** Position of the first target to be learned; those before it are only read. Absent: 0. */
  readonly learnedFrom?: number;
}

/** Where a sequence stands in its row. */
export interface Placement<T> {
  readonly sequence: T;
  readonly start: number;
}

export type PackedRow<T> = readonly Placement<T>[];

/** Rows that are still open while packing; more find better fits and cost more time. */
const OPEN_ROWS = 32;

/**
 * First fit with a bounded number of open rows: each sequence goes to the first open row that has room, in the given order.
 * Throws RangeError when a sequence is longer than a row.
 */
export function packRows<T extends Packable>(sequences: readonly T[], length: number): PackedRow<T>[] {
  const rows: Placement<T>[][] = [];
  const open: { row: Placement<T>[]; used: number }[] = [];
  for (const sequence of sequences) {
    const size = sequence.ids.length;
    if (size > length) throw new RangeError(`A sequence of ${size} tokens does not fit a row of ${length}.`);
    if (size === 0) continue;
    let place = open.find(({ used }) => used + size <= length);
    if (!place) {
      if (open.length === OPEN_ROWS) open.shift();
      place = { row: [], used: 0 };
      open.push(place);
      rows.push(place.row);
    }
    place.row.push({ sequence, start: place.used });
    place.used += size;
  }
  return rows;
}

/** Arrays of batch * length positions; what is told (lexical.ts) where the policy is told it. */
export interface RowArrays extends Partial<ToldArrays> {
  readonly ids: Int32Array;
  /** Absent: what is to be predicted is not written. */
  readonly targets?: Int32Array;
  readonly segments: Int32Array;
}

/**
 * Writes ids, targets and segment numbers of `rows`, and with a lexicon what the policy is told; what stays free is a segment of its own
 * with 0 everywhere. Rows beyond `rows.length` are free as a whole.
 */
export function writeRows<T extends Packable>(rows: readonly PackedRow<T>[], length: number, arrays: RowArrays, lexicon: Lexicon | null = null): void {
  const { ids, targets, segments } = arrays;
  for (const array of [ids, targets, ...TOLD_NAMES.map((name) => arrays[name])]) array?.fill(0);
  segments.fill(-1);
  for (const [r, row] of rows.entries()) {
    for (const [segment, { sequence, start }] of row.entries()) {
      const at = r * length + start;
      ids.set(sequence.ids, at);
      targets?.set(sequence.targets, at);
      segments.fill(segment, at, at + sequence.ids.length);
      lexicon?.tell(sequence.ids, arrays as ToldArrays, at);
    }
  }
}

/** Calls `visit` with each sequence and where it starts in the flat batch; returns the number of positions they fill. */
export function eachPlacement<T extends Packable>(rows: readonly PackedRow<T>[], length: number, visit: (at: number, sequence: T) => void): number {
  let positions = 0;
  for (const [r, row] of rows.entries()) {
    for (const { sequence, start } of row) {
      visit(r * length + start, sequence);
      positions += sequence.ids.length;
    }
  }
  return positions;
}

/** Fills `weights`, flat over the batch, with `weight` where a target is to be learned; returns how many there are. */
export function weighTargets(rows: readonly PackedRow<Packable>[], length: number, weights: Float32Array, weight: number): number {
  let learned = 0;
  eachPlacement(rows, length, (at, { ids, learnedFrom = 0 }) => {
    weights.fill(weight, at + learnedFrom, at + ids.length);
    learned += ids.length - learnedFrom;
  });
  return learned;
}

/** The training form of tokens after end-of-text: ids are shifted right by one, with `first` in front. */
export function shifted(tokens: ArrayLike<number>, first: number): Packable {
  const ids = new Int32Array(tokens.length);
  if (tokens.length > 0) ids[0] = first;
  for (let i = 1; i < tokens.length; i++) ids[i] = tokens[i - 1]!;
  return { ids, targets: Int32Array.from(tokens) };
}
