/**
 * What the safety filter reads off code tokens: calls by dotted name, with import aliases followed; values assigned to telling names;
 * decisions by protected attributes. One pass over the tokens. Not here: comments and strings (personal.ts, index.ts).
 */
import type { CallRule } from '../../contracts/safety.ts';
import { T, type Token } from '../rules/tokens.ts';
import { isAssignedSecret } from './formats.ts';

/** Arguments looked through for a safe loader. */
const LOADER_TOKENS = 60;
const ATTRIBUTES: ReadonlySet<string> = new Set(['gender', 'sex', 'race', 'ethnicity', 'ethnic_group', 'religion', 'nationality', 'national_origin', 'disability', 'sexual_orientation', 'skin_color', 'skin_colour']);

export interface CodeReport {
  call(rule: CallRule, start: number, end: number): void;
  secret(start: number, end: number): void;
  attribute(start: number, end: number): void;
}

/** Call rules by exact name, by module and by method name. */
export class CallTable {
  readonly #exact = new Map<string, CallRule>();
  readonly #modules = new Map<string, CallRule>();
  readonly #methods = new Map<string, CallRule>();

  constructor(rules: readonly CallRule[]) {
    for (const rule of rules) {
      for (const name of rule.names) {
        if (name.startsWith('.')) this.#methods.set(name.slice(1), rule);
        else if (name.endsWith('.*')) this.#modules.set(name.slice(0, -2), rule);
        else this.#exact.set(name, rule);
      }
    }
  }

  find(name: string): CallRule | undefined {
    const exact = this.#exact.get(name);
    if (exact) return exact;
    const dot = name.indexOf('.');
    if (dot < 0) return undefined;
    const method = name.startsWith('self.') && name.indexOf('.', dot + 1) < 0 ? undefined : this.#methods.get(name.slice(name.lastIndexOf('.') + 1));
    for (let end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
      const rule = this.#modules.get(name.slice(0, end));
      if (rule) return rule;
    }
    return method;
  }
}

/** Returns the steps taken: a bounded number a token. */
export function readCode(text: string, tokens: readonly Token[], table: CallTable, report: CodeReport): number {
  const aliases = new Map<string, string>();
  let steps = 0;
  for (let i = 0; i < tokens.length; i++) {
    steps++;
    const token = tokens[i]!;
    if (token.type === T.String) {
      readValue(text, tokens, i, report);
      continue;
    }
    if (token.type !== T.Name) continue;
    if (isStatementHead(tokens, i) && (token.value === 'import' || token.value === 'from')) {
      const next = readImport(tokens, i, aliases);
      steps += next - i;
      i = next;
      continue;
    }
    const first = i;
    let name = aliases.get(token.value) ?? token.value;
    let length = 1;
    while (isOp(tokens[i + 1], '.') && tokens[i + 2]?.type === T.Name) {
      i += 2;
      // Longer chains are no module's function; the last name may still be a method's.
      name = length++ < 8 ? `${name}.${tokens[i]!.value}` : `….${tokens[i]!.value}`;
    }
    steps += i - first;
    const before = tokens[first - 1];
    if (isOp(tokens[i + 1], '(') && before?.value !== 'def' && before?.value !== 'class') {
      const rule = table.find(isOp(before, '.') ? `….${name}` : name);
      if (rule && applies(rule, tokens, i + 1)) report.call(rule, token.start, tokens[i]!.end);
      if (rule) steps += LOADER_TOKENS;
    }
    const value = tokens[i + 2];
    if (ATTRIBUTES.has(tokens[i]!.value.toLowerCase()) && isComparison(tokens[i + 1]) && value?.type === T.String) report.attribute(token.start, value.end);
  }
  return steps;
}

const isOp = (token: Token | undefined, value: string): boolean => token?.type === T.Op && token.value === value;
const isComparison = (token: Token | undefined): boolean => isOp(token, '==') || isOp(token, '!=');

