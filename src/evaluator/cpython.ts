/**
 * CPython's own compiler, as it comes in the pyodide package (CPython compiled to WebAssembly), loaded into this process.
 * It answers one question about many texts: does `compile(text, '<sample>', 'exec', dont_inherit=True)` succeed, and if not,
 * what does it say and where does it point. Nothing is executed. Not here: processes, and what a finding looks like.
 *
 * The verdict of a whole batch is one call into Python: crossing the boundary costs more than compiling a short text.
 */
import { loadPyodide } from 'pyodide';
import { BEGINNINGS, type Beginning } from '../contracts/evaluator.ts';
import { BEGINNINGS_PROGRAM } from './beginnings.ts';
import { BROKEN_PROGRAM } from './broken.ts';
import { SCAN_PROGRAM } from './scan.ts';

/** What CPython said of a text it rejects. Lines are 1-based, columns 0-based in code points, null where it names no place. */
export interface CompileError {
  /** The exception's class: SyntaxError, IndentationError, TabError, UnicodeEncodeError, RecursionError, MemoryError, … */
  readonly type: string;
  readonly message: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly endLine: number | null;
  readonly endColumn: number | null;
  /**
   * Index (code points) of the first character after which no continuation compiles any more, the text's length when every
   * prefix can still be completed; null where it was not asked for, or not found (no SyntaxError, or a very long text).
   */
  readonly broken: number | null;
}

export interface CPython {
  /** Python's version, such as `3.14.2`. */
  readonly version: string;
  /**
   * One answer a text, in order: null when it compiles. `locate` (by index) asks for `broken`, which costs about ten more
   * compilations of a text that fails. Throws CPythonDied when the interpreter is lost.
   */
  compileAll(texts: readonly string[], locate?: readonly boolean[]): (CompileError | null)[];
  /** Can each text be the beginning of a program: can anything be written right behind its last character so that all of it can be parsed? */
  beginnings(texts: readonly string[]): Beginning[];
}

/** The interpreter overran its stack or aborted; this process cannot use it any more and should be replaced. */
export class CPythonDied extends Error {
  override readonly name = 'CPythonDied';
}

const PROGRAM = String.raw`
${SCAN_PROGRAM}
${BROKEN_PROGRAM}
${BEGINNINGS_PROGRAM}
import sys, warnings
warnings.simplefilter('ignore')
sys.set_int_max_str_digits(4300)

def check(texts, locate):
    out = []
    for i, text in enumerate(texts):
        try:
            compile(text, '<sample>', 'exec', dont_inherit=True)
            out.append(None)
        except SyntaxError as error:
            out.append([type(error).__name__, str(error.msg), error.lineno, error.offset, error.end_lineno, error.end_offset, broken(text, error) if locate[i] else None])
        except (ValueError, RecursionError, MemoryError, OverflowError, SystemError) as error:
            out.append([type(error).__name__, str(error), None, None, None, None, None])
    return out

def beginnings(texts):
    return [begins(text) for text in texts]

check
`;

type Row = readonly [type: string, message: string, ...places: (number | null | undefined)[]];

/** Loads Pyodide from node_modules (about two seconds, 170 MB); no network is used. */
export async function loadCPython(): Promise<CPython> {
  const silent = { stdout: () => {}, stderr: () => {} };
  const pyodide = await loadPyodide(silent);
  const check = pyodide.runPython(PROGRAM) as (...lists: unknown[]) => { toJs(): unknown[]; destroy(): void };
  const beginnings = pyodide.globals.get('beginnings') as typeof check;
  const version = String(pyodide.runPython('".".join(map(str, sys.version_info[:3]))'));
  /** Calls the function with the lists; what crossed the boundary is freed on both sides. */
  const ask = (program: typeof check, work: string, ...lists: readonly unknown[][]): readonly unknown[] => {
    try {
      const given = lists.map((list) => pyodide.toPy(list) as { destroy(): void });
      try {
        const answers = program(...given);
        try {
          return answers.toJs();
        } finally {
          answers.destroy();
        }
      } finally {
        for (const list of given) list.destroy();
      }
    } catch (error) {
      // Of a lost interpreter nothing can be freed either.
      throw new CPythonDied(`CPython ended while ${work} (${error instanceof Error ? error.message : String(error)}); load it again in a new process.`);
    }
  };
  return {
    version,
    beginnings: (texts) => (texts.length === 0 ? [] : (ask(beginnings, 'parsing', [...texts]) as number[]).map((answer) => BEGINNINGS[answer]!)),
    compileAll(texts, locate = []) {
      if (texts.length === 0) return [];
      const rows = ask(check, 'compiling', [...texts], texts.map((_, i) => locate[i] ?? false)) as readonly (Row | null | undefined)[];
      return rows.map((row) => (row ? toError(row) : null));
    },
  };
}

function toError([type, message, line, offset, endLine, endOffset, broken]: Row): CompileError {
  const column = (value: number | null | undefined): number | null => (typeof value === 'number' && value > 0 ? value - 1 : null);
  return { type, message, line: line ?? null, column: column(offset), endLine: endLine ?? null, endColumn: column(endOffset), broken: broken ?? null };
}
