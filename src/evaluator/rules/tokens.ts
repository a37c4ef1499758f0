/**
 * A strict tokenizer: Python's lexical rules (The Python Language Reference, chapter 2) with CPython 3.14's limits. It goes on
 * after a fault, so that one stray character does not hide the rest of the text. F-strings and t-strings come as their parts
 * (PEP 701): opening quote, replacement fields, closing quote. Not here: the grammar, and what is inside a literal (literals.ts).
 */
import { SourceText } from '../text.ts';
import { MOST_FAULTS, type Fault, type RuleKind } from './faults.ts';
import { checkNumber, checkString, digitFault } from './literals.ts';

export const enum T {
  Name, Number, String, Op, Newline, Indent, Dedent, End,
  /** Start and end of an f-string or t-string, `{`, `}` and `:` of its replacement fields. */
  FStart, FEnd, FOpen, FClose, FColon,
  /** Stands where a fault was recorded: the grammar stops here without a second complaint. */
  Fault,
}

/** Bits that a token's type takes. */
const TYPE_BITS = 4;
const TYPES = 2 ** TYPE_BITS - 1;

/** Small on purpose: one text may have 700,000 of them. */
export class Token {
  /** Type and match. */
  private kind: number;

  constructor(
    type: T,
    /** UTF-16 offsets. */
    readonly start: number,
    readonly end: number,
    /** Text of names, operators and literals; empty for the rest. */
    readonly value: string,
  ) {
    this.kind = type;
  }

  get type(): T {
    return this.kind & TYPES;
  }

  /** For an opening bracket the index of the token that closes it, or -1; 0 for other tokens. */
  get match(): number {
    return this.kind >> TYPE_BITS;
  }

  set match(index: number) {
    this.kind = (index << TYPE_BITS) | this.type;
  }
}

export interface Tokens {
  readonly tokens: Token[];
  readonly faults: Fault[];
  /** UTF-16 ranges of all string tokens, in order: what a dedent must not touch. */
  readonly strings: readonly { readonly start: number; readonly end: number }[];
  readonly comments: number;
  /** Lines joined to the next by a backslash. */
  readonly joined: number;
  /** Offsets of statements whose indentation is a fault: what their blocks suffer from it is no second fault. */
  readonly misindented: Set<number>;
}

export const KEYWORDS: ReadonlySet<string> = new Set([
  'False', 'None', 'True', 'and', 'as', 'assert', 'async', 'await', 'break', 'class', 'continue', 'def', 'del', 'elif', 'else',
  'except', 'finally', 'for', 'from', 'global', 'if', 'import', 'in', 'is', 'lambda', 'nonlocal', 'not', 'or', 'pass', 'raise',
  'return', 'try', 'while', 'with', 'yield',
]);

/** Keywords that no bracket can hold: one at the head of a line means that a bracket before it was never closed. */
const STATEMENT_ONLY: ReadonlySet<string> = new Set([
  'assert', 'break', 'class', 'continue', 'def', 'del', 'elif', 'except', 'finally', 'global', 'import', 'nonlocal', 'pass', 'raise',
  'return', 'try', 'while', 'with',
]);

/** Keywords at the head of a line that ends in a colon, and those that continue the compound statement before them. */
const HEADERS: ReadonlySet<string> = new Set(['def', 'class', 'if', 'elif', 'else', 'while', 'for', 'with', 'try', 'except', 'finally', 'async']);
const CONTINUERS: ReadonlySet<string> = new Set(['elif', 'else', 'except', 'finally']);
/**
 * What Unicode 17 added: Node's tables have it, those of CPython 3.14 (Unicode 16) do not, so these characters are in no name there
 * and print as their number. A Node with older tables than CPython's takes a few rare letters for faults.
 */
