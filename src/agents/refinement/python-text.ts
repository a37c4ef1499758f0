/**
 * What the refiner needs to know about Python text that does not parse: byte spans as string offsets, how many tokens of
 * a text do work, how many of its statements do none. It sees tokens, not syntax, and is no judge.
 */
import type { Span } from '../../contracts/records.ts';
import { lexPython } from '../../tasks/lexer.ts';

/** Length of a text in UTF-8 bytes. */
export const byteLength = (text: string): number => Buffer.byteLength(text);

/**
 * A span of UTF-8 bytes as offsets in UTF-16 units, clamped to the text. A byte inside a character counts as its start;
 * a lone surrogate counts as three bytes, as the replacement character that UTF-8 encoders write for it.
 */
export function toOffsets(text: string, span: Span): Span {
  const find = (byte: number): number => {
    let bytes = 0;
    for (let i = 0; i < text.length; ) {
      const code = text.codePointAt(i)!;
      bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      if (bytes > byte) return i;
      i += code > 0xffff ? 2 : 1;
    }
    return text.length;
  };
  const start = find(span.start);
  return { start, end: span.end <= span.start ? start : find(span.end) };
}

/** UTF-16 units of the longest common beginning of two texts. */
export function commonPrefix(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let length = 0;
  while (length < shorter && a[length] === b[length]) length++;
  return length;
}

/** Lexical tokens of a text without comments and line ends; a string is one, however long. */
export function workTokens(text: string): number {
  return lexPython(text).filter(({ kind }) => kind !== 'comment' && kind !== 'newline').length;
}

/** How many statements of the text are `pass` or `...`. */
export function trivialStatements(text: string): number {
  const tokens = lexPython(text).filter(({ kind }) => kind !== 'comment');
  const word = (i: number): string => (tokens[i] ? text.slice(tokens[i].start, tokens[i].end) : '\n');
  let count = 0;
  for (let i = 0; i < tokens.length; i++) {
    if (word(i) === 'pass') count++;
    else if (word(i) === '...' && '\n:;'.includes(word(i - 1)) && '\n;'.includes(word(i + 1))) count++;
  }
  return count;
}
