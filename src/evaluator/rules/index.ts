/**
 * The strict rules over one text: tokens, then the grammar, then placement and scopes. What they accept, CPython's compiler should
 * accept, and the other way round (bench/judge.ts measures how nearly). They never ask CPython.
 */
import { SourceText } from '../text.ts';
import { MOST_FAULTS, type Fault } from './faults.ts';
import { Placement } from './placement.ts';
import { StatementReader } from './statements.ts';
import { T, tokenize, type Tokens } from './tokens.ts';
import type { Statement } from './tree.ts';

export { RULE_KINDS, type Fault, type RuleKind } from './faults.ts';
export type { Statement } from './tree.ts';

export interface RulesReport {
  /** In order of place; empty when the text is legal Python. */
  readonly faults: readonly Fault[];
  readonly statements: readonly Statement[];
  readonly tokens: Tokens;
}

/** Most faults that are kept of one text: one early fault may make every later line faulty. */
const MAX_FAULTS = 50;

/** Applies every rule. Never throws because of what the text holds. */
export function checkRules(text: string, source = new SourceText(text)): RulesReport {
  const tokens = tokenize(text);
  const reader = new StatementReader(text, tokens, (offset) => source.position(offset).line);
  const statements = reader.module();
  const names = tokens.tokens.some(({ type, value }) => type === T.Name && (value === 'global' || value === 'nonlocal'));
  const placed: Fault[] = [];
  new Placement((fault) => void (placed.length < MOST_FAULTS && placed.push(fault)), names).walk(statements);
  reader.faults.push(...placed);
  unencodable(text, reader.faults);
  const sorted = reader.faults.sort((a, b) => a.start - b.start || a.end - b.end);
  const faults = withoutConsequences(sorted).slice(0, MAX_FAULTS);
  return { faults, statements, tokens };
}

/** After a wrong indentation a `return` or `break` may stand outside its function or loop only because of it: said once is enough. */
function withoutConsequences(faults: readonly Fault[]): Fault[] {
  const indent = faults.find(({ kind }) => kind.startsWith('indent.'));
  return faults.filter(({ kind, start }) => !(indent && start >= indent.start && MISPLACED.has(kind)));
}

const MISPLACED: ReadonlySet<string> = new Set(['placement.return', 'placement.yield', 'placement.await', 'placement.async', 'placement.loop']);

/** Wherever they stand, in strings and comments too: half a surrogate pair, which UTF-8 cannot hold, and NUL, which CPython refuses. */
function unencodable(text: string, faults: Fault[]): void {
  const lone = /\p{Surrogate}/u.exec(text);
  if (lone && !faults.some(({ kind }) => kind === 'character.surrogate')) {
    const code = lone[0].charCodeAt(0).toString(16);
    const message = `'utf-8' codec can't encode character '\\u${code}' in position ${lone.index}: surrogates not allowed`;
    faults.push({ kind: 'character.surrogate', message, start: lone.index, end: lone.index + 1 });
  }
  const nul = text.indexOf('\0');
  if (nul >= 0 && !faults.some(({ kind }) => kind === 'character.null')) {
    faults.push({ kind: 'character.null', message: 'source code string cannot contain null bytes', start: nul, end: nul + 1 });
  }
}
