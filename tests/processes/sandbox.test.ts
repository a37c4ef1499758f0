/**
 * Programs behind the walls that this machine has: hostile ones, forgers, and right ones that look odd. Everything is bounded by the walls and
 * aims at 127.0.0.1 and folders of the test's own. Where no wall holds, what needs one is skipped, and said.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostilePrograms, interpretersLeft } from '../../bench/hostile-programs.ts';
import type { ExecutionRequest, ExecutionVerdict, ExecutorOptions, ProgramTests } from '../../src/contracts/execution.ts';
import { describeOutcome } from '../../src/evaluator/execution/index.ts';
import { findSandbox } from '../../src/processes/sandbox.ts';
import { ExecutorError, SandboxExecutor } from '../../src/processes/sandbox-executor.ts';
import { cheats, problem } from '../evaluator/execution/cheats.ts';
import { unusual } from '../evaluator/execution/unusual.ts';

const report = await findSandbox();
const walls = report.tried.filter(({ usable }) => usable).map(({ name }) => name as 'bwrap' | 'unshare');
const held = walls.length > 0;
const native = existsSync('/usr/bin/python3') || existsSync('/usr/local/bin/python3');
/** Whole suites run where a process costs little; parts of them run in Pyodide too. */
const quick: 'python3' | 'pyodide' = native ? 'python3' : 'pyodide';
if (!held) process.stderr.write(`\n*** NO SANDBOX HOLDS HERE: the tests of execution are SKIPPED. ${report.tried.map(({ name, reason }) => `${name}: ${reason}`).join('; ')} ***\n\n`);
else if (walls.length < report.tried.length) process.stderr.write(`\n*** Execution is tested behind ${walls.join()} only. ${report.tried.filter(({ usable }) => !usable).map(({ name, reason }) => `${name}: ${reason}`).join('; ')} ***\n\n`);

const open: SandboxExecutor[] = [];
function executor(options: ExecutorOptions = {}): SandboxExecutor {
  const made = new SandboxExecutor({ workers: 2, twice: false, memoryMb: 256, diskBytes: 16_000_000, timeMs: 20_000, ...options });
  open.push(made);
  return made;
}
const none: ProgramTests = { kind: 'none' };
const asserts = (script: string): ProgramTests => ({ kind: 'asserts', script });
const check: ProgramTests = { kind: 'check', script: problem.script, entryPoint: 'solve' };
const harmless: ExecutionRequest = { id: 'harmless', program: 'def add(a, b): return a + b\n', tests: asserts('assert add(1, 2) == 3') };
const told = (verdicts: readonly ExecutionVerdict[]): string[] => verdicts.map((verdict) => `${verdict.id}: ${describeOutcome(verdict)}`);

afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
});

