/**
 * The graded score of a text that is not valid. Not here: the verdict, and which faults there are.
 *
 * It counts faults, all alike: an unclosed bracket weighs no more than a missing colon, for of two faults either may hide the
 * other, and a repair that brings the heavier one to light must not cost anything. What keeps it smooth is that the rules go on
 * after a fault and leave out its mere consequences. `npm run bench -- judge --grade` measures how smooth it is.
 */
import type { InvalidReason } from '../contracts/records.ts';

/** Score of a text that is legal and says nothing. */
const EMPTY = 0.05;

/**
 * In (0, 0.9): 0.9 / (1 + faults), times 0.8 for a text that was cut off. A text without any fault that is invalid all the same is
 * `empty` (0.05), or CPython alone rejects it, which counts as one fault.
 */
export function grade(faults: number, reason: InvalidReason, compiles: boolean): number {
  if (reason === 'empty' && faults === 0 && compiles) return EMPTY;
  const score = 0.9 / (1 + (compiles ? faults : Math.max(1, faults)));
  return reason === 'truncated' ? score * 0.8 : score;
}
