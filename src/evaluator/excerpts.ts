/**
 * Excerpts of a function that is too long to be a document: its head, and statements that follow each other in it, as many as fit. Each would be valid
 * if it were a sample, as documents are. A corpus holds as much text in them as in its documents, and a policy that reads the same documents for
 * long learns them by heart. Not here: which functions are too long (whoever knows the tokens does).
 */
import type { CPython } from './cpython.ts';
import { isWholeSample } from './documents.ts';
import { checkRules, type Statement } from './rules/index.ts';

/** Part of an excerpt that its head may take: behind a longer one there is no room for code. */
const LONGEST_HEAD = 0.5;
/** Lines of comments, and blank ones, at the end of a text. */
const COMMENTS = /(?:^[ \t]*(?:#[^\n]*)?\n)*$(?![^])/m;

/**
 * The excerpts of each document of `texts` that is a function, of at most `length` characters; none where it fits as it is. In the order in which their
 * code stands there, no statement twice. A block that does not fit gives excerpts of its own, with its head behind the function's.
 */
export function findExcerpts(texts: readonly string[], length: number, cpython: CPython): string[] {
  return texts.flatMap((text) => {
    const found = partsOf(text, length).filter(isWholeSample);
    const verdicts = cpython.compileAll(found);
    return found.filter((_, index) => verdicts[index] === null);
  });
}

function partsOf(text: string, length: number): string[] {
  const [definition] = text.length > length ? checkRules(text).statements : [];
  if (definition?.kind !== 'def') return [];
  const parts: string[] = [];
  const nextLine = (at: number): number => text.indexOf('\n', at) + 1 || text.length;
  /** Where the lines of a block begin, comments before its first statement among them; 0 where it stands in its head's line. */
  const blockStart = (block: readonly Statement[]): number => {
    const start = text.lastIndexOf('\n', (block[0]?.start ?? 0) - 1) + 1;
    return start - COMMENTS.exec(text.slice(0, start))![0].length;
  };

  /** Parts of a block behind `head`, the heads of all that it stands in. */
  const divide = (head: string, block: readonly Statement[]): void => {
    if (head.length > LONGEST_HEAD * length) return;
    let from = blockStart(block), to = from;
    const cut = (at: number): void => {
      if (to > from) parts.push(head + text.slice(from, to));
      from = to = at;
    };
    for (const statement of block) {
      // Statements of one line stay together; comments before a statement are its own.
      const end = nextLine(statement.end - 1);
      if (end <= to) continue;
      if (head.length + end - from > length) cut(to);
      if (head.length + end - from > length) {
        const inner = innerBlock(statement);
        const body = blockStart(inner);
        if (body > from) divide(head + text.slice(from, body), inner);
        cut(end);
      }
      to = end;
    }
    cut(to);
  };
  const body = blockStart(definition.body);
  if (body > 0) divide(text.slice(0, body), definition.body);
  return parts;
}

/** The first block of a statement that may stand without the ones behind it. */
function innerBlock(statement: Statement): readonly Statement[] {
  switch (statement.kind) {
    case 'if': return statement.bodies[0] ?? [];
    case 'for': case 'while': case 'with': return statement.body;
    default: return [];
  }
}