const AFTER_UNICODE_16 = new RegExp(`[${
  '\\u{88f}\\u{c5c}\\u{cdc}\\u{1acf}-\\u{1add}\\u{1ae0}-\\u{1aeb}\\u{20c1}\\u{2b96}\\u{a7ce}-\\u{a7cf}\\u{a7d2}\\u{a7d4}\\u{a7f1}'
  + '\\u{fbc3}-\\u{fbd2}\\u{fd90}-\\u{fd91}\\u{fdc8}-\\u{fdce}\\u{10940}-\\u{10959}\\u{10ec5}-\\u{10ec7}\\u{10ed0}-\\u{10ed8}'
  + '\\u{10efa}-\\u{10efb}\\u{11b60}-\\u{11b67}\\u{11db0}-\\u{11ddb}\\u{11de0}-\\u{11de9}\\u{16ea0}-\\u{16eb8}\\u{16ebb}-\\u{16ed3}'
  + '\\u{16ff2}-\\u{16ff6}\\u{187f8}-\\u{187ff}\\u{18d09}-\\u{18d1e}\\u{18d80}-\\u{18df2}\\u{1ccfa}-\\u{1ccfc}\\u{1ceba}-\\u{1ced0}'
  + '\\u{1cee0}-\\u{1cef0}\\u{1e6c0}-\\u{1e6de}\\u{1e6e0}-\\u{1e6f5}\\u{1e6fe}-\\u{1e6ff}\\u{1f6d8}\\u{1f777}-\\u{1f77a}'
  + '\\u{1f8d0}-\\u{1f8d8}\\u{1fa54}-\\u{1fa57}\\u{1fa8a}\\u{1fa8e}\\u{1fac8}\\u{1facd}\\u{1faea}\\u{1faef}\\u{1fbfa}'
  + '\\u{2b73a}-\\u{2b73f}\\u{2cea2}-\\u{2cead}\\u{323b0}-\\u{33479}'
}]`, 'u');

/** Brackets of one text that are taken to end at the colon of their header: each costs a second look at what follows it. */
const MAX_RETURNS = 8;

const OPERATORS3: ReadonlySet<string> = new Set(['**=', '//=', '>>=', '<<=', '...']);
const OPERATORS2: ReadonlySet<string> = new Set([
  '**', '//', '>>', '<<', '<=', '>=', '==', '!=', '->', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '@=', ':=', '<>',
]);
/** Characters that may follow the first one of an operator. */
const EXTENDS = new Uint8Array(128);
for (const operator of [...OPERATORS3, ...OPERATORS2]) for (let i = 1; i < operator.length; i++) EXTENDS[operator.charCodeAt(i)] = 1;
/**
 * Texts of more tokens than this are not read to their end. With its tree a token takes 100 to 200 bytes, and most of the time goes into
 * keeping them: a megabyte of code has 250,000 to 350,000, one of a list of digits 670,000, one without any blank space a million.
 */
export const MAX_TOKENS = 700_000;
const MAX_BRACKETS = 200;
const MAX_INDENTS = 99;
/** Formats within formats of one f-string. */
const MAX_FORMATS = 2;
const CLOSERS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

interface Bracket {
  readonly char: string;
  readonly start: number;
  readonly token: number;
}

/** Where the tokenizer is inside an f-string: its literal part, a field's expression, or a field's format. */
interface Part {
  readonly in: 'text' | 'field' | 'format';
  readonly start: number;
  readonly quote: string;
  readonly raw: boolean;
  readonly prefix: string;
  /** Brackets open when the field began, the field's own included. */
  readonly depth: number;
  /** Formats of the same f-string that it stands in, itself included. */
  readonly formats: number;
}

/** The end of a header with a bracket still open: where to go on when the bracket turns out never to be closed. */
interface Header {
  readonly at: number;
  readonly tokens: number;
  readonly faults: number;
  readonly strings: number;
  readonly comments: number;
  readonly brackets: readonly Bracket[];
}

/** Tokenizes any string. Never throws. */
export function tokenize(text: string): Tokens {
  const scanner = new Scanner(text);
  scanner.run();
  return { tokens: scanner.tokens, faults: scanner.faults, strings: scanner.strings, comments: scanner.comments, joined: scanner.joined, misindented: scanner.misindented };
}

