/**
 * A lexical scan of Python: where names, numbers, strings, operators, comments and line ends are, and at which bracket depth.
 * For filters, duplicate detection and prompts, where an odd token does no harm. Not a judge: it accepts anything, and
 * an f-string that holds its own quote (Python 3.12) comes out as several tokens.
 *
 * After the Python Language Reference, chapter 2 (lexical analysis).
 */

export type LexKind = 'name' | 'number' | 'string' | 'operator' | 'comment' | 'newline';

export interface LexToken {
  readonly kind: LexKind;
  /** UTF-16 offsets, end exclusive. */
  readonly start: number;
  readonly end: number;
  /** Open brackets before the token. */
  readonly depth: number;
}

const STRING_PREFIX = /^(?:[bft]r?|r[bft]?|u)$/i;
const LINE_END = 10, RETURN = 13, QUOTE = 34, HASH = 35, APOSTROPHE = 39, DOT = 46, BACKSLASH = 92;

const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 12 || code === 11 || code === RETURN;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
/** Letters, digits, underscore, and all beyond ASCII, where Python's names may reach. */
const isWord = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || isDigit(code) || code > 127;

/** All tokens of a text, in order. Linear time; never throws. An operator is one character, but `...` is one token. */
export function lexPython(text: string): LexToken[] {
  const tokens: LexToken[] = [];
  const length = text.length;
  let depth = 0;
  let at = 0;
  while (at < length) {
    const start = at;
    const code = text.charCodeAt(at);
    let kind: LexKind;
    if (isBlank(code)) {
      at++;
      continue;
    }
    if (code === BACKSLASH && (text.charCodeAt(at + 1) === LINE_END || text.startsWith('\r\n', at + 1))) {
      at = text.indexOf('\n', at) + 1;
      continue;
    }
    if (code === LINE_END) {
      kind = 'newline';
      at++;
    } else if (code === HASH) {
      kind = 'comment';
      const end = text.indexOf('\n', at);
      at = end < 0 ? length : end;
      while (text.charCodeAt(at - 1) === RETURN) at--;
    } else if (code === QUOTE || code === APOSTROPHE) {
      kind = 'string';
      at = stringEnd(text, at);
    } else if (isDigit(code) || (code === DOT && isDigit(text.charCodeAt(at + 1)))) {
      kind = 'number';
      at = numberEnd(text, at);
    } else if (isWord(code)) {
      kind = 'name';
      while (at < length && isWord(text.charCodeAt(at))) at++;
      const quote = text.charCodeAt(at);
      if (at - start <= 2 && (quote === QUOTE || quote === APOSTROPHE) && STRING_PREFIX.test(text.slice(start, at))) {
        kind = 'string';
        at = stringEnd(text, at);
      }
    } else {
      kind = 'operator';
      at += text.startsWith('...', at) ? 3 : 1;
    }
    tokens.push({ kind, start, end: at, depth });
    if (kind === 'operator') {
      const character = text[start]!;
      if ('([{'.includes(character)) depth++;
      else if (')]}'.includes(character)) depth = Math.max(0, depth - 1);
    }
  }
  return tokens;
}

/** End of the string whose first quote is at `at`; one that is not closed ends with its line, or with the text when triple. */
function stringEnd(text: string, at: number): number {
  const quote = text.charCodeAt(at);
  const triple = text.charCodeAt(at + 1) === quote && text.charCodeAt(at + 2) === quote;
  for (let i = at + (triple ? 3 : 1); i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === quote && (!triple || (text.charCodeAt(i + 1) === quote && text.charCodeAt(i + 2) === quote))) return i + (triple ? 3 : 1);
    else if (code === LINE_END && !triple) return i;
  }
  return text.length;
}

function numberEnd(text: string, at: number): number {
  let end = at;
  for (;;) {
    const code = text.charCodeAt(end);
    if (isWord(code) || code === DOT) end++;
    // The sign of an exponent, but not in hexadecimal: 0xe+1 is a sum.
    else if ((code === 43 || code === 45) && /^[\d_.]+[eE]$/.test(text.slice(at, end))) end++;
    else return end;
  }
}

/** A logical line: a statement's text with the lines that brackets, strings and `\` join. */
export interface LogicalLine {
  /** Offset of its first token. */
  readonly start: number;
  /** End of its last character that is not white space, a comment included. */
  readonly end: number;
  /** Its tokens without comments and line ends; empty for a line that is only a comment. */
  readonly tokens: readonly LexToken[];
}

/** The logical lines of a text; blank lines are none. */
export function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let line: LexToken[] = [];
  const finish = (): void => {
    const first = line[0];
    if (first) lines.push({ start: first.start, end: line[line.length - 1]!.end, tokens: line.filter(({ kind }) => kind !== 'comment') });
    line = [];
  };
  for (const token of lexPython(text)) {
    if (token.kind !== 'newline') line.push(token);
    else if (token.depth === 0) finish();
  }
  finish();
  return lines;
}