describe.skipIf(!held)('hostile programs', () => {
  let server: Server;
  let folder: string;
  let connections = 0;
  let target: Parameters<typeof hostilePrograms>[0];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hostile-'));
    writeFileSync(join(folder, 'secret.txt'), 'a-secret-of-the-host');
    server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    target = { port: (server.address() as { port: number }).port, pid: process.pid, secretFile: join(folder, 'secret.txt'), markFile: join(folder, 'mark.txt') };
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  async function attack(options: ExecutorOptions, only: (name: string) => boolean): Promise<void> {
    const interpreter = options.interpreter ?? 'pyodide';
    const before = new Set([...interpretersLeft(), ...readdirSync(tmpdir())]);
    const runner = executor(options);
    const programs = hostilePrograms(target).filter(({ name }) => only(name));
    expect(programs.length).toBeGreaterThan(0);
    // A short limit for what runs into it, a long one for what must end by another wall: verdicts hang on no clock.
    const verdicts = await runner.executeMany(programs.map((one) => ({ id: one.name, program: one.program, tests: none, timeMs: one[interpreter].includes('timeout') ? 700 : 20_000 })));
    const wrong = verdicts.filter(({ verdict }, i) => !programs[i]![interpreter].includes(verdict));
    expect(told(wrong)).toEqual([]);
    expect(connections).toBe(0);
    expect(existsSync(target.markFile)).toBe(false);
    expect(JSON.stringify(verdicts)).not.toContain('a-secret-of-the-host');
    // The next program runs as if nothing had been.
    const [next] = await runner.executeMany([harmless]);
    expect(told([next!])).toEqual(['harmless: passed']);
    await runner.close();
    const left = [...interpretersLeft(), ...readdirSync(tmpdir()).filter((name) => name.startsWith(`ouroboros-program-${process.pid}-`))].filter((found) => !before.has(found));
    expect(left).toEqual([]);
  }

  // Every one behind the wall that is chosen first; behind the other what only the wall itself holds.
  const walled = ['sleep that ignores signals', 'fork bomb round the audit', 'a daemon round the audit', 'leaves its session', 'kills everything', 'a connection round the audit', 'disk fill', 'a secret file', 'writes outside', '/proc root of process 1'];
  walls.forEach((sandbox, i) => {
    it.skipIf(!native)(`native, behind ${sandbox}: contained, and answered with its verdict`, () => attack({ interpreter: 'python3', sandbox }, (name) => i === 0 || walled.includes(name)));
  });

  it('in Pyodide: contained, and answered with its verdict', () =>
    attack({}, (name) => ['infinite loop', 'fork bomb', '1 GB of output', 'disk fill by many files', 'a secret file', 'a connection by JavaScript', 'a connection', 'interpreter abort', 'exit behind the harness'].includes(name)));

  it('memory has its limit in Pyodide too', async () => {
    const [verdict] = await executor({ memoryMb: 128 }).executeMany([{ id: 'bomb', program: 'kept = []\nwhile True: kept.append(bytearray(10**7))\n', tests: none }]);
    expect(verdict).toMatchObject({ verdict: 'out-of-memory', limitMb: 128, passed: false });
  });

  it.skipIf(!native)('limits hold inside and cannot be lifted', async () => {
    const program = `
import ctypes, resource, os, time
libc = ctypes.CDLL(None)
for limit in (resource.RLIMIT_NPROC, resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
    try: resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError): continue
    raise SystemExit('lifted')
n = 0
for _ in range(200):
    pid = libc.fork()
    if pid == 0: time.sleep(100)
    if pid < 0: break
    n += 1
import platform
if n > (0 if platform.machine() in ('x86_64', 'aarch64') else 30): raise SystemExit(f'forked {n}')
if libc.unshare(0x10000000) == 0: raise SystemExit('a namespace of its own')
assert os.getuid() != 0 or libc.setuid(1) != 0
assert set(os.environ) == {'HOME', 'LANG', 'PYTHONHASHSEED', 'PYTHONUTF8'}, os.environ
`;
    for (const sandbox of walls) expect(told(await executor({ interpreter: 'python3', sandbox }).executeMany([{ id: sandbox, program, tests: none }]))).toEqual([`${sandbox}: passed`]);
  });
});

