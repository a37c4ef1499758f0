/**
 * Which texts are no material to learn from, and why: generated files, tables of data, texts without code. The rules look at
 * one text at a time; duplicates (duplicates.ts) and vendored folders (sources.ts) are found elsewhere.
 */
import { lexPython } from './lexer.ts';

/** Larger files are data or generated, as a rule. */
export const LARGEST_FILE = 1_000_000;
/** Limits of line length after Kocetkov et al., "The Stack" (2022), section 4.1: longest 1,000, mean 100 characters. */
const LONGEST_LINE = 1000;
const LONGEST_MEAN = 100;
/** Markers count in comments and the module's docstring within so many characters, where generators put them. */
const HEAD = 3000;
const MARKERS = [
  /\b(?:do not|don't) (?:edit|modify)(?: (?:this|it|by hand|manually)\b|[.!;]?\s*$)/im,
  /@generated\b/,
  /\bauto(?:matically|-)? ?generated\b/i,
  /\b(?:file|module|code) (?:is|was|has been) (?:\w+ )?generated\b/i,
  /^\W*generated (?:by|from)\b/im,
  /\bgenerated from\b.*\b(?:with|by|using)\b/i,
];
/** Tables: share of numbers and strings among numbers, strings and names, in texts of at least so many tokens. */
const TABLE_SHARE = 0.75;
const TABLE_TOKENS = 300;

/** Why a text is left out, in words for the user; undefined when it is fit. */
export function unfit(text: string): string | undefined {
  if (text.includes('\0')) return 'not text (holds NUL)';
  const tokens = lexPython(text);
  let names = 0, literals = 0, words = 0;
  const head: string[] = [];
  for (const { kind, start, end } of tokens) {
    if (kind === 'name') names++;
    else if (kind === 'number' || kind === 'string') literals++;
    if (start < HEAD && (kind === 'comment' || (kind === 'string' && words === 0))) head.push(text.slice(start, end));
    if (kind !== 'comment' && kind !== 'newline') words++;
  }
  if (names === 0) return 'empty (no code)';
  if (MARKERS.some((marker) => head.some((part) => marker.test(part)))) return 'generated (says so)';
  const lines = text.split('\n');
  if (lines.some((line) => line.length > LONGEST_LINE)) return `generated (a line is longer than ${LONGEST_LINE} characters)`;
  if (text.length / lines.length > LONGEST_MEAN) return `generated (lines are longer than ${LONGEST_MEAN} characters on average)`;
  if (words >= TABLE_TOKENS && literals / (literals + names) >= TABLE_SHARE) return 'generated (a table of data)';
  return undefined;
}
