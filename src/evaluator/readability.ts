/**
 * Readability of a text out of its counts: a metric in [0, 1], logged and never trained on. It is the mean of five terms, each
 * in [0, 1], each 1 inside the range that common advice calls good and falling smoothly outside. Not here: lint.
 *
 * Sources: line length 79 and documented functions from PEP 8 and PEP 257; nesting of at most three to four levels from the Linux
 * kernel's coding style and McCabe's complexity ("A Complexity Measure", 1976) by way of depth; the length of a function from
 * Martin, "Clean Code" (2008), chapter 3; repetition from the rule against duplicated code (Fowler, "Refactoring", 1999).
 */
import type { Counts } from '../contracts/records.ts';

/** 1 up to `good`, then falling as good / value. */
function upTo(value: number, good: number): number {
  return value <= good ? 1 : good / value;
}

export interface ReadabilityTerms {
  /** Longest line: 1 up to 79 characters. */
  readonly lineLength: number;
  /** Nesting of compound statements: 1 up to 4 levels (a method's class and def take two). */
  readonly nesting: number;
  /** Lines: 1 up to 50. */
  readonly length: number;
  /** 1 with a docstring, 0.5 without: missing ones cost, but do not outweigh the rest. */
  readonly documentation: number;
  /** 1 less the share of repeated lines. */
  readonly repetition: number;
}

export function readabilityTerms(counts: Counts): ReadabilityTerms {
  return {
    lineLength: upTo(counts.longestLine, 79),
    nesting: upTo(counts.maxNesting, 4),
    length: upTo(counts.lines, 50),
    documentation: counts.docstring ? 1 : 0.5,
    repetition: 1 - counts.repeatedLines,
  };
}

/** The mean of the terms; 0 for a text without any code token, which there is nothing to read in. */
export function readability(counts: Counts): number {
  if (counts.codeTokens === 0) return 0;
  const terms = Object.values(readabilityTerms(counts)) as number[];
  return terms.reduce((sum, term) => sum + term, 0) / terms.length;
}
