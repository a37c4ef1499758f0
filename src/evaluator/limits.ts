/**
 * How much of a text is looked at, decided by counts alone, so that the same text is always judged in the same way. Up to
 * 300,000 characters, 50,000 tokens and 1,000 joined lines everything is; beyond, CPython and tree-sitter would take seconds and
 * gigabytes, and the rules' verdict stands for CPython's; beyond 700,000 tokens (rules/tokens.ts) or a million bytes nothing is
 * said but that. Not here: nesting, which the rules refuse by themselves.
 */
import { MAX_BYTES } from './parser.ts';
import type { RulesReport } from './rules/index.ts';

/** Characters beyond which CPython is not asked. */
export const WHOLE_CHARACTERS = 300_000;
const TOKENS = 50_000;
/** tree-sitter-python takes quadratic time over backslashes at line ends. */
const JOINED = 1000;

export type Extent = 'whole' | 'rules' | 'unread';

/** More bytes than are read at all? */
export function isTooLarge(text: string): boolean {
  return text.length > MAX_BYTES || (text.length > MAX_BYTES / 3 && Buffer.byteLength(text) > MAX_BYTES);
}

export function extentOf(text: string, { tokens, faults }: RulesReport): Extent {
  if (faults.some(({ kind }) => kind === 'text.tokens')) return 'unread';
  return text.length > WHOLE_CHARACTERS || tokens.tokens.length > TOKENS || tokens.joined > JOINED ? 'rules' : 'whole';
}

export const PARTLY = `judged by the strict rules alone: beyond ${WHOLE_CHARACTERS} characters, ${TOKENS} tokens or ${JOINED} joined lines CPython is not asked and no syntax tree is made`;
