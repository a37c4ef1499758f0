/**
 * How the verdict on a program is made from what the two interpreters send: pure functions over texts and records. The program's interpreter
 * is never believed beyond "this value came back": passing or failing is what the trusted interpreter counted. Not here: processes.
 */
import type { ExecutionOutcome, ExecutionRequest, FailedAssertion } from '../../contracts/execution.ts';

/** JSON in ASCII: the channel carries bytes, a line a message. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What the program's interpreter is asked first. */
export function loadRequest({ program, tests }: ExecutionRequest, seed: number, outputBytes: number): string {
  return asciiJson({ program, main: tests.kind === 'none', seed, outputBytes });
}

/** What the trusted interpreter is asked. It never sees the program. */
export function testRequest({ prompt, tests }: ExecutionRequest): string | null {
  if (tests.kind === 'none') return null;
  return asciiJson({ prompt: prompt ?? '', script: tests.script, ...(tests.kind === 'check' ? { entryPoint: tests.entryPoint } : { names: tests.names ?? [] }) });
}

/** What the program tried and may not, by its own interpreter's audit; null in nearly every answer. */
export function forbiddenIn(answer: string): string | null {
  // Nothing else begins so: the harness writes this key first.
  if (!answer.startsWith('{"forbidden":')) return null;
  try {
    const { forbidden } = JSON.parse(answer) as { forbidden?: unknown };
    return typeof forbidden === 'string' ? forbidden.slice(0, 200) : null;
  } catch {
    return null;
  }
}

/** How loading the program went: null when it did not raise. */
export function loadOutcome(answer: string, limitMb: number): ExecutionOutcome | null {
  const parsed = parseObject(answer);
  if (!parsed) return { verdict: 'forbidden', what: 'the answer to loading the program is malformed' };
  if ('memory' in parsed) return { verdict: 'out-of-memory', limitMb };
  if (!('raise' in parsed)) return null;
  const raised = (parsed['raise'] ?? {}) as Record<string, unknown>;
  return {
    verdict: 'error', type: text(raised['type'], 'Exception'), message: text(raised['message'], ''), where: 'program',
    line: typeof raised['line'] === 'number' ? raised['line'] : null,
  };
}

export interface TestResult {
  readonly outcome: ExecutionOutcome;
  readonly assertions: number;
}

/** The trusted interpreter's verdict; null when it is not one, which is a fault of the judge. */
export function testResult(answer: string, limitMb: number): TestResult | null {
  const parsed = parseObject(answer);
  if (!parsed) return null;
  const assertions = typeof parsed['assertions'] === 'number' ? parsed['assertions'] : 0;
  switch (parsed['verdict']) {
    case 'passed':
      return { outcome: { verdict: 'passed' }, assertions };
    case 'failed':
      return { outcome: { verdict: 'failed', assertion: parsed['assertion'] as FailedAssertion }, assertions };
    case 'out-of-memory':
      return { outcome: { verdict: 'out-of-memory', limitMb }, assertions };
    case 'error':
      return {
        outcome: {
          verdict: 'error', type: text(parsed['type'], 'Exception'), message: text(parsed['message'], ''), line: typeof parsed['line'] === 'number' ? parsed['line'] : null,
          where: parsed['where'] === 'tests' ? 'tests' : 'program',
        },
        assertions,
      };
    default:
      return null;
  }
}

/** What a program printed, from the answer to the last request. */
export function outputIn(answer: string): string {
  const output = parseObject(answer)?.['output'];
  return typeof output === 'string' ? output : '';
}

/** One line that says how it ended, for people. */
export function describeOutcome(outcome: ExecutionOutcome): string {
  switch (outcome.verdict) {
    case 'passed':
      return 'passed';
    case 'failed': {
      const { line, source, got, wanted } = outcome.assertion;
      return `failed: line ${line} of the tests, ${source}${got === null ? '' : `; got ${got}, wanted ${wanted}`}`;
    }
    case 'error':
      return `${outcome.where === 'tests' ? 'the tests could not be carried out: ' : ''}${outcome.type}${outcome.message ? `: ${outcome.message}` : ''}${outcome.line === null ? '' : ` (line ${outcome.line})`}`;
    case 'timeout':
      return `timed out after ${outcome.limitMs / 1000} s`;
    case 'out-of-memory':
      return `out of memory (limit ${outcome.limitMb} MB)`;
    case 'crashed':
      return `the interpreter ended (${outcome.signal ?? `exit ${outcome.exitCode ?? '?'}`})`;
    case 'forbidden':
      return `forbidden: ${outcome.what}`;
    case 'sandbox-unavailable':
      return outcome.message;
  }
}

function parseObject(json: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(json) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
