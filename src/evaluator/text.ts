/**
 * Places in a text: UTF-16 offsets (what JavaScript and this evaluator count in), UTF-8 byte offsets (what records carry) and
 * CPython's line and code-point column. Lines end at LF, CR LF or a lone CR, as CPython reads source. Not here: any syntax.
 */
import type { Span } from '../contracts/records.ts';

export class SourceText {
  readonly text: string;
  #lineStarts: number[] | undefined;
  #ascii: boolean | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** UTF-16 offset at which each line begins; the first is 0. */
  get lineStarts(): readonly number[] {
    if (this.#lineStarts) return this.#lineStarts;
    const starts = [0];
    for (let i = 0; i < this.text.length; i++) {
      const unit = this.text.charCodeAt(i);
      if (unit === 10 || (unit === 13 && this.text.charCodeAt(i + 1) !== 10)) starts.push(i + 1);
    }
    return (this.#lineStarts = starts);
  }

  /** The 1-based line and 0-based UTF-16 column of a UTF-16 offset. */
  position(offset: number): { readonly line: number; readonly column: number } {
    const starts = this.lineStarts;
    let low = 0, high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! };
  }

  /** The UTF-16 offset of a 1-based line and a 0-based UTF-16 column: what `position` gives. */
  offsetAt(line: number, column: number): number {
    return (this.lineStarts[line - 1] ?? this.text.length) + column;
  }

  /** The UTF-16 offset of a 1-based line and a 0-based column in code points, clamped to the line and the text. */
  offsetOf(line: number, codePoints: number): number {
    const starts = this.lineStarts;
    if (line < 1) return 0;
    const start = starts[line - 1];
    if (start === undefined) return this.text.length;
    const end = this.lineEnd(line);
    let offset = start;
    for (let i = 0; i < codePoints && offset < end; i++) offset += isLead(this.text, offset) ? 2 : 1;
    return Math.min(offset, end);
  }

  /** The UTF-16 offset at which a 1-based line's visible part ends (before its line break). */
  lineEnd(line: number): number {
    let end = this.lineStarts[line] ?? this.text.length;
    const start = this.lineStarts[line - 1] ?? end;
    while (end > start && (this.text.charCodeAt(end - 1) === 10 || this.text.charCodeAt(end - 1) === 13)) end--;
    return end;
  }

  /** The UTF-16 offset after so many code points. */
  codePoints(count: number): number {
    if (this.#isAscii) return Math.min(count, this.text.length);
    let offset = 0;
    for (let i = 0; i < count && offset < this.text.length; i++) offset += isLead(this.text, offset) ? 2 : 1;
    return offset;
  }

  get #isAscii(): boolean {
    return (this.#ascii ??= !/[^\0-\x7f]/.test(this.text));
  }

  /** UTF-8 bytes before a UTF-16 offset. A lone surrogate counts as the three bytes of its replacement character. */
  bytes(offset: number): number {
    return this.#isAscii ? offset : Buffer.byteLength(this.text.slice(0, offset));
  }

  /** The byte span of the UTF-16 range [start, end), both clamped to the text. */
  span(start: number, end: number): Span {
    const from = Math.max(0, Math.min(start, this.text.length));
    const to = Math.max(from, Math.min(end, this.text.length));
    return { start: this.bytes(from), end: this.bytes(to) };
  }
}

function isLead(text: string, offset: number): boolean {
  const unit = text.charCodeAt(offset);
  if (unit < 0xd800 || unit > 0xdbff) return false;
  const next = text.charCodeAt(offset + 1);
  return next >= 0xdc00 && next <= 0xdfff;
}