class Scanner {
  readonly tokens: Token[] = [];
  readonly faults: Fault[] = [];
  readonly strings: { start: number; end: number }[] = [];
  comments = 0;
  joined = 0;
  readonly misindented = new Set<number>();
  readonly #text: string;
  #lines: SourceText | null = null;
  #at = 0;
  #lineHead = true;
  /** Index of the first token after the last line end. */
  #lineStart = 0;
  #header: Header | null = null;
  #returns = 0;
  /** Lowest indentation level that was met after a bracket that was never closed, and whose beginning was therefore not seen. */
  #guessed = Infinity;
  #afterBracket = false;
  readonly #brackets: Bracket[] = [];
  readonly #parts: Part[] = [];
  readonly #indents = [0];
  readonly #tabIndents = [0];

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    do this.#scan();
    while (this.#parts.length === 0 && this.#brackets.length > 0 && this.#closeBrackets());
    this.#finish();
  }

  #scan(): void {
    const text = this.#text, length = text.length;
    while (this.#at < length) {
      if (this.tokens.length > MAX_TOKENS) return this.#stop();
      const part = this.#parts[this.#parts.length - 1];
      if (part && part.in !== 'field') {
        this.#scanPart(part);
        this.#lineHead = false;
        continue;
      }
      if (this.#lineHead && this.#brackets.length === 0) {
        if (!this.#indentation()) continue;
        this.#lineHead = false;
        if (this.#at >= length) break;
      }
      const code = text.charCodeAt(this.#at);
      if (code === 32 || code === 9 || code === 12) {
        this.#at++;
      } else if (code === 10 || code === 13) {
        const start = this.#at;
        this.#at += code === 13 && text.charCodeAt(start + 1) === 10 ? 2 : 1;
        if (this.#brackets.length === 0) this.#newline(start);
        else if (part === undefined) {
          if (this.#statementAhead()) {
            if (!this.#closeBrackets()) this.#newline(start);
          } else if (this.#header === null && this.#endsHeader()) {
            this.#header = {
              at: this.#at, tokens: this.tokens.length, faults: this.faults.length, strings: this.strings.length, comments: this.comments, brackets: [...this.#brackets],
            };
          }
        }
      } else if (code === 35) {
        this.comments++;
        this.#at = lineBreakFrom(text, this.#at);
      } else if (code === 92) {
        this.#continuation();
      } else {
        this.#token(code, part);
      }
    }
  }

  /** Reads no further; what is open is taken as closed. */
  #stop(): void {
    this.#fault('text.tokens', `the text has more than ${MAX_TOKENS.toLocaleString('en-US')} tokens; it is read up to here`, this.#at, this.#at);
    this.#at = this.#text.length;
    this.#brackets.length = this.#parts.length = 0;
    this.tokens.length = 0;
  }

  /** CPython's tokenizer goes no further either. */
  #tooDeep(at: number): void {
    this.#faultToken('bracket.deep', 'too many nested parentheses', at, at + 1);
    this.#at = this.#text.length;
    this.#brackets.length = this.#parts.length = 0;
  }

  #newline(start: number): void {
    this.#push(T.Newline, start, this.#at, '');
    this.#lineHead = true;
    this.#lineStart = this.tokens.length;
    this.#header = null;
  }

  /** Is what was read since the last line end the head of a compound statement, up to its colon? */
  #endsHeader(): boolean {
    const last = this.tokens[this.tokens.length - 1]!;
    if (last.type !== T.Op || last.value !== ':' || this.#returns >= MAX_RETURNS) return false;
    let first = this.#lineStart;
    while (this.tokens[first]!.type === T.Indent || this.tokens[first]!.type === T.Dedent) first++;
    const { type, value } = this.tokens[first]!;
    return type === T.Name && HEADERS.has(value);
  }

