/**
 * What may stand inside number and string literals (The Python Language Reference, 2.5 and 2.7): digits, separators, escapes,
 * the bytes/str divide. Not here: where a literal begins and ends, except for numbers, whose end depends on their digits.
 */
import type { RuleKind } from './faults.ts';

export interface NumberScan {
  readonly end: number;
  readonly fault: { readonly message: string; readonly start: number; readonly end: number } | null;
}

/** CPython lets these follow a number without a space (with a warning). */
const GLUED = /^(?:and|else|for|if|in|is|not|or)/;
const NAMES: Readonly<Record<string, string>> = { x: 'hexadecimal', o: 'octal', b: 'binary' };

/** Reads the number that begins at `start` (a digit, or a dot before a digit). */
export function checkNumber(text: string, start: number): NumberScan {
  const end = plainEnd(text, start);
  return end < 0 ? checkLiteral(text, start) : { end, fault: null };
}

/** Where a decimal integer of digits alone ends, which most numbers are; -1 where more has to be looked at. */
function plainEnd(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first < 48 || first > 57) return -1;
  let at = start + 1, next = text.charCodeAt(at);
  for (; next >= 48 && next <= 57; next = text.charCodeAt(++at));
  const more = next === 46 || next === 95 || (next >= 65 && next <= 90) || (next >= 97 && next <= 122) || next >= 128;
  return more || (first === 48 && at > start + 1) ? -1 : at;
}

function checkLiteral(text: string, start: number): NumberScan {
  const code = (at: number): number => text.charCodeAt(at);
  const digit = (at: number): boolean => code(at) >= 48 && code(at) <= 57;
  const fail = (message: string, at: number, end: number): NumberScan => ({ end: tailEnd(text, Math.max(at, start + 1)), fault: { message, start: at, end } });
  /** Digits with single underscores between them; -1 after a fault. */
  const digits = (at: number): number => {
    for (;;) {
      while (digit(at)) at++;
      if (code(at) !== 95) return at;
      if (!digit(at + 1)) return -1 - at;
      at++;
    }
  };
  let at = start;
  let kind = 'decimal';
  if (code(at) === 48) {
    const letter = text[at + 1]?.toLowerCase() ?? '';
    if (letter === 'x' || letter === 'o' || letter === 'b') {
      const name = NAMES[letter]!;
      const legal = letter === 'x' ? /[0-9a-fA-F]/ : letter === 'o' ? /[0-7]/ : /[01]/;
      at += 2;
      do {
        if (text[at] === '_') at++;
        if (!legal.test(text[at] ?? '')) {
          if (digit(at)) return fail(`invalid digit '${text[at]}' in ${name} literal`, at, at + 1);
          return fail(`invalid ${name} literal`, start, at);
        }
        while (legal.test(text[at] ?? '')) at++;
      } while (text[at] === '_');
      if (digit(at)) return fail(`invalid digit '${text[at]}' in ${name} literal`, at, at + 1);
      return finish(at, name);
    }
    // Zeros alone are an integer; after other digits only a fraction, an exponent or a j makes it a number.
    let zeros = at;
    while (code(zeros) === 48 || (code(zeros) === 95 && digit(zeros + 1))) zeros++;
    if (code(zeros) === 95) return fail('invalid decimal literal', start, zeros);
    if (digit(zeros)) {
      const after = digits(zeros);
      if (after < 0) return fail('invalid decimal literal', start, -1 - after);
      if (!/[.eEjJ]/.test(text[after] ?? '')) {
        return fail('leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers', start, after);
      }
      at = after;
    } else at = zeros;
  } else if (code(at) !== 46) {
    at = digits(at);
    if (at < 0) return fail('invalid decimal literal', start, -1 - at);
  }
  if (code(at) === 46) {
    at++;
    if (digit(at)) {
      at = digits(at);
      if (at < 0) return fail('invalid decimal literal', start, -1 - at);
    }
  }
  if (text[at] === 'e' || text[at] === 'E') {
    const sign = text[at + 1] === '+' || text[at + 1] === '-';
    if (digit(at + (sign ? 2 : 1))) {
      at = digits(at + (sign ? 2 : 1));
      if (at < 0) return fail('invalid decimal literal', start, -1 - at);
    } else if (sign) return fail('invalid decimal literal', start, at + 1);
  }
  if (text[at] === 'j' || text[at] === 'J') {
    at++;
    kind = 'imaginary';
  }
  return finish(at, kind);

  function finish(end: number, name: string): NumberScan {
    const next = code(end);
    const part = next === 95 || (next >= 48 && next <= 57) || (next >= 65 && next <= 90) || (next >= 97 && next <= 122) || next >= 128;
    if (!part || GLUED.test(text.slice(end, end + 4))) return { end, fault: null };
    return fail(`invalid ${name} literal`, end - 1, end);
  }
}

