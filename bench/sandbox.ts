/**
 * A thousand mixed hostile runs, each kind in turn with a harmless program after every few: is each answered with a right verdict within its
 * limit and a second, does anything get out, is anything left. And how many harmless programs a second go through.
 *
 *     npm run bench -- sandbox --help
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ExecutionRequest, ExecutionVerdict, SandboxName } from '../src/contracts/execution.ts';
import { openExecutor } from '../src/index.ts';
import { hostilePrograms, interpretersLeft } from './hostile-programs.ts';
import { oneOf, wholeNumber } from './usage.ts';

export interface SandboxBench {
  readonly machine: string;
  readonly sandbox: SandboxName | null;
  readonly interpreter: string;
  readonly runs: number;
  readonly limitSeconds: number;
  readonly seconds: number;
  /** Runs answered with another verdict than a right one, by kind. */
  readonly wrong: Readonly<Record<string, number>>;
  readonly verdicts: Readonly<Record<string, number>>;
  /** Seconds of the longest run, from ready to verdict; and how many took longer than the limit and a second. */
  readonly longest: number;
  readonly late: number;
  /** Connections that came, secrets that were printed, files that were written. */
  readonly escapes: number;
  /** Processes and temporary files that were there afterwards and not before. */
  readonly leftovers: readonly string[];
  /** Harmless programs in between that passed, of how many. */
  readonly harmless: { readonly passed: number; readonly of: number };
  /** Harmless programs a second, one process each, by itself. */
  readonly perSecond: number;
}

const INTERPRETERS = ['pyodide', 'python3'] as const, SANDBOXES = ['bwrap', 'unshare'] as const;
const HARMLESS = { program: 'def add(a, b):\n    return a + b\n', tests: { kind: 'check', entryPoint: 'add', script: 'def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate("a", "b") == "ab"\n' } } as const;

interface SandboxBenchOptions {
  readonly runs: number;
  readonly interpreter: (typeof INTERPRETERS)[number];
  /** Null: the one the executor chooses. */
  readonly sandbox: Exclude<SandboxName, 'none'> | null;
  /** Of a program, in seconds. */
  readonly limit: number;
  readonly workers: number;
}

export async function benchSandbox({ runs, interpreter, sandbox, limit, workers }: SandboxBenchOptions): Promise<SandboxBench> {
  const folder = mkdtempSync(join(tmpdir(), 'ouroboros-bench-'));
  const secret = randomUUID();
  const secretFile = join(folder, 'secret.txt'), markFile = join(folder, 'mark.txt');
  writeFileSync(secretFile, secret);
  process.env['OUROBOROS_BENCH_SECRET'] = secret;
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const executor = openExecutor({ interpreter, workers, timeMs: limit * 1000, memoryMb: 256, diskBytes: 16_000_000, twice: false, ...(sandbox ? { sandbox } : {}) });
  try {
    const before = { processes: interpretersLeft(), files: new Set(readdirSync(tmpdir())) };
    await executor.executeMany([{ id: 'warm', ...HARMLESS }]);
    const kinds = hostilePrograms({ port, pid: process.pid, secretFile, markFile });
    const requests: ExecutionRequest[] = [];
    const right: (readonly string[])[] = [];
    for (let i = 0; i < runs; i++) {
      const kind = kinds[i % kinds.length]!;
      requests.push({ id: kind.name, program: kind.program, tests: { kind: 'none' } });
      right.push(kind[interpreter]);
      if (i % 5 === 4) {
        requests.push({ id: 'harmless', ...HARMLESS });
        right.push(['passed']);
      }
    }
    const begun = performance.now();
    const verdicts = await executor.executeMany(requests);
    const seconds = (performance.now() - begun) / 1000;
    const hostile = verdicts.filter(({ id }) => id !== 'harmless'), harmless = verdicts.filter(({ id }) => id === 'harmless');
    const many = await speed(executor, Math.min(40, runs));
    await executor.close();
    const leftovers = [...interpretersLeft().filter((found) => !before.processes.includes(found)), ...readdirSync(tmpdir()).filter((name) => name.startsWith(`ouroboros-program-${process.pid}-`) && !before.files.has(name))];
    return {
      machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`, sandbox: (await executor.sandbox()).sandbox, interpreter, runs, limitSeconds: limit, seconds,
      wrong: tally(verdicts.filter(({ verdict }, i) => !right[i]!.includes(verdict)).map(({ id, verdict }) => `${id}: ${verdict}`)),
      verdicts: tally(hostile.map(({ verdict }) => verdict)), longest: Math.max(...verdicts.map((verdict) => verdict.seconds)), late: verdicts.filter((verdict) => verdict.seconds > limit + 1).length,
      escapes: connections + Number(existsSync(markFile)) + verdicts.filter((verdict) => JSON.stringify(verdict).includes(secret)).length, leftovers,
      harmless: { passed: harmless.filter(({ passed }) => passed).length, of: harmless.length }, perSecond: many,
    };
  } finally {
    await executor.close();
    server.close();
    rmSync(folder, { recursive: true });
    delete process.env['OUROBOROS_BENCH_SECRET'];
  }
}

async function speed(executor: { executeMany(requests: readonly ExecutionRequest[]): Promise<ExecutionVerdict[]> }, n: number): Promise<number> {
  const begun = performance.now();
  await executor.executeMany(Array.from({ length: n }, (_, i) => ({ id: String(i), ...HARMLESS })));
  return n / ((performance.now() - begun) / 1000);
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

export function formatSandboxBench(bench: SandboxBench): string {
  const list = (counts: Readonly<Record<string, number>>): string => Object.entries(counts).map(([name, n]) => `${n} ${name}`).join(', ') || 'none';
  return [
    `${bench.machine}; sandbox ${bench.sandbox}, ${bench.interpreter}, limit ${bench.limitSeconds} s`, '',
    `| hostile runs | escapes | left behind | later than the limit + 1 s | longest | wrong verdicts | harmless in between |`, '|---|---|---|---|---|---|---|',
    `| ${bench.runs} | ${bench.escapes} | ${bench.leftovers.length} | ${bench.late} | ${bench.longest.toFixed(2)} s | ${list(bench.wrong)} | ${bench.harmless.passed} of ${bench.harmless.of} passed |`, '',
    `Verdicts: ${list(bench.verdicts)}. ${bench.seconds.toFixed(0)} s in all; harmless programs alone, a process each: ${bench.perSecond.toFixed(1)} a second.`,
    ...bench.leftovers.map((left) => `Left behind: ${left}`),
  ].join('\n');
}

/** Command line: prints the table, or one JSON object with `--json`. Exits with 1 when something got out or was left. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string', default: '1000' }, interpreter: { type: 'string', default: 'pyodide' }, sandbox: { type: 'string' },
      limit: { type: 'string', default: '2' }, workers: { type: 'string', default: '2' }, json: { type: 'boolean', default: false },
    },
  });
  const result = await benchSandbox({
    runs: wholeNumber('--runs', values.runs), limit: wholeNumber('--limit', values.limit), workers: wholeNumber('--workers', values.workers),
    interpreter: oneOf('interpreter', values.interpreter, INTERPRETERS), sandbox: values.sandbox === undefined ? null : oneOf('sandbox', values.sandbox, SANDBOXES),
  });
  process.stdout.write(`${values.json ? JSON.stringify(result) : formatSandboxBench(result)}\n`);
  if (result.escapes > 0 || result.leftovers.length > 0) process.exitCode = 1;
}
