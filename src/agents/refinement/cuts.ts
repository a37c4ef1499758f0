/**
 * Where a failed text is cut for a repair: a hole round the fault (`infill`), or a prefix that ends before the statement of the
 * fault (`continue`). Cuts lie where a token ends: white space in front of a hole belongs to the hole, since byte pairs
 * merge a newline with the indent after it. Pure; offsets in UTF-16 units.
 */
import type { Judged } from '../../contracts/agents.ts';
import { lexPython, logicalLines } from '../../tasks/lexer.ts';
import { focusOf, textOf } from '../samples.ts';
import { byteLength, commonPrefix, toOffsets } from './python-text.ts';

export interface Hole {
  readonly method: 'infill';
  readonly prefix: string;
  readonly suffix: string;
  /** What the hole held. */
  readonly removed: string;
}

export interface Stem {
  readonly method: 'continue';
  readonly prefix: string;
}

/** Lexical tokens in front of the fault that the smallest hole takes away, as in the penalty of the learner's recipe. */
const TOKENS_BEFORE = 6;

interface Place {
  readonly text: string;
  readonly promptLength: number;
  /** The fault, clamped to the completion. */
  readonly start: number;
  readonly end: number;
  /** Logical lines before the one pointed at that are suspects as well. */
  readonly suspects: number;
}

/** CPython's words where a block is left to a depth that none began at: as often the block before is what was indented wrongly. */
const UNINDENT = /^unindent does not match/;

function placeOf({ sample, evaluation }: Judged): Place {
  const text = textOf(sample);
  const promptLength = sample.prompt.length;
  const last = Math.max(promptLength, text.trimEnd().length - 1);
  const focus = focusOf(evaluation);
  const { start, end } = focus && evaluation.reason === 'syntax' ? toOffsets(text, focus.span) : { start: last, end: text.length };
  // A fault of indentation lies in front of its line's text; the line is what it is about.
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const indentation = /^[ \t\f]*/.exec(text.slice(lineStart))![0].length;
  const from = Math.min(Math.max(start, lineStart + indentation, promptLength), last);
  const suspects = focus && UNINDENT.test(focus.message) ? 1 : 0;
  return { text, promptLength, start: from, end: Math.min(Math.max(end, from + 1), text.length), suspects };
}

/** End of the text before `offset`, white space left out, but never inside the prompt. */
function endBefore({ text, promptLength }: Place, offset: number): number {
  return Math.max(promptLength, text.slice(0, offset).trimEnd().length);
}

const lineEnd = (text: string, offset: number): number => {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.trimEnd().length : end;
};

const lineStarts = (text: string): number[] => logicalLines(text).map(({ start }) => start);

/** Index in `starts` of the logical line that `offset` lies in. */
function lineAt(starts: readonly number[], offset: number): number {
  let at = 0;
  for (let i = 0; i < starts.length && starts[i]! <= offset; i++) at = i;
  return at;
}

/** The hole of level -1: some tokens before the fault to one token after it. */
function tokenHole(place: Place): readonly [number, number] {
  const { text, promptLength, start, end } = place;
  const tokens = lexPython(text).filter(({ kind }) => kind !== 'newline');
  const before = tokens.filter((token) => token.end <= start && token.start >= promptLength).slice(-TOKENS_BEFORE)[0];
  const after = tokens.find((token) => token.start >= end);
  return [endBefore(place, before?.start ?? start), after?.end ?? text.length];
}

/** The hole of level 0 and up: the logical line of the fault, from level 1 on with `level` neighbours on both sides. */
function lineHole(place: Place, level: number): readonly [number, number] {
  const starts = lineStarts(place.text);
  const at = lineAt(starts, place.start);
  const from = endBefore(place, starts[Math.max(0, at - level - place.suspects)] ?? place.start);
  const next = level === 0 ? undefined : starts[at + level + 1];
  const to = level === 0 ? lineEnd(place.text, place.start) : next === undefined ? place.text.length : endBefore(place, next);
  return [from, Math.max(from, to)];
}

/** Share in [0, 1] of the completion's bytes outside [from, to). */
function keptShare({ text, promptLength }: Place, from: number, to: number): number {
  const own = byteLength(text.slice(promptLength));
  return own === 0 ? 0 : 1 - byteLength(text.slice(from, to)) / own;
}

/**
 * The hole round the fault at `level` (0: its line, with suspects before it; n: n more logical lines on each side), or the largest smaller one that keeps
 * at least `minimumKept` of the completion's bytes; null when none does.
 */
export function holeFor(judged: Judged, level: number, minimumKept: number): Hole | null {
  const place = placeOf(judged);
  for (let at = level; at >= -1; at--) {
    const [from, to] = at < 0 ? tokenHole(place) : lineHole(place, at);
    if (from < to && keptShare(place, from, to) >= minimumKept)
      return { method: 'infill', prefix: place.text.slice(0, from), suffix: place.text.slice(to), removed: place.text.slice(from, to) };
  }
  return null;
}