describe.skipIf(!held)('the verdict', () => {
  it('cannot be forged: no cheat passes, the right answer does', async () => {
    const programs = { right: problem.right, ...cheats };
    expect(Object.keys(cheats).length).toBeGreaterThanOrEqual(30);
    const requests = Object.entries(programs).map(([id, program]) => ({ id, program, prompt: problem.prompt, tests: check, timeMs: id === 'right' ? 20_000 : 1500 }));
    const verdicts = await executor({ interpreter: quick }).executeMany(requests);
    expect(verdicts.filter(({ passed }) => passed).map(({ id }) => id)).toEqual(['right']);
    expect(verdicts.filter(({ verdict }) => verdict === 'sandbox-unavailable')).toEqual([]);
  });

  it('cannot be forged from within Pyodide either', async () => {
    const chosen = ['every operator at once', "answers in the harness's place", 'answers with more than an answer', 'writes a verdict with every nonce it can find'];
    const verdicts = await executor().executeMany(chosen.map((id) => ({ id, program: cheats[id]!, prompt: problem.prompt, tests: check, timeMs: 5000 })));
    expect(verdicts.filter(({ passed }) => passed)).toEqual([]);
    expect(verdicts.find(({ id }) => id === 'answers with more than an answer')).toMatchObject({ verdict: 'forbidden' });
  });

  it('passes what is right, however unusual', async () => {
    expect(unusual.length).toBeGreaterThanOrEqual(50);
    const verdicts = await executor({ interpreter: quick }).executeMany(unusual.map(({ name, program, tests }) => ({ id: name, program, tests: asserts(tests) })));
    expect(told(verdicts.filter(({ passed }) => !passed))).toEqual([]);
  });

  it('passes what is unusual for WebAssembly', async () => {
    const chosen = unusual.filter(({ name }) => ['a coroutine that it runs itself', 'files of its own', 'a higher recursion limit', 'unicode', 'callables as arguments'].includes(name));
    const verdicts = await executor().executeMany(chosen.map(({ name, program, tests }) => ({ id: name, program, tests: asserts(tests) })));
    expect(told(verdicts.filter(({ passed }) => !passed))).toEqual([]);
    expect(verdicts).toHaveLength(5);
  });

  it('of a program whose answers are a burden to the judge is a failure of the program', async () => {
    const answers = ['[[] for _ in range(10**6)]', '"x" * 10**8', '1 << 10**7'];
    const verdicts = await executor({ interpreter: quick, memoryMb: 128 }).executeMany(answers.map((answer) => ({ id: answer, program: `def f(): return ${answer}\n`, tests: asserts('assert f() == 1'), timeMs: 3000 })));
    const allowed = ['failed', 'out-of-memory', 'forbidden', 'crashed', 'timeout'];
    expect(told(verdicts.filter(({ verdict }) => !allowed.includes(verdict)))).toEqual([]);
  });

  it('says which assertion, what was got and what was wanted', async () => {
    const program = 'def f(x):\n    if x == 3:\n        raise KeyError("three")\n    return x\n';
    const verdicts = await executor({ interpreter: quick }).executeMany([
      { id: 'comparison', program, tests: asserts('assert f(1) == 1\nassert f(2) == 5') },
      { id: 'tolerance', program, tests: asserts('assert abs(f(2) - 1) < 0.5') },
      { id: 'truth', program, tests: asserts('assert not f(1), "no"') },
      { id: 'raises', program, tests: asserts('assert f(1) == 1\nassert f(3) == 3') },
      { id: 'syntax', program: 'def f(:\n', tests: asserts('assert f(1)') },
      { id: 'nothing', program, tests: asserts('f(1)') },
      { id: 'tests', program, tests: asserts('assert f(1)[0] == 1') },
      { id: 'printed', program: 'print("hello")\n', tests: none },
    ]);
    expect(verdicts[0]).toMatchObject({ verdict: 'failed', assertions: 1, assertion: { index: 1, line: 2, source: 'assert f(2) == 5', got: '2', wanted: '5' } });
    expect(verdicts[1]).toMatchObject({ verdict: 'failed', assertion: { got: '1', wanted: '< 0.5' } });
    expect(verdicts[2]).toMatchObject({ verdict: 'failed', assertion: { line: 1, got: null } });
    expect(verdicts[3]).toMatchObject({ verdict: 'error', type: 'KeyError', line: 3, where: 'program', assertions: 1 });
    expect(verdicts[4]).toMatchObject({ verdict: 'error', type: 'SyntaxError', line: 1, where: 'program' });
    expect(verdicts[5]).toMatchObject({ verdict: 'error', where: 'tests', passed: false });
    expect(verdicts[6]).toMatchObject({ verdict: 'error', type: 'TypeError', where: 'tests', line: 1 });
    expect(verdicts[7]).toMatchObject({ verdict: 'passed', output: 'hello\n' });
  });

  it('trusts what the prompt defines, not what the program makes of it', async () => {
    const prompt = 'def helper(x):\n    return x + 1\n\n\ndef f(x):\n    """Undo helper."""\n';
    const script = 'def check(candidate):\n    assert candidate(helper(1)) == 1\n    assert helper(candidate(1)) == 1\n';
    const tests = { kind: 'check', script, entryPoint: 'f' } as const;
    const verdicts = await executor({ interpreter: quick }).executeMany([
      { id: 'right', program: `${prompt}    return x - 1\n`, prompt, tests },
      { id: 'cheat', program: `${prompt}    return 1\n\ndef helper(x): return 1\n`, prompt, tests },
    ]);
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['passed', 'failed']);
  });

  it('runs what passed twice under two seeds, and marks what differs', async () => {
    const word = 'def f(): return list({"a", "b", "c", "d", "e", "f", "g", "h"})\n';
    const verdicts = await executor({ interpreter: quick, twice: true }).executeMany([
      { id: 'steady', program: 'def f(): return [1, {2, 3}]\n', tests: asserts('assert f()') },
      { id: 'order', program: word, tests: asserts('assert sorted(f())[0] == "a"') },
      { id: 'chance', program: 'import random\ndef f(): return random.random()\n', tests: asserts('assert f() < 1') },
      { id: 'fails', program: 'def f(): return 0\n', tests: asserts('assert f()') },
    ]);
    expect(verdicts.map(({ nondeterministic }) => nondeterministic).slice(0, 3)).toEqual([false, true, true]);
    expect(verdicts[3]).toMatchObject({ verdict: 'failed', nondeterministic: null });
  });

  it('is the same in Pyodide under two snapshots', async () => {
    const [verdict] = await executor({ twice: true, workers: 1 }).executeMany([{ id: 'order', program: 'def f(): return list({"a", "b", "c", "d", "e", "f", "g", "h"})\n', tests: asserts('assert len(f()) == 8') }]);
    expect(verdict).toMatchObject({ verdict: 'passed', nondeterministic: true });
  });
});

