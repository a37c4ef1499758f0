/**
 * The words of a text, in code, strings and comments alike: runs of Latin letters, parted where camel case begins a new one. Not
 * here: which words matter.
 */
export interface Word {
  /** Lower case. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const LONGEST = 40;

const isLower = (code: number): boolean => code >= 97 && code <= 122;
const isUpper = (code: number): boolean => code >= 65 && code <= 90;

/** In order; longer runs of letters than any word are left out. One step a character. */
export function wordsIn(text: string): Word[] {
  const words: Word[] = [];
  let start = -1;
  const close = (end: number): void => {
    if (start >= 0 && end - start <= LONGEST) words.push({ text: text.slice(start, end).toLowerCase(), start, end });
    start = -1;
  };
  let before = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isLower(code) || isUpper(code)) {
      if (isUpper(code) && isLower(before)) close(at);
      if (start < 0) start = at;
    } else close(at);
    before = code;
  }
  close(text.length);
  return words;
}

/** Are two neighbouring words one term: joined by a single blank, `-`, `_` or `/`, or by camel case alone? */
export function joined(text: string, first: Word, second: Word): boolean {
  return second.start === first.end || (second.start === first.end + 1 && ' -_/'.includes(text[first.end]!));
}