/** Of a truncated text, the share kept at level 0: room must be left for an ending, since the limit came first. */
const TRUNCATED_KEPT = 0.8;
const TRUNCATED_STEP = 0.1;

/** Lexical tokens that each level of a stem gives back before the place where the text broke. */
const TOKENS_BACK = 4;

/** The longest prefix that can still be completed, at `level` n without its last 4 n lexical tokens; null when it keeps too little. */
function completableStem(judged: Judged, brokenAt: number, level: number, minimumKept: number): Stem | null {
  const place = placeOf(judged);
  const { text, promptLength } = place;
  const broken = toOffsets(text, { start: brokenAt, end: brokenAt }).start;
  const ends = lexPython(text).filter(({ kind, end }) => kind !== 'newline' && end <= broken && end > promptLength).map(({ end }) => end);
  const end = ends.at(-1 - level * TOKENS_BACK);
  if (end === undefined || keptShare(place, end, text.length) < minimumKept) return null;
  return { method: 'continue', prefix: text.slice(0, end) };
}

/**
 * The longest prefix that can still be completed where the evaluation names one, else the text before the logical line of the fault, at `level` n before n more logical lines; null when that keeps less than `minimumKept`
 * of the completion's bytes. A truncated text has its fault at the end and is cut earlier.
 */
export function stemFor(judged: Judged, level: number, minimumKept: number): Stem | null {
  const { brokenAt, reason } = judged.evaluation;
  if (brokenAt !== undefined && reason === 'syntax') {
    const stem = completableStem(judged, brokenAt, level, minimumKept);
    if (stem) return stem;
  }
  const place = placeOf(judged);
  const { text, promptLength } = place;
  const starts = lineStarts(text);
  const own = text.length - promptLength;
  const fault =
    judged.evaluation.reason === 'truncated'
      ? promptLength + Math.floor(own * Math.max(TRUNCATED_KEPT - TRUNCATED_STEP * level, minimumKept + 0.05))
      : place.start;
  const at = lineAt(starts, fault) - (judged.evaluation.reason === 'truncated' ? 0 : level + place.suspects);
  const cut = starts[at];
  if (at < 0 || cut === undefined) return null;
  const end = endBefore(place, cut);
  if (end <= promptLength || keptShare(place, end, text.length) < minimumKept) return null;
  return { method: 'continue', prefix: text.slice(0, end) };
}

/** Every so manieth attempt fills a hole; the others go on from where the text broke, since that succeeds five times as often (docs/decisions). */
const INFILL_EVERY = 4;

/**
 * The cut of attempt 1, 2, 3, …, given the revisions of the attempts before. Continuations go on from the best of them: the one that
 * could be completed furthest, so that each attempt begins where the last one broke; where attempts got no further, more is given back.
 * Every fourth attempt fills the hole round the parent's fault. Where the preferred cut would keep too little, the other is taken.
 * A truncated text has no faulty place, so it is only continued.
 */
export function cutFor(parent: Judged, revisions: readonly Judged[], attempt: number, minimumKept: number): Hole | Stem | null {
  if (parent.evaluation.reason === 'truncated') return stemFor(parent, attempt - 1, minimumKept);
  const level = Math.floor((attempt - 1) / INFILL_EVERY);
  const stem = (): Stem | null => continuation(parent, revisions, minimumKept);
  const hole = (): Hole | null => holeFor(parent, level, minimumKept);
  return attempt % INFILL_EVERY === 0 ? hole() ?? stem() : stem() ?? hole();
}

/** How far a text can still be completed, as a UTF-8 offset; 0 where the judge did not say. */
const soundEnd = ({ evaluation }: Judged): number => (evaluation.reason === 'syntax' ? evaluation.brokenAt ?? 0 : 0);

function continuation(parent: Judged, revisions: readonly Judged[], minimumKept: number): Stem | null {
  const line = [parent, ...revisions.filter(({ sample }) => sample.method === 'continue')];
  const best = line.reduce((furthest, one) => (soundEnd(one) > soundEnd(furthest) ? one : furthest));
  const stuck = line.length - 1 - line.indexOf(best);
  const stem = stemFor(best, stuck, minimumKept);
  return stem && keepsEnough(parent, stem, minimumKept) ? stem : stemFor(parent, revisions.length, minimumKept);
}

/** Whether what stem and parent share is enough of the parent. */
function keepsEnough({ sample }: Judged, { prefix }: Stem, minimumKept: number): boolean {
  const text = textOf(sample);
  return byteLength(text.slice(sample.prompt.length, commonPrefix(text, prefix))) >= minimumKept * byteLength(sample.completion);
}
