/**
 * Source given as bytes: UTF-8 with or without a byte order mark, as CPython reads a file. Not here: encodings that a file declares
 * for itself (PEP 263); a text that is not UTF-8 is refused whatever it declares.
 */

/** `position` in bytes, `line` 1-based, `column` 0-based in UTF-16 units; the message is CPython's. */
export interface EncodingFault {
  readonly message: string;
  readonly position: number;
  readonly line: number;
  readonly column: number;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The text, without its byte order mark, or why there is none. */
export function decodeSource(bytes: Uint8Array): string | EncodingFault {
  try {
    return decoder.decode(bytes);
  } catch {
    return faultOf(bytes);
  }
}

/** The first sequence that is not UTF-8 (RFC 3629). */
function faultOf(bytes: Uint8Array): EncodingFault {
  let line = 1, lineStart = 0;
  for (let at = 0; ; ) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      at++;
      if (lead === 10 || (lead === 13 && bytes[at] !== 10)) {
        line++;
        lineStart = at;
      }
      continue;
    }
    const size = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (!isSequence(bytes, at, size)) {
      const message = `Non-UTF-8 code starting with '\\x${lead.toString(16)}' on line ${line}, but no encoding declared; see https://peps.python.org/pep-0263/ for details`;
      return { message, position: at, line, column: decoder.decode(bytes.subarray(lineStart, at)).length };
    }
    at += size;
  }
}

function isSequence(bytes: Uint8Array, at: number, size: number): boolean {
  const lead = bytes[at]!;
  for (let i = 1; i < size; i++) {
    const byte = bytes[at + i] ?? 0;
    const least = i > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const most = i > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (byte < least || byte > most) return false;
  }
  return size > 0;
}
