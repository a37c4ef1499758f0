/**
 * ruff's linter and formatter, as they come in its WebAssembly package, loaded into this process when first asked (90 MB, 350 MB once
 * V8 has compiled what is used). A fixed selection of rules with the reason for each group, so that a figure means the same
 * everywhere. Not here: what is made of the findings (quality.ts), and syntax errors, which are CPython's and the strict rules'
 * business.
 *
 * Source of every rule: https://docs.astral.sh/ruff/rules/
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const PACKAGE = '@astral-sh/ruff-wasm-nodejs';

/** What is asked of ruff, by group of rule codes, and why. */
export const LINT_RULES: Readonly<Record<string, string>> = {
  F: 'Pyflakes: undefined and unused names, redefinitions, format strings that do not match their arguments',
  E7: 'pycodestyle: comparisons with None and True, several statements on one line, bare except, ambiguous names (PEP 8)',
  W6: 'pycodestyle: invalid escape sequences',
  B: 'bugbear: likely bugs, such as mutable defaults and loop variables caught by a closure',
  SIM1: 'simplify: conditions and returns that say the same in fewer words',
  RET5: 'returns: an else after return, raise, break or continue',
  C4: 'comprehensions: calls that a comprehension or literal says more plainly',
  N80: 'naming: classes in CapWords, functions, arguments and variables in lower case (PEP 8)',
  PLR17: 'refactoring: branches that can be joined or collapsed',
  PIE: 'needless pass, spread and repeated members',
};

/**
 * Rules of these groups that are off: one depends on a project's Python version, one is a matter of taste, and one objects to
 * `__init__` outside a class, which is how a method looks that is read by itself.
 */
const IGNORED: readonly string[] = ['B905', 'SIM108', 'N807'];

const LINE_LENGTH = 88;
const UTF16 = 1;

export interface LintDiagnostic {
  /** Such as `F841`. */
  readonly code: string;
  readonly message: string;
  /** 1-based line and 1-based column in UTF-16 units; end exclusive. */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

interface Workspace {
  check(text: string): { code: string | null; message: string; start_location: { row: number; column: number }; end_location: { row: number; column: number } }[];
  format(text: string): string;
}

let workspace: Workspace | undefined;

function load(): Workspace {
  if (workspace) return workspace;
  const { Workspace: Ruff } = require(PACKAGE) as { Workspace: new (options: unknown, encoding: number) => Workspace };
  workspace = new Ruff({ 'target-version': 'py314', 'line-length': LINE_LENGTH, lint: { select: Object.keys(LINT_RULES), ignore: IGNORED } }, UTF16);
  return workspace;
}

/** Deep texts overrun its stack; the instance is then in no known state, so the next call loads another (about 0.1 s). */
function guarded<T>(work: (workspace: Workspace) => T): T | null {
  try {
    return work(load());
  } catch (error) {
    if (!(error instanceof RangeError) && (error as Error).name !== 'RuntimeError') return null;
    workspace = undefined;
    delete require.cache[require.resolve(PACKAGE)];
    return null;
  }
}

/** Diagnostics in order of place, syntax errors left out; null when ruff could not read the text. */
export function lint(text: string): LintDiagnostic[] | null {
  return guarded((ruff) =>
    ruff
      .check(text)
      .flatMap(({ code, message, start_location: start, end_location: end }) =>
        code === null || code === 'invalid-syntax' ? [] : [{ code, message, line: start.row, column: start.column, endLine: end.row, endColumn: end.column }])
      .sort((a, b) => a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : 1)));
}

/** The text as ruff's formatter (the style of Black, 88 columns) writes it; null when it does not parse. */
export function format(text: string): string | null {
  return guarded((ruff) => ruff.format(text));
}
