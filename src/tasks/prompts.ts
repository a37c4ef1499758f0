/**
 * Where a document may be cut so that its head is a prompt: after the signature, after the docstring, after some lines.
 * Text and offsets only. Not here: which documents are drawn (python.ts).
 *
 * Every cut lies between a character that is not white space and white space. There a token ends whatever follows (the
 * tokenizer's pieces.ts), so that the ids of the prompt are the first ids of the document.
 */
import type { TaskKind } from '../contracts/records.ts';
import { logicalLines, type LexToken, type LogicalLine } from './lexer.ts';

export type PromptKind = Exclude<TaskKind, 'unconditional'>;
export const PROMPT_KINDS: readonly PromptKind[] = ['docstring', 'lines', 'signature'];

/** Ends (UTF-16 offsets) of all prompts of each kind that a document has, ascending; a kind that it has none of is empty. */
export type PromptEnds = Readonly<Record<PromptKind, readonly number[]>>;

/**
 * Where the prompts of a function or class end:
 * - `signature`: after the colon of its header, decorators included before it;
 * - `docstring`: after the closing quotes of its docstring;
 * - `lines`: after a statement of its body that is not the docstring, within the first half of the document.
 * After each at least one statement is left to write.
 */
export function promptEnds(text: string): PromptEnds {
  const lines = logicalLines(text);
  const header = lines.findIndex((line) => isHeader(text, line));
  const ends: Record<PromptKind, number[]> = { signature: [], docstring: [], lines: [] };
  const head = lines[header];
  if (!head) return ends;
  const colon = head.tokens.find((token) => token.depth === 0 && isOperator(text, token, ':'))!;
  /** A statement begins at or after `end`: comments are none. */
  const leavesWork = (end: number): boolean => head.tokens.some(({ start }) => start >= end) || lines.some(({ start, tokens }) => start >= end && tokens.length > 0);
  const accept = (kind: PromptKind, end: number): void => {
    if (/^\s/.test(text.slice(end, end + 1)) && leavesWork(end)) ends[kind].push(end);
  };
  accept('signature', colon.end);

  const body = lines.slice(header + 1).filter(({ tokens }) => tokens.length > 0);
  const isInline = head.tokens.some(({ start }) => start > colon.start);
  const docstring = !isInline && body[0] && isStringAlone(body[0]) ? body[0] : undefined;
  if (docstring) accept('docstring', docstring.tokens[0]!.end);
  if (!isInline) {
    for (const line of body.slice(docstring ? 1 : 0)) if (line.end <= text.length / 2) accept('lines', line.end);
  }
  return ends;
}

/** `def`, `async def` or `class` at the start of the line, with the colon that ends its header. */
function isHeader(text: string, { tokens }: LogicalLine): boolean {
  const word = (index: number): string => (tokens[index] ? text.slice(tokens[index].start, tokens[index].end) : '');
  const keyword = word(0) === 'async' ? word(1) : word(0);
  return (keyword === 'def' || keyword === 'class') && tokens.some((token) => token.depth === 0 && isOperator(text, token, ':'));
}

const isOperator = (text: string, { kind, start }: LexToken, operator: string): boolean => kind === 'operator' && text[start] === operator;

/** One string and nothing else: as the first statement of a body a docstring. */
const isStringAlone = ({ tokens }: LogicalLine): boolean => tokens.length === 1 && tokens[0]!.kind === 'string';