  #push(type: T, start: number, end: number, value: string): void {
    this.tokens.push(new Token(type, start, end, value));
  }

  #fault(kind: RuleKind, message: string, start: number, end: number): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push({ kind, message, start, end });
  }

  /** A fault and the token that stands for it. */
  #faultToken(kind: RuleKind, message: string, start: number, end: number): void {
    this.#fault(kind, message, start, end);
    this.#push(T.Fault, start, end, '');
  }

  #lineOf(offset: number): number {
    return (this.#lines ??= new SourceText(this.#text)).position(offset).line;
  }

  /** Reads the indentation of a logical line; false when the line is blank and was skipped. */
  #indentation(): boolean {
    const text = this.#text, length = text.length;
    let column = 0, tabColumn = 0, at = this.#at, kept = -1, joined = -1;
    for (; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code === 32) (column++, tabColumn++);
      else if (code === 9) ((column = (column >> 3) * 8 + 8), tabColumn++);
      else if (code === 12) (column = 0), (tabColumn = 0);
      else if (code === 92 && isBreak(text, at + 1)) {
        // A backslash in the indentation joins lines; the first line's indentation counts (later ones only if it had none), its tabs as wide as they look.
        if (kept < 0 && column > 0) kept = column;
        column = tabColumn = 0;
        this.joined++;
        at += text.charCodeAt(at + 1) === 13 && text.charCodeAt(at + 2) === 10 ? 2 : 1;
        joined = at + 1;
      } else break;
    }
    const code = text.charCodeAt(at);
    if (at < length && (code === 10 || code === 13 || code === 35)) {
      if (code === 35) {
        this.comments++;
        at = lineBreakFrom(text, at);
      }
      if (at < length) at += text.charCodeAt(at) === 13 && text.charCodeAt(at + 1) === 10 ? 2 : 1;
      this.#at = at;
      return false;
    }
    const lineStart = this.#at;
    this.#at = at;
    if (at >= length) {
      if (joined === length) this.#faultToken('syntax.end', 'unexpected EOF while parsing', text.lastIndexOf('\\'), text.lastIndexOf('\\') + 1);
      return true;
    }
    if (kept >= 0) column = tabColumn = kept;
    this.#indent(column, tabColumn, lineStart, at);
    return true;
  }

  #indent(column: number, tabColumn: number, lineStart: number, at: number): void {
    const indents = this.#indents, tabs = this.#tabIndents;
    let level = indents.length - 1;
    if (column > indents[level]!) {
      if (tabColumn <= tabs[level]!) this.#tabFault(lineStart, at);
      if (indents.length > MAX_INDENTS) {
        this.#faultToken('indent.deep', 'too many levels of indentation', lineStart, at);
        this.#at = this.#text.length;
        return;
      }
      indents.push(column);
      tabs.push(tabColumn);
      if (this.#afterBracket && this.#guessed === Infinity) this.#guessed = indents.length - 1;
      this.#afterBracket = false;
      this.#push(T.Indent, lineStart, at, '');
      return;
    }
    this.#afterBracket = false;
    while (column < indents[level]!) level--;
    if (column === indents[level]!) {
      this.#dedent(level, at);
      if (tabColumn !== tabs[level]!) this.#tabFault(lineStart, at);
      return;
    }
    const guessed = level + 1 >= this.#guessed;
    if (!guessed) {
      this.#fault('indent.dedent', 'unindent does not match any outer indentation level', lineStart, lineBreakFrom(this.#text, at));
      this.misindented.add(at);
    }
    if (guessed) {
      this.#dedent(level, at);
      indents.push(column);
      tabs.push(tabColumn);
      this.#guessed = Math.min(this.#guessed, indents.length - 1);
      this.#push(T.Indent, lineStart, lineStart, 'recovered');
      return;
    }
    // The line is read as part of the block below or above it, whichever the lines after it speak for.
    const above = indents[level + 1]!;
    const body = nextColumn(this.#text, at, Infinity);
    const header = headsBlock(this.#text, at);
    const continues = CONTINUERS.has(wordAt(this.#text, at)) && (level + 2 === indents.length || body <= above);
    if (continues || (header && body === above)) return this.#dedent(level, at);
    this.#dedent(level + 1, at);
    if (nextColumn(this.#text, at, above) === column) {
      indents[level + 1] = column;
      tabs[level + 1] = tabColumn;
    }
  }

  #dedent(level: number, at: number): void {
    while (this.#indents.length - 1 > level) {
      this.#indents.pop();
      this.#tabIndents.pop();
      this.#push(T.Dedent, at, at, '');
    }
    if (level < this.#guessed) this.#guessed = Infinity;
  }

  #tabFault(lineStart: number, at: number): void {
    this.#fault('indent.tabs', 'inconsistent use of tabs and spaces in indentation', lineStart, at);
  }

  #continuation(): void {
    const start = this.#at, text = this.#text;
    if (start + 1 >= text.length) {
      this.#faultToken('syntax.end', 'unexpected EOF while parsing', start, start + 1);
      this.#at = start + 1;
    } else if (isBreak(text, start + 1)) {
      this.joined++;
      this.#at = start + (text.charCodeAt(start + 1) === 13 && text.charCodeAt(start + 2) === 10 ? 3 : 2);
      if (this.#at >= text.length) this.#faultToken('syntax.end', 'unexpected EOF while parsing', start, start + 1);
    } else {
      this.#faultToken('character.continuation', 'unexpected character after line continuation character', start, start + 1);
      this.#at = start + 1;
    }
  }

  #token(code: number, part: Part | undefined): void {
    const text = this.#text, start = this.#at;
    if (isNameStart(code)) {
      let end = start + 1;
      let plain = code < 128;
      for (; end < text.length; end++) {
        const unit = text.charCodeAt(end);
        if (unit >= 128) plain = false;
        else if (!isNamePart(unit)) break;
      }
      const next = text.charCodeAt(end);
      if ((next === 34 || next === 39) && end - start <= 2 && isPrefix(text, start, end)) return this.#string(start, end);
      this.#at = end;
      const name = text.slice(start, end);
      if (!plain) return this.#unicodeName(name, start);
      this.#push(T.Name, start, end, name);
    } else if (isDigit(code) || (code === 46 && isDigit(text.charCodeAt(start + 1)))) {
      const { end, fault } = checkNumber(text, start);
      this.#at = end;
      if (fault) this.#faultToken('number.literal', fault.message, fault.start, fault.end);
      else {
        this.#push(T.Number, start, end, text.slice(start, end));
        const digits = end - start > 4300 ? digitFault(text.slice(start, end)) : null;
        if (digits) this.#fault('number.digits', digits, start, end);
      }
    } else if (code === 34 || code === 39) {
      this.#string(start, start);
    } else this.#operator(start, part);
  }

  /** Names with characters beyond ASCII are compared in NFKC and must be identifiers (reference, 2.3). */
  #unicodeName(name: string, start: number): void {
    let offset = 0;
    for (const char of name) {
      const assigned = char <= '\x7f' || !AFTER_UNICODE_16.test(char);
      const ok = char <= '\x7f' || (assigned && (offset === 0 ? /[\p{XIDS}_]/u : /\p{XIDC}/u).test(char));
      if (!ok) {
        const point = char.codePointAt(0)!;
        const hex = point.toString(16).toUpperCase().padStart(4, '0');
        const kind: RuleKind = point >= 0xd800 && point <= 0xdfff ? 'character.surrogate' : 'character.invalid';
        const message = !assigned || /[\p{C}\p{Z}]/u.test(char) ? `invalid non-printable character U+${hex}` : `invalid character '${char}' (U+${hex})`;
        return this.#faultToken(kind, message, start + offset, start + offset + char.length);
      }
      offset += char.length;
    }
    this.#push(T.Name, start, start + name.length, KEYWORDS.has(name.normalize('NFKC')) ? name : name.normalize('NFKC'));
  }

  #operator(start: number, part: Part | undefined): void {
    const text = this.#text;
    const one = text[start]!;
    if (part && this.#brackets.length === part.depth) {
      if (one === '}') {
        const bracket = this.#brackets.pop()!;
        this.#parts.pop();
        this.tokens[bracket.token]!.match = this.tokens.length;
        this.#push(T.FClose, start, start + 1, '}');
        this.#at = start + 1;
        return;
      }
      if (one === ':') {
        this.#push(T.FColon, start, start + 1, ':');
        this.#parts.push({ ...part, in: 'format', formats: part.formats + 1 });
        this.#at = start + 1;
        return;
      }
    }
    const value = EXTENDS[text.charCodeAt(start + 1)] === 1 ? longest(text, start) : one;
    const end = start + value.length;
    this.#at = end;
    if (value === '(' || value === '[' || value === '{') {
      if (this.#brackets.length >= MAX_BRACKETS) return this.#tooDeep(start);
      this.#push(T.Op, start, end, value);
      this.#brackets.push({ char: value, start, token: this.tokens.length - 1 });
      this.tokens[this.tokens.length - 1]!.match = -1;
      return;
    }
    const opener = CLOSERS[value];
    if (opener !== undefined) return this.#close(value, opener, start, part);
    const code = value.charCodeAt(0);
    if (value.length === 1 && (code < 32 || code === 127)) {
      if (code === 0) return this.#faultToken('character.null', 'source code string cannot contain null bytes', start, end);
      return this.#faultToken('character.invalid', `invalid non-printable character U+${code.toString(16).toUpperCase().padStart(4, '0')}`, start, end);
    }
    this.#push(T.Op, start, end, value);
  }

  #close(value: string, opener: string, start: number, part: Part | undefined): void {
    const floor = part ? part.depth : 0;
    const open = this.#brackets.length > floor ? this.#brackets[this.#brackets.length - 1] : undefined;
    const label = part ? `${kindOf(part.prefix)}: ` : '';
    if (!open) {
      this.#faultToken('bracket.unmatched', `${label}unmatched '${value}'`, start, start + 1);
      return;
    }
    this.#brackets.pop();
    if (open.char !== opener) {
      const line = this.#lineOf(open.start);
      const where = line === this.#lineOf(start) ? '' : ` on line ${line}`;
      this.#faultToken('bracket.mismatched', `${label}closing parenthesis '${value}' does not match opening parenthesis '${open.char}'${where}`, start, start + 1);
      return;
    }
    this.tokens[open.token]!.match = this.tokens.length;
    this.#push(T.Op, start, start + 1, value);
  }

  /** A string literal whose prefix is text[start..quote). */
  #string(start: number, quoteAt: number): void {
    const text = this.#text;
    const prefix = text.slice(start, quoteAt).toLowerCase();
    const char = text[quoteAt]!;
    const triple = text[quoteAt + 1] === char && text[quoteAt + 2] === char;
    const quote = triple ? char.repeat(3) : char;
    const inner = quoteAt + quote.length;
    if (prefix.includes('f') || prefix.includes('t')) {
      this.#push(T.FStart, start, inner, prefix);
      this.#parts.push({ in: 'text', start, quote, raw: prefix.includes('r'), prefix, depth: 0, formats: 0 });
      this.#at = inner;
      return;
    }
    const end = stringEnd(text, inner, quote);
    if (end < 0) {
      const stop = triple ? text.length : unterminatedEnd(text, inner);
      this.#unterminated('', start, stop, triple);
      return;
    }
    this.#at = end;
    this.strings.push({ start, end });
    this.#push(T.String, start, end, prefix);
    const fault = checkString(text, inner, end - quote.length, prefix);
    if (fault) this.#fault(fault.kind, fault.message, start, end);
  }

  #unterminated(label: string, start: number, stop: number, triple: boolean): void {
    const detected = this.#lineOf(triple ? Math.max(start, stop - (isBreak(this.#text, stop - 1) ? 1 : 0)) : stop);
    const what = `unterminated ${triple ? 'triple-quoted ' : ''}${label ? `${label} ` : 'string '}literal (detected at line ${detected})`;
    this.strings.push({ start, end: stop });
    this.#faultToken(triple ? 'string.unterminated-triple' : 'string.unterminated', what, start, stop);
    this.#at = stop;
  }

  /** Text or format of an f-string up to the next field, the end of the format, or the closing quote. */
  #scanPart(part: Part): void {
    const text = this.#text, from = this.#at;
    const format = part.in === 'format';
    const triple = part.quote.length === 3;
    let at = from;
    for (; at < text.length; at++) {
      const char = text[at]!;
      if (char === '\\') {
        const next = text[at + 1];
        if (next === '{' || next === '}') continue;
        if (!part.raw && next === 'N' && text[at + 2] === '{') {
          const close = braceFrom(text, at + 3);
          at = close < 0 ? at + 2 : close;
        } else at += next === '\r' && text[at + 2] === '\n' ? 2 : 1;
      } else if (char === part.quote[0] && text.startsWith(part.quote, at)) {
        if (format) break;
        this.#checkPart(part, from, at);
        this.#at = at + part.quote.length;
        this.#parts.pop();
        this.strings.push({ start: part.start, end: this.#at });
        this.#push(T.FEnd, at, this.#at, part.prefix);
        return;
      } else if (char === '{') {
        if (!format && text[at + 1] === '{') {
          at++;
          continue;
        }
        this.#checkPart(part, from, at);
        if (format && part.formats > MAX_FORMATS) {
          this.#fault('string.field', `${kindOf(part.prefix)}: expressions nested too deeply`, at, at + 1);
        }
        this.#brackets.push({ char: '{', start: at, token: this.tokens.length });
        this.#push(T.FOpen, at, at + 1, '{');
        this.tokens[this.tokens.length - 1]!.match = -1;
        this.#parts.push({ ...part, in: 'field', depth: this.#brackets.length });
        this.#at = at + 1;
        if (this.#brackets.length > MAX_BRACKETS) this.#tooDeep(at);
        return;
      } else if (char === '}') {
        if (format) {
          this.#parts.pop();
          this.#at = at;
          return;
        }
        if (text[at + 1] === '}') at++;
        else this.#fault('string.field', `${kindOf(part.prefix)}: single '}' is not allowed`, at, at + 1);
      } else if ((char === '\n' || char === '\r') && !triple) {
        if (format) this.#fault('string.field', `${kindOf(part.prefix)}: newlines are not allowed in format specifiers for single quoted ${kindOf(part.prefix)}s`, at, at + 1);
        break;
      }
    }
    // Leave the f-string, its fields and those it stands in: nothing on the line is read after this.
    while (this.#parts.length > 0) this.#leavePart();
    if (at < text.length && text[at] !== '\n' && text[at] !== '\r') {
      // The closing quote came inside a format.
      this.#faultToken('string.field', `${kindOf(part.prefix)}: expecting '}', or format specs`, at, at + 1);
      this.#at = at + part.quote.length;
      this.strings.push({ start: part.start, end: this.#at });
      return;
    }
    this.#unterminated(kindOf(part.prefix), part.start, Math.min(at, text.length), triple);
  }

  #leavePart(): void {
    const part = this.#parts.pop()!;
    if (part.in === 'field') this.#brackets.length = Math.min(this.#brackets.length, part.depth - 1);
  }

  #checkPart(part: Part, from: number, to: number): void {
    if (part.raw || from === to) return;
    const fault = checkString(this.#text, from, to, '');
    if (fault) this.#fault(fault.kind, fault.message, part.start, to);
  }

  /** After a line break inside brackets: does a statement keyword head the next line? */
  #statementAhead(): boolean {
    const text = this.#text;
    let at = this.#at;
    while (at < text.length && (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9)) at++;
    let end = at;
    while (end < text.length && end - at < 9 && text.charCodeAt(end) >= 97 && text.charCodeAt(end) <= 122) end++;
    return end - at > 2 && !isNamePart(text.charCodeAt(end)) && STATEMENT_ONLY.has(text.slice(at, end));
  }

  /**
   * Gives up on the open brackets. True when they were opened in a header whose colon ended a line: then what follows that line is
   * still to be read.
   */
  #closeBrackets(): boolean {
    const open = this.#brackets[this.#brackets.length - 1]!;
    const header = this.#header;
    this.#brackets.length = 0;
    this.#afterBracket = true;
    if (!header || open.start >= header.at) {
      this.#faultToken('bracket.unclosed', `'${open.char}' was never closed`, open.start, open.start + 1);
      return false;
    }
    this.#returns++;
    this.#at = header.at;
    this.tokens.length = header.tokens;
    this.faults.length = header.faults;
    this.strings.length = header.strings;
    this.comments = header.comments;
    for (const { token } of header.brackets) if (token < header.tokens) this.tokens[token]!.match = -1;
    this.#faultToken('bracket.unclosed', `'${open.char}' was never closed`, open.start, open.start + 1);
    this.#newline(header.at - 1);
    return true;
  }

  #finish(): void {
    const length = this.#text.length;
    const part = this.#parts[this.#parts.length - 1];
    if (part) {
      const label = kindOf(part.prefix);
      if (part.in === 'field') this.#faultToken('string.field', `${label}: expecting '}'`, part.start, length);
      else this.#unterminated(label, part.start, length, part.quote.length === 3);
    }
    const last = this.tokens[this.tokens.length - 1];
    if (last && last.type !== T.Newline) this.#push(T.Newline, length, length, '');
    for (let i = 1; i < this.#indents.length; i++) this.#push(T.Dedent, length, length, '');
    this.#push(T.End, length, length, '');
  }
}

/** `f-string` or `t-string`. */
function kindOf(prefix: string): string {
  return prefix.includes('t') ? 't-string' : 'f-string';
}

/** Lines looked at for the one that says where a wrongly indented line belongs. */
const MOST_AHEAD = 40;

/** Column of the first line after that of `at` that holds code and is indented by at most `most`; -1 when there is none nearby. */
function nextColumn(text: string, at: number, most: number): number {
  let line = lineBreakFrom(text, at);
  for (let n = 0; n < MOST_AHEAD && line < text.length; n++) {
    line++;
    let column = 0;
    for (; line < text.length; line++) {
      const code = text.charCodeAt(line);
      if (code === 32) column++;
      else if (code === 9) column = (column >> 3) * 8 + 8;
      else break;
    }
    if (column <= most && line < text.length && text.charCodeAt(line) !== 35 && !isBreak(text, line)) return column;
    line = lineBreakFrom(text, line);
  }
  return -1;
}

/** The `}` after a character's name, which has at most 100 characters; -1 when there is none. */
function braceFrom(text: string, at: number): number {
  for (const end = Math.min(text.length, at + 100); at < end && !isBreak(text, at); at++) if (text.charCodeAt(at) === 125) return at;
  return -1;
}

function wordAt(text: string, at: number): string {
  let end = at;
  while (end < text.length && end - at < 9 && isNamePart(text.charCodeAt(end))) end++;
  return text.slice(at, end);
}

/** Does the line of `at` end in a colon? */
function headsBlock(text: string, at: number): boolean {
  let end = lineBreakFrom(text, at);
  while (end > at && (text.charCodeAt(end - 1) === 32 || text.charCodeAt(end - 1) === 9)) end--;
  return text.charCodeAt(end - 1) === 58;
}

/** The longest operator at `start`, or the one character there. */
function longest(text: string, start: number): string {
  const three = text.slice(start, start + 3), two = three.slice(0, 2);
  return OPERATORS3.has(three) ? three : OPERATORS2.has(two) ? two : text[start]!;
}

function isBreak(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 10 || code === 13;
}

function lineBreakFrom(text: string, at: number): number {
  while (at < text.length && text.charCodeAt(at) !== 10 && text.charCodeAt(at) !== 13) at++;
  return at;
}

/** Offset after the closing quote, or -1. */
function stringEnd(text: string, inner: number, quote: string): number {
  const code = quote.charCodeAt(0), triple = quote.length === 3;
  for (let at = inner; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 92) at += text.charCodeAt(at + 1) === 13 && text.charCodeAt(at + 2) === 10 ? 2 : 1;
    else if (unit === code) {
      if (!triple) return at + 1;
      if (text.charCodeAt(at + 1) === code && text.charCodeAt(at + 2) === code) return at + 3;
    } else if (!triple && (unit === 10 || unit === 13)) return -1;
  }
  return -1;
}

/** Where a single-quoted string that never closes ends: its line, continued lines included. */
function unterminatedEnd(text: string, inner: number): number {
  let at = inner;
  for (; at < text.length && !isBreak(text, at); at++) {
    if (text.charCodeAt(at) === 92) at += text.charCodeAt(at + 1) === 13 && text.charCodeAt(at + 2) === 10 ? 2 : 1;
  }
  return Math.min(at, text.length);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isNameStart(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code >= 128;
}

/** May `code` be part of an identifier? Everything beyond ASCII may, until it is looked at. */
export function isNamePart(code: number): boolean {
  return isNameStart(code) || isDigit(code);
}

const PREFIXES: ReadonlySet<string> = new Set(['r', 'u', 'b', 'f', 't', 'br', 'rb', 'fr', 'rf', 'tr', 'rt']);

function isPrefix(text: string, start: number, end: number): boolean {
  return PREFIXES.has(text.slice(start, end).toLowerCase());
}
