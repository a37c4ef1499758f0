/**
 * Colours for Python: keywords, strings, comments, numbers, names being defined. A scanner for display; it tolerates anything and
 * judges nothing.
 */
import type { Mark } from './text.ts';

const KEYWORDS = new Set(
  ('False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda ' +
    'nonlocal not or pass raise return try while with yield match case self cls').split(' '),
);
const SELF = new Set(['self', 'cls']);
const TOKEN =
  /(?<comment>#[^\n]*)|(?<string>[rbfuRBFU]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*(?:"|$|(?=\n))|'(?:\\.|[^'\\\n])*(?:'|$|(?=\n))))|(?<number>\b\d[\w.]*)|(?<decorator>@[\w.]+)|(?<word>[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)/g;

/** Marks named `keyword`, `self`, `string`, `comment`, `number`, `decorator` or `definition`. */
export function colour(source: string): Mark[] {
  const marks: Mark[] = [];
  let defining = false;
  for (const match of source.matchAll(TOKEN)) {
    const start = match.index;
    const end = start + match[0].length;
    const groups = match.groups!;
    if (groups['word'] !== undefined) {
      const word = groups['word'];
      if (SELF.has(word)) marks.push({ start, end, name: 'self' });
      else if (KEYWORDS.has(word)) marks.push({ start, end, name: 'keyword' });
      else if (defining) marks.push({ start, end, name: 'definition' });
      defining = word === 'def' || word === 'class';
      continue;
    }
    defining = false;
    const name = ['comment', 'string', 'number', 'decorator'].find((kind) => groups[kind] !== undefined)!;
    marks.push({ start, end, name });
  }
  return marks;
}