describe('an executor', () => {
  it('refuses where there is no wall, and says so for each', async () => {
    const runner = executor();
    runner.sandbox = async () => ({ sandbox: null, tried: [{ name: 'bwrap', usable: false, reason: 'it is not installed' }] });
    const verdicts = await runner.executeMany([harmless, { ...harmless, id: 'other' }]);
    expect(verdicts).toMatchObject([{ id: 'harmless', verdict: 'sandbox-unavailable', passed: false }, { id: 'other', verdict: 'sandbox-unavailable' }]);
    expect(describeOutcome(verdicts[0]!)).toMatch(/bwrap: it is not installed.*--unsafe-exec/);
  });

  it.skipIf(!native)('runs without a wall when that was said, and cleans up', async () => {
    const runner = executor({ unsafe: true, interpreter: 'python3' });
    runner.sandbox = async () => ({ sandbox: 'none', tried: [] });
    const before = readdirSync(tmpdir());
    const verdicts = await runner.executeMany([harmless, { id: 'hangs', program: "open('left', 'w').write('x')\nwhile True: pass\n", tests: none, timeMs: 500 }]);
    await runner.close();
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['passed', 'timeout']);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`ouroboros-program-${process.pid}-`) && !before.includes(name))).toEqual([]);
  });

  it('checks its options, and is closed once and for all', async () => {
    expect(() => new SandboxExecutor({ workers: 0 })).toThrow(ExecutorError);
    expect(() => new SandboxExecutor({ timeMs: 1 })).toThrow(/timeMs/);
    expect(() => new SandboxExecutor({ memoryMb: 1 })).toThrow(/memoryMb/);
    const runner = executor();
    await runner.close();
    await expect(runner.executeMany([harmless])).rejects.toThrow(ExecutorError);
  });

  it.skipIf(!held)('gives up when it is told to', async () => {
    const runner = executor({ interpreter: quick });
    const stop = new AbortController();
    const waiting = runner.executeMany([{ id: 'first', program: 'x = 1\n', tests: none }, { id: 'hangs', program: 'while True: pass\n', tests: none }], { signal: stop.signal, onVerdict: () => stop.abort() });
    await expect(waiting).rejects.toThrow(/abort/i);
  });

  it.skipIf(!held)('answers in order, and tells each verdict once', async () => {
    const heard: number[] = [];
    const requests = Array.from({ length: 6 }, (_, i) => ({ id: String(i), program: `def f(): return ${i % 2}\n`, tests: asserts('assert f() == 1') }));
    const verdicts = await executor({ interpreter: quick }).executeMany(requests, { onVerdict: (_, index) => heard.push(index) });
    expect(verdicts.map(({ id, passed }) => [id, passed])).toEqual(requests.map(({ id }, i) => [id, i % 2 === 1]));
    expect(heard.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
