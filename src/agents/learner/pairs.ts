/**
 * A failed sample and its accepted revision as two token sequences that are alike up to a place, each with the span in which they are to be
 * told apart. Pure. Not here: what is done with the spans (repair.ts), and which revision is accepted (refinement/acceptance.ts).
 *
 * - Both spans begin at the last byte at which a token begins in both, before or at the first that differs: a token is the smallest thing
 *   whose probability can be changed, and so neither side is praised or blamed for how the other's text was cut into tokens.
 * - The failed one's span ends with the token that broke it: what it wrote afterwards may be good code, and was not what failed.
 * - A continued revision's span ends with the statement in which the two part, since the rest of it has no counterpart that failed: to raise
 *   that as well would be to imitate a valid sample, not to learn from a repair. A filled hole's ends where the texts are alike again.
 */
import type { Judged } from '../../contracts/agents.ts';
import type { Sample } from '../../contracts/records.ts';
import { logicalLines } from '../../tasks/lexer.ts';
import { focusOf, textOf } from '../samples.ts';
import { differingSpan, tokenAt } from './credit.ts';

/** A text's tokens up to the last one of its span, and where the span begins; it has one token or more. */
export interface Side {
  readonly tokens: readonly number[];
  readonly from: number;
}

export interface Pair {
  readonly failed: Side;
  readonly revised: Side;
}

/** Ids of a whole text: those of what stood there before, and those that were written after it. */
export interface Written {
  readonly context: readonly number[];
  readonly own: readonly number[];
}

/**
 * The pair that a parent and its revision make, by the bytes of every token; null where no token of the parent's own is known to have broken
 * it: truncated samples, which only did not end, and texts whose bytes are not those of their tokens (half a character, special tokens).
 */
export function pairOf(parent: Judged, revision: Sample, failed: Written, revised: Written, tokenLengths: readonly number[]): Pair | null {
  const failedTokens = [...failed.context, ...failed.own], revisedTokens = [...revised.context, ...revised.own];
  const failedBytes = Buffer.from(textOf(parent.sample)), revisedBytes = Buffer.from(textOf(revision));
  const broken = parent.evaluation.brokenAt ?? focusOf(parent.evaluation)?.span.start;
  if (parent.evaluation.reason !== 'syntax' || broken === undefined) return null;
  const failedStarts = startsOf(failedTokens, tokenLengths), revisedStarts = startsOf(revisedTokens, tokenLengths);
  if (failedStarts.at(-1) !== failedBytes.length || revisedStarts.at(-1) !== revisedBytes.length) return null;

  const { start: parting, end: alikeAgain } = differingSpan(failedBytes, revisedBytes);
  const boundaries = new Set(revisedStarts.slice(0, -1));
  const begin = failedStarts.slice(0, -1).findLast((start) => start <= parting && boundaries.has(start)) ?? 0;
  const failedFrom = failedStarts.indexOf(begin), revisedFrom = revisedStarts.indexOf(begin);
  const breaking = tokenAt(failedTokens, tokenLengths, broken);
  if (failedFrom < failed.context.length || breaking < failedFrom) return null;
  const end = revision.method === 'continue' ? statementEnd(textOf(revision), revisedBytes, parting) : alikeAgain;
  const last = Math.max(revisedFrom, end === null ? revisedTokens.length - 1 : tokenAt(revisedTokens, tokenLengths, end - 1));
  return {
    failed: { tokens: failedTokens.slice(0, breaking + 1), from: failedFrom },
    revised: { tokens: revisedTokens.slice(0, last + 1), from: revisedFrom },
  };
}

/** The byte at which each token begins, and the one at which the last ends. */
function startsOf(tokens: readonly number[], lengths: readonly number[]): number[] {
  const starts = [0];
  for (const token of tokens) starts.push(starts.at(-1)! + (lengths[token] ?? 0));
  return starts;
}

/** The byte after the statement that byte `parting` lies in, or in front of; null behind the last one, where only the end of the text is left. */
function statementEnd(text: string, bytes: Buffer, parting: number): number | null {
  const offset = bytes.subarray(0, parting).toString().length;
  const line = logicalLines(text).find(({ end }) => end > offset);
  return line ? Buffer.byteLength(text.slice(0, line.end)) : null;
}