function tailEnd(text: string, at: number): number {
  while (at < text.length && /[\w]/.test(text[at]!)) at++;
  return at;
}

/** CPython refuses to convert decimal integers of more than 4,300 digits. */
export function digitFault(literal: string): string | null {
  const digits = /^[0-9_]+$/.test(literal) ? literal.replaceAll('_', '').length : 0;
  if (digits <= 4300) return null;
  return `Exceeds the limit (4300 digits) for integer string conversion: value has ${digits} digits; use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge integer literals to avoid decimal conversion limits.`;
}

/** Faults of the content [start, end) of a string with the lower-case `prefix`. */
export function checkString(text: string, start: number, end: number, prefix: string): { kind: RuleKind; message: string } | null {
  const bytes = prefix.includes('b');
  if (bytes) {
    for (let at = start; at < end; at++) {
      if (text.charCodeAt(at) > 127) return { kind: 'string.bytes', message: 'bytes can only contain ASCII literal characters' };
    }
  }
  if (prefix.includes('r')) return null;
  for (let at = start; at < end; at++) {
    if (text.charCodeAt(at) !== 92) continue;
    const message = bytes ? bytesEscape(text, at, end, start) : textEscape(text, at, end, start);
    if (message) return { kind: 'string.escape', message };
    at++;
  }
  return null;
}

function hexDigits(text: string, at: number, end: number, most: number): number {
  let count = 0;
  while (count < most && at + count < end && /[0-9a-fA-F]/.test(text[at + count]!)) count++;
  return count;
}

function bytesEscape(text: string, at: number, end: number, start: number): string | null {
  if (text[at + 1] !== 'x' || hexDigits(text, at + 2, end, 2) === 2) return null;
  return `(value error) invalid \\x escape at position ${at - start}`;
}

const LENGTHS: Readonly<Record<string, readonly [number, string]>> = { x: [2, '\\xXX'], u: [4, '\\uXXXX'], U: [8, '\\UXXXXXXXX'] };

function textEscape(text: string, at: number, end: number, start: number): string | null {
  const letter = text[at + 1] ?? '';
  const problem = (length: number, what: string): string => {
    const from = Buffer.byteLength(text.slice(start, at));
    return `(unicode error) 'unicodeescape' codec can't decode bytes in position ${from}-${from + length}: ${what}`;
  };
  const wanted = LENGTHS[letter];
  if (wanted) {
    const found = hexDigits(text, at + 2, end, wanted[0]);
    if (found < wanted[0]) return problem(1 + found, `truncated ${wanted[1]} escape`);
    if (letter === 'U' && parseInt(text.slice(at + 2, at + 10), 16) > 0x10ffff) return problem(9, 'illegal Unicode character');
    return null;
  }
  if (letter !== 'N') return null;
  let close = -1;
  if (text[at + 2] === '{') for (let i = at + 3; i < end && close < 0; i++) if (text.charCodeAt(i) === 125) close = i;
  if (close === -1 || close === at + 3) return problem(1, 'malformed \\N character escape');
  // The table of names is not kept here; what cannot be a name is refused.
  return /^[A-Za-z0-9 ()-]{2,}$/.test(text.slice(at + 3, close)) ? null : problem(close - at, 'unknown Unicode character name');
}
