/**
 * What is left of a text without the names and literals that it chose: keywords, operators, and where each name comes again. Two uses:
 * lines that only repeat an earlier one of their text, and training documents under other names. Over the strict tokens; comments, blank
 * space and lines that are a string alone (docstrings) do not count. Not here: copies word by word (copies.ts).
 */
import { KEYWORDS, T, type Tokens } from '../rules/tokens.ts';

/**
 * A text with fewer tokens is no copy under other names: simple methods are alike everywhere. Of held-out documents of the standard library
 * 12 % have the skeleton of a training document of 12 tokens or more, and 3 to 4 % one of 24.
 */
export const LEAST_SKELETON = 24;

const NUMBER = 1, STRING = 2, NAME = 3;

/** Ids of keywords and operators, from 4; there are some hundred, so this does not grow with what is read. */
const FIXED = new Map<string, number>();

function fixedId(spelling: string): number {
  let id = FIXED.get(spelling);
  if (id === undefined) FIXED.set(spelling, (id = FIXED.size + 4));
  return id;
}

/** What a token is without its spelling; a name by itself is NAME. */
function kindOf(type: T, value: string): number {
  if (type === T.Number) return NUMBER;
  if (type === T.String) return STRING;
  return type === T.Name && !KEYWORDS.has(value) ? NAME : fixedId(value);
}

/** Calls `line` with the kinds of each logical line, and the names in it in the order of `NAME`s; the arrays are used again for the next. */
function eachLine({ tokens }: Tokens, line: (kinds: readonly number[], names: readonly string[]) => void): void {
  const kinds: number[] = [], names: string[] = [];
  let depth = 0;
  for (const { type, value } of tokens) {
    if (type === T.FStart) {
      if (depth++ === 0) kinds.push(STRING);
    } else if (type === T.FEnd) depth--;
    else if (depth > 0) continue;
    else if (type <= T.Op) {
      const kind = kindOf(type, value);
      kinds.push(kind);
      if (kind === NAME) names.push(value);
    } else if (type === T.Newline || type === T.End) {
      if (kinds.length > 1 || (kinds.length === 1 && kinds[0] !== STRING)) line(kinds, names);
      kinds.length = names.length = 0;
    }
  }
}

/** Share in [0, 1] of the logical lines that repeat an earlier one but for names and literals; 0 for a text without any. */
export function similarLines(tokens: Tokens): number {
  const seen = new Set<number>();
  let lines = 0;
  eachLine(tokens, (kinds) => {
    lines++;
    seen.add(kinds.reduce(mix, FIRST));
  });
  return lines === 0 ? 0 : 1 - seen.size / lines;
}

/** Equal for two texts that differ only in names (one for one), literals, comments, docstrings and layout; null below LEAST_SKELETON tokens. */
export function skeletonOf(tokens: Tokens): string | null {
  const order = new Map<string, number>();
  let low = FIRST, high = SECOND, length = 0;
  const add = (word: number): void => {
    low = mix(low, word);
    high = mix(high, word);
  };
  eachLine(tokens, (kinds, names) => {
    let next = 0;
    for (const kind of kinds) {
      add(kind);
      if (kind !== NAME) continue;
      const name = names[next++]!;
      let place = order.get(name);
      if (place === undefined) order.set(name, (place = order.size));
      add(place);
    }
    length += kinds.length;
    add(0);
  });
  return length < LEAST_SKELETON ? null : `${low >>> 0} ${high >>> 0}`;
}

const FIRST = 0x811c9dc5, SECOND = 0x9747b28c;

/** One step of a 32-bit hash: FNV-1a over whole words, its bits folded. */
function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x01000193);
  return Math.imul(product ^ (product >>> 15), 0x85ebca6b);
}