function isStatementHead(tokens: readonly Token[], i: number): boolean {
  const before = tokens[i - 1];
  return before === undefined || before.type === T.Newline || before.type === T.Indent || before.type === T.Dedent || isOp(before, ';') || isOp(before, ':');
}

function applies({ when }: CallRule, tokens: readonly Token[], open: number): boolean {
  const argument = tokens[open + 1];
  if (when === 'data') {
    const literal = argument?.type === T.String && (isOp(tokens[open + 2], ')') || isOp(tokens[open + 2], ','));
    return argument !== undefined && !literal && !isOp(argument, ')');
  }
  if (when !== 'unsafe-loader') return true;
  const close = tokens[open]!.match;
  const last = Math.min(close > open ? close : tokens.length, open + LOADER_TOKENS);
  for (let i = open; i < last; i++) if (['SafeLoader', 'CSafeLoader', 'BaseLoader'].includes(tokens[i]!.value)) return false;
  return true;
}

/** `import a.b as c`, `from a import b as c`; the index of the last token that was read. */
function readImport(tokens: readonly Token[], at: number, aliases: Map<string, string>): number {
  let i = at + 1;
  const dotted = (): string => {
    let name = '';
    for (; tokens[i]?.type === T.Name || isOp(tokens[i], '.') || isOp(tokens[i], '...'); i++) {
      if (tokens[i]!.value === 'import' || tokens[i]!.value === 'as') break;
      if (name.length < 200) name += tokens[i]!.value;
    }
    return name;
  };
  let module = '';
  if (tokens[at]!.value === 'from') {
    module = `${dotted()}.`;
    if (tokens[i]?.value !== 'import') return i - 1;
    i++;
  }
  for (;;) {
    if (isOp(tokens[i], '(') || isOp(tokens[i], ')') || isOp(tokens[i], ',')) {
      i++;
      continue;
    }
    const name = dotted();
    if (name === '') return i - 1;
    if (tokens[i]?.value === 'as' && tokens[i + 1]?.type === T.Name) {
      aliases.set(tokens[i + 1]!.value, module + name);
      i += 2;
    } else if (module !== '') aliases.set(name, module + name);
    if (!isOp(tokens[i], ',') && !isOp(tokens[i], ')')) return i - 1;
  }
}

/** A string behind `=`, `:` or `==`: what is it assigned to or compared with? */
function readValue(text: string, tokens: readonly Token[], at: number, report: CodeReport): void {
  const operator = tokens[at - 1];
  const token = tokens[at]!;
  if (!isOp(operator, '=') && !isOp(operator, ':') && !isComparison(operator)) return;
  const name = targetBefore(text, tokens, at - 1);
  if (name === null) return;
  if (isComparison(operator) && ATTRIBUTES.has(name.text.toLowerCase()) && name.subscript) report.attribute(name.start, token.end);
  if (isAssignedSecret(name.text, contentOf(text, token))) report.secret(token.start, token.end);
}

function targetBefore(text: string, tokens: readonly Token[], operator: number): { text: string; start: number; subscript: boolean } | null {
  const before = tokens[operator - 1], second = tokens[operator - 2], third = tokens[operator - 3];
  const named = (token: Token, subscript = false) => ({ text: token.type === T.String ? contentOf(text, token) : token.value, start: token.start, subscript });
  if (before?.type === T.String) return named(before);
  if (isOp(before, ']') && second?.type === T.String) return named(second, true);
  if (before?.type !== T.Name) return null;
  // `name: str = …`: the annotation stands between.
  return isOp(second, ':') && third?.type === T.Name ? named(third) : named(before);
}

/** A string literal without prefix and quotes; at most 600 characters of it. */
function contentOf(text: string, { start, end }: Token): string {
  let from = start;
  while (from < end && text[from] !== '"' && text[from] !== "'") from++;
  const width = text.startsWith(text[from]!.repeat(3), from) && end - from >= 6 ? 3 : 1;
  return text.slice(from + width, Math.min(Math.max(from + width, end - width), from + width + 600));
}
