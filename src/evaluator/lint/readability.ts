/**
 * Readability in [0, 1]: the weighted mean of terms, each in [0, 1], each 1 inside the range that common advice calls good and
 * falling smoothly outside. Two forms: of a text's quality (what `quality` asks for), and of its counts alone, where no quality is
 * known. Not here: how anything is measured.
 *
 * That such surface measures predict what readers say is shown by Buse and Weimer, "Learning a metric for code readability", IEEE TSE
 * 36(4), 2010: line length, identifiers, nesting and white space carry most of it. Limits: line length and docstrings from PEP 8 and
 * PEP 257; nesting of three from the Linux kernel's coding style; complexity of ten from McCabe 1976; a function of at most fifty
 * lines after Martin, "Clean Code" (2008), chapter 3, generously; repetition from Fowler, "Refactoring" (1999). The weights are this
 * project's; tests/evaluator/lint-pairs.ts holds the ranking that they agree with.
 */
import type { Counts, Quality } from '../../contracts/records.ts';

/** 1 up to `good`, then falling as good / value. */
function upTo(value: number, good: number): number {
  return value <= good ? 1 : good / value;
}

/** A term with its weight; null: nothing to judge, so that it is left out of the mean. */
type Term = readonly [value: number | null, weight: number];

export type QualityTerms = Readonly<Record<
  'layout' | 'lineLength' | 'nesting' | 'complexity' | 'length' | 'documentation' | 'annotations' | 'naming' | 'repetition' | 'lint' | 'dead', number | null
>>;

const WEIGHTS: Readonly<Record<keyof QualityTerms, number>> = {
  layout: 2, lineLength: 1, nesting: 2, complexity: 2, length: 1, documentation: 2, annotations: 1, naming: 3, repetition: 2, lint: 2, dead: 2,
};

/** The terms of the composite; null where a text has nothing to judge (no name) or nobody judged it (no linter). */
export function qualityTerms(quality: Omit<Quality, 'readability'>, counts: Counts): QualityTerms {
  const { lint, formatDistance, unusedNames, unreachable } = quality;
  return {
    // A quarter of the text's characters in another place than the formatter's is as bad as it gets.
    layout: formatDistance === null ? null : 1 - Math.min(1, 4 * formatDistance),
    lineLength: upTo(counts.longestLine, 88),
    nesting: upTo(quality.nesting, 3),
    complexity: upTo(quality.complexity, 10),
    length: upTo(quality.functionLines, 50),
    // Where there is nothing to document the middle: neither praise nor blame.
    documentation: 0.5 + 0.5 * (quality.docstrings ?? 0.5),
    annotations: 0.5 + 0.5 * (quality.annotations ?? 0.5),
    naming: quality.naming,
    repetition: 1 - counts.repeatedLines,
    // Findings on every tenth line halve it; a short text is not judged as if it were one line.
    lint: lint === null ? null : 1 / (1 + (10 * lint) / Math.max(10, counts.lines)),
    dead: 1 / (1 + unreachable + (unusedNames ?? 0)),
  };
}

/** The composite; 0 for a text without any code token, which there is nothing to read in. */
export function readabilityOf(quality: Omit<Quality, 'readability'>, counts: Counts): number {
  if (counts.codeTokens === 0) return 0;
  const terms = qualityTerms(quality, counts);
  return weightedMean((Object.keys(WEIGHTS) as (keyof QualityTerms)[]).map((name) => [terms[name], WEIGHTS[name]]));
}

function weightedMean(terms: readonly Term[]): number {
  let sum = 0, weights = 0;
  for (const [value, weight] of terms) {
    if (value === null) continue;
    sum += value * weight;
    weights += weight;
  }
  return sum / weights;
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

/** The mean of the terms of the counts; 0 for a text without any code token. */
export function readability(counts: Counts): number {
  if (counts.codeTokens === 0) return 0;
  const terms = Object.values(readabilityTerms(counts)) as number[];
  return terms.reduce((sum, term) => sum + term, 0) / terms.length;
}
