/**
 * How text is cut into pieces before byte pairs are merged: no merge crosses a piece's edge. Also the GPT-2 alphabet in which
 * tokenizer.json writes bytes, and the cutting of bytes that are not UTF-8. Not here: merges.
 *
 * The cut is made for Python and for one law that prompts rely on: **no piece has white space after something else**. So
 * wherever a text has white space after a token, the pieces before that place are the same whatever follows, and
 * `encode(text)` begins with `encode(text.slice(0, place))`.
 */

/**
 * In order of preference: line ends with the indentation after them, which is Python's syntax; letters and underscores;
 * at most three digits; one bracket, one quote or a triple quote; other punctuation; other blanks; a lone carriage return. One
 * space may lead a word, a number or punctuation. Brackets and quotes stand alone because a small policy has to count them
 * (docs/decisions/0004). Written without look-ahead (the law above) and in the subset that JavaScript and Oniguruma (Hugging
 * Face tokenizers) read alike: white space is ASCII's alone.
 */
export const PIECE_PATTERN =
  '(?:\\r?\\n)+[ \\t]*| ?[\\p{L}\\p{M}_]+| ?\\p{N}{1,3}| ?(?:"""|\'\'\'|[()\\[\\]{}"\'])| ?[^\\t\\n\\x0b\\x0c\\r \\p{L}\\p{M}\\p{N}_()\\[\\]{}"\']+|[\\t\\x0b\\x0c ]+|\\r';

const PIECE = new RegExp(PIECE_PATTERN, 'gu');

/** The pieces of a text, in order; joined they are the text. */
export function pieces(text: string): string[] {
  return text.match(PIECE) ?? [];
}

/** A stretch of bytes that is UTF-8, as text, or one byte that is part of none. */
export type ByteStretch = { readonly text: string } | { readonly byte: number };

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Cuts any bytes into the longest stretches of well-formed UTF-8 and the single bytes between them. */
export function byteStretches(bytes: Uint8Array): ByteStretch[] {
  const stretches: ByteStretch[] = [];
  let start = 0;
  let at = 0;
  const flush = (): void => {
    if (at > start) stretches.push({ text: strict.decode(bytes.subarray(start, at)) });
  };
  while (at < bytes.length) {
    const length = characterLength(bytes, at);
    if (length > 0) at += length;
    else {
      flush();
      stretches.push({ byte: bytes[at]! });
      start = ++at;
    }
  }
  flush();
  return stretches;
}

/** Length in bytes (1 to 4) of the UTF-8 character at `at`, or 0 where none is well formed (Unicode 17, table 3-7). */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const second = bytes[at + 1]!;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  return length;
}

/**
 * GPT-2's alphabet: a printable character for each byte, itself where it is printable Latin-1, else the next free one
 * from U+0100 on (Radford et al. 2019; `bytes_to_unicode` in its published encoder).
 */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(printable ? byte : next++);
  });
})();
