/**
 * Benchmarks that others wrote, as execution requests: HumanEval's records (prompt, entry point, a script with `check`) and MBPP's (text, code,
 * a list of asserts). One JSON object a line. Not here: files, and running anything.
 */
import type { ExecutionRequest, ProgramTests } from '../../contracts/execution.ts';

/** A problem of any benchmark. */
export interface Problem {
  readonly id: string;
  /** What the completion is joined to; empty where the completion is the whole program. */
  readonly prompt: string;
  readonly tests: ProgramTests;
  /** The authors' own solution: what to join to the prompt. Null where there is none. */
  readonly solution: string | null;
}

export interface Completion {
  readonly taskId: string;
  readonly completion: string;
  /** The whole record, for the file of results. */
  readonly record: Readonly<Record<string, unknown>>;
}

/** The file is not what it should be; says where. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

/** Problems, one a line, or a JSON array of them. Throws FormatError. */
export function parseProblems(text: string): Problem[] {
  const problems = records(text).map(({ record, line }) => problemOf(record, line));
  if (problems.length === 0) throw new FormatError('There is no problem in it.');
  const seen = new Set<string>();
  for (const { id } of problems) {
    if (seen.has(id)) throw new FormatError(`The problem ${id} is there twice.`);
    seen.add(id);
  }
  return problems;
}

/** Samples: `task_id` and `completion`. Throws FormatError. */
export function parseCompletions(text: string): Completion[] {
  return records(text).map(({ record, line }) => {
    const { task_id: taskId, completion } = record;
    if ((typeof taskId !== 'string' && typeof taskId !== 'number') || typeof completion !== 'string') throw new FormatError(`Sample ${line} needs "task_id" and "completion".`);
    return { taskId: String(taskId), completion, record };
  });
}

/** The request that runs one completion of a problem. */
export function executionRequest(problem: Problem, completion: string, id: string): ExecutionRequest {
  return { id, program: problem.prompt + completion, prompt: problem.prompt, tests: problem.tests };
}

function problemOf(record: Readonly<Record<string, unknown>>, line: number): Problem {
  const id = record['task_id'] ?? record['name'];
  if (typeof id !== 'string' && typeof id !== 'number') throw new FormatError(`Problem ${line} has no "task_id".`);
  const string = (name: string): string | null => (typeof record[name] === 'string' ? record[name] : null);
  const list = record['test_list'];
  if (Array.isArray(list)) {
    const lines = [...list, ...(Array.isArray(record['challenge_test_list']) ? record['challenge_test_list'] : [])];
    const setup = [...(Array.isArray(record['test_imports']) ? record['test_imports'] : []), string('test_setup_code') ?? ''];
    const solution = string('code') ?? string('canonical_solution');
    return {
      id: String(id), prompt: string('prefix') ?? '', solution,
      tests: { kind: 'asserts', names: definedNames(solution ?? ''), script: [...setup, ...lines].map(String).filter((part) => part.trim() !== '').join('\n') },
    };
  }
  const test = string('test'), entryPoint = string('entry_point'), prompt = string('prompt');
  if (test === null || prompt === null) throw new FormatError(`Problem ${id} needs "prompt" and "test", or "test_list".`);
  const tests: ProgramTests = entryPoint === null ? { kind: 'asserts', script: test } : { kind: 'check', script: test, entryPoint };
  return { id: String(id), prompt, tests, solution: string('canonical_solution') };
}

/** What the authors' solution defines at its top level: those names are the program's, whatever Python calls so. */
function definedNames(source: string): string[] {
  return [...source.matchAll(/^(?:async\s+)?(?:def|class)\s+(\w+)/gm)].map(([, name]) => name!);
}

function records(text: string): { record: Record<string, unknown>; line: number }[] {
  const trimmed = text.trim();
  if (trimmed.startsWith('[')) {
    const array = parse(trimmed, 1);
    if (Array.isArray(array)) return array.map((record, i) => ({ record: object(record, i + 1), line: i + 1 }));
  }
  return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [{ record: object(parse(line, i + 1), i + 1), line: i + 1 }]));
}

function parse(json: string, line: number): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new FormatError(`Line ${line} is not JSON: ${(error as Error).message}.`, { cause: error });
  }
}

function object(value: unknown, line: number): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FormatError(`Line ${line} is not a JSON object.`);
  return value as Record<string, unknown>;
}
