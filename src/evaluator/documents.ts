/**
 * The documents of a corpus file: its functions and classes, dedented, each of which would be valid if it were a sample: it compiles by itself and is not
 * empty. (A policy that learns stubs from its documents is blamed for each that it writes.) What stands at top level
 * counts, and what stands directly in a top-level class (methods are most of the code there is). Not here: which files are read
 * and which documents are kept.
 */
import type { Span } from '../contracts/records.ts';
import { isHollow } from './counts.ts';
import type { CPython } from './cpython.ts';
import { checkRules, type Statement } from './rules/index.ts';
import type { Tokens } from './rules/tokens.ts';
import { SourceText } from './text.ts';

export interface FoundDocument {
  /** Dedented, without trailing blank lines, ending in one line feed. */
  readonly text: string;
  /** Where it stands in the file. */
  readonly span: Span;
}

type Definition = Extract<Statement, { kind: 'def' | 'class' }>;

/** Functions (async too, decorators included) and classes in source order. Never throws because of what the source holds. */
export function findDocuments(source: string, cpython: CPython): FoundDocument[] {
  const place = new SourceText(source);
  const { statements, tokens } = checkRules(source, place);
  const found: FoundDocument[] = [];
  for (const definition of candidates(statements)) {
    const text = dedent(source, definition, tokens.strings);
    if (text !== null) found.push({ text, span: place.span(definition.start, definition.end) });
  }
  const legal = found.filter(({ text }) => isWholeSample(text));
  const verdicts = cpython.compileAll(legal.map(({ text }) => text));
  return legal.filter((_, index) => verdicts[index] === null);
}

/** Whether a text would be a valid sample, as far as can be said without CPython. */
export function isWholeSample(text: string): boolean {
  const { faults, statements } = checkRules(text);
  return faults.length === 0 && !isHollow(statements);
}

function* candidates(statements: readonly Statement[]): Generator<Definition> {
  for (const statement of statements) {
    if (statement.kind !== 'def' && statement.kind !== 'class') continue;
    yield statement;
    if (statement.kind !== 'class') continue;
    for (const inner of statement.body) if (inner.kind === 'def' || inner.kind === 'class') yield inner;
  }
}

/**
 * The definition's text with its own indentation taken off every line that is code. Lines inside a string keep theirs, except
 * that a docstring moves with its function (CPython strips a docstring's indentation itself). Null when a line is indented by
 * other characters than the first, or the definition shares its line with other code.
 */
function dedent(source: string, { start, end }: Definition, strings: Tokens['strings']): string | null {
  const lineStart = Math.max(source.lastIndexOf('\n', start - 1), source.lastIndexOf('\r', start - 1)) + 1;
  const indent = source.slice(lineStart, start);
  if (/[^ \t]/.test(indent)) return null;
  const text = source.slice(start, end).replace(/\r\n?/g, '\n');
  if (indent === '') return finish(text);
  // CR LF shortens the text, so string ranges are found again in what is dedented.
  const inside = insideStrings(source.slice(lineStart, end).replace(/\r\n?/g, '\n'), indent, strings, source.includes('\r'), lineStart);
  if (!inside) return null;
  const lines: string[] = [];
  let offset = -indent.length;
  for (const line of `${indent}${text}`.split('\n')) {
    const kind = inside(offset + indent.length);
    if (kind === 'string') lines.push(line);
    else if (line.startsWith(indent)) lines.push(line.slice(indent.length));
    else if (line.trim() === '') lines.push('');
    else if (kind === 'code' && !/^\s*#/.test(line) && lines.length > 0 && !/^[ \t]*/.test(line)) return null;
    else lines.push(line.replace(/^[ \t]+/, (white) => (indent.startsWith(white) ? '' : white)));
    offset += line.length + 1;
  }
  return finish(lines.join('\n'));
}

function finish(text: string): string {
  return `${text.replace(/[ \t\f]+$/gm, (white, at: number) => (at + white.length === text.length ? '' : white)).replace(/\s+$/, '')}\n`;
}

/** What the line beginning at an offset of the text is in: code, a docstring, another string. */
function insideStrings(text: string, indent: string, strings: Tokens['strings'], changed: boolean, base: number): ((offset: number) => 'code' | 'docstring' | 'string') | null {
  const ranges = changed ? checkRules(text).tokens.strings : strings.map(({ start, end }) => ({ start: start - base, end: end - base }));
  const multiline = ranges.filter(({ start, end }) => end > 0 && start < text.length && text.slice(Math.max(0, start), end).includes('\n'));
  const moves = multiline.map(({ start, end }) => {
    const alone = /(?:^|\n)[ \t]*$/.test(text.slice(0, start)) && /^[ \t]*(?:#[^\n]*)?(?:\n|$)/.test(text.slice(end));
    const follows = text.slice(start, end).split('\n').slice(1).every((line) => line.startsWith(indent) || line.trim() === '');
    return alone && follows;
  });
  return (offset) => {
    const index = multiline.findIndex(({ start, end }) => start < offset && offset < end);
    return index < 0 ? 'code' : moves[index] ? 'docstring' : 'string';
  };
}
