/**
 * Places in a text: from the evaluator's UTF-8 byte offsets to a string's own units, and a text cut at the borders of
 * overlapping marks. Pure.
 */

/**
 * The index, in UTF-16 units, of the character that holds byte `offset` of the text's UTF-8 form; the text's length when the offset lies
 * at or behind its end. A lone surrogate counts three bytes, as encoders write it.
 */
export function unitAt(text: string, offset: number): number {
  let bytes = 0;
  let index = 0;
  while (index < text.length) {
    const point = text.codePointAt(index)!;
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes + size > offset) return index;
    bytes += size;
    index += point > 0xffff ? 2 : 1;
  }
  return text.length;
}

export interface Mark {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

export interface Piece {
  readonly text: string;
  /** Names of the marks that cover it, in the order given. */
  readonly names: readonly string[];
}

/** Cuts `text` at every border of `marks` (UTF-16 units, end exclusive; outside parts are ignored). Joined, the pieces are the text. */
export function cut(text: string, marks: readonly Mark[]): Piece[] {
  const inside = marks
    .map((mark) => ({ ...mark, start: Math.max(0, mark.start), end: Math.min(text.length, mark.end) }))
    .filter((mark) => mark.end > mark.start);
  const borders = [...new Set([0, text.length, ...inside.flatMap((mark) => [mark.start, mark.end])])].sort((a, b) => a - b);
  const pieces: Piece[] = [];
  for (let i = 0; i + 1 < borders.length; i++) {
    const start = borders[i]!;
    const end = borders[i + 1]!;
    pieces.push({ text: text.slice(start, end), names: inside.filter((mark) => mark.start <= start && mark.end >= end).map((mark) => mark.name) });
  }
  return pieces;
}

/** A span of bytes as a mark that can be seen: an empty one takes the next character, or the one before at the end. */
export function spanMark(text: string, span: { readonly start: number; readonly end: number }, name: string): Mark {
  let start = unitAt(text, span.start);
  let end = Math.max(start, unitAt(text, span.end));
  if (end === start) {
    if (start < text.length) end = start + (text.codePointAt(start)! > 0xffff ? 2 : 1);
    else start = Math.max(0, start - 1);
  }
  return { start, end, name };
}
