import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DoctorReport, TensorFlowSetupOptions } from '../../src/contracts/library.ts';
import { Cache } from '../../src/store/cache.ts';
import { databasePath } from '../../src/store/database.ts';
import { EventLog } from '../../src/store/event-log.ts';
import { createRunFolder } from '../../src/store/run-folder.ts';
import { smallRun, terminal } from './harness.ts';

const commands = ['run', 'resume', 'dashboard', 'doctor', 'evaluate', 'generate', 'runs', 'export', 'graph', 'settings', 'cache', 'cache clear', 'setup-tensorflow'];

/** A finished run under `directory`/runs, made from the small run's events. */
function storedRun(directory: string, date: Date = new Date(2026, 0, 1)): string {
  const folder = createRunFolder(join(directory, 'runs'), {}, date);
  const log = new EventLog(folder);
  for (const step of smallRun()) {
    if (typeof step === 'object' && 'key' in step) log.record([step]);
  }
  log.record([{ key: 'end', event: { type: 'run.finished', data: { rounds: 1, reason: 'rounds', weightsHash: 'w' } } }]);
  log.close();
  return folder;
}

const lines = (text: string): unknown[] => text.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);

describe('help', () => {
  it.each(commands)('%s --help shows usage and examples, exits with 0 and loads nothing', async (command) => {
    const { code, stdout, stderr } = await terminal().run(...command.split(' '), '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: ouroboros ${command}`));
    expect(stdout).toMatch(/\nExamples?:\n {2}(cat app\.py \| )?ouroboros /);
    expect(stderr).toBe('');
  });

  it('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await terminal().run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('lists every command with a summary', async () => {
    const { code, stdout } = await terminal().run('--help');
    expect(code).toBe(0);
    for (const command of commands.filter((name) => !name.includes(' '))) expect(stdout).toMatch(new RegExp(`\\n  ${command} .*\\w`));
    expect(stdout).toMatch(/Exit codes: 0 done, 1 failed, 2 wrong usage/);
  });

  it.each(commands.filter((name) => name !== 'export'))('%s takes --json', async (command) => {
    expect((await terminal().run(...command.split(' '), '--help')).stdout).toMatch(/--json/);
  });
});

describe('wrong usage exits with 2 and one error', () => {
  it.each([
    [['ruun'], /unknown command 'ruun'[\s\S]*Did you mean run/],
    [['run', '--sede', '3'], /unknown option '--sede'[\s\S]*Did you mean --seed/],
    [['run', '--seed', 'x'], /--seed[\s\S]*whole number from 0 to 4294967295/],
    [['run', '--minutes', '0'], /number above 0/], [['run', '--minutes', 'Infinity'], /number above 0/],
    [['run', '--preset', 'huge'], /Allowed choices are laptop, small, smoke/],
    [['run', '--port', '70000'], /from 0 to 65535/],
    [['run', '--set', 'model.width=33'], /model\.width must be a multiple of 16 times model\.heads/],
    [['run', '--set', 'sede=3'], /did you mean 'seed'/],
    [['evaluate'], /missing required argument 'file'/],
    [['evaluate', '-', '-'], /can be named once/],
    [['evaluate', 'x.py', '--fail-under', '2'], /number from 0 to 1/],
    [['resume'], /missing required argument 'run'/],
    [['settings', 'lerning'], /no setting 'lerning'[\s\S]*Did you mean 'learning'/],
    [['settings', 'x'], /no setting 'x'. Groups: budget, model, /],
    [['cache', 'clera'], /too many arguments|unknown command/],
  ])('%j', async (argv, message) => {
    const { code, stderr, stdout } = await terminal().run(...argv);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
  });

  it('no command at all shows the help', async () => {
    const { code, stderr } = await terminal().run();
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Usage: ouroboros/);
  });
});

describe('runs', () => {
  it('lists state, rounds and validity, oldest first', async () => {
    const cli = terminal();
    expect((await cli.run('runs')).stdout).toMatch(/^No runs in .*'ouroboros run' starts one/);
    const finished = storedRun(cli.directory);
    const empty = createRunFolder(join(cli.directory, 'runs'), {}, new Date(2026, 1, 1));
    const { stdout } = await cli.run('runs');
    expect(stdout).toMatch(new RegExp(`${basename(finished)}  finished +1  30\\.0 %  40\\.0 % .* rounds`));
    expect(lines((await cli.run('runs', '--json')).stdout)).toMatchObject([
      { name: basename(finished), state: 'finished', rounds: 1, firstValidity: 0.3, lastValidity: 0.4 },
      { name: basename(empty), state: 'interrupted', rounds: 0, firstValidity: null },
    ]);
  });

  it('tells why one failed, until it is resumed, and lists the others beside one whose log is damaged', async () => {
    const cli = terminal();
    const failed = createRunFolder(join(cli.directory, 'runs'), {}, new Date(2026, 2, 1));
    const log = new EventLog(failed);
    log.note({ type: 'run.failed', data: { message: 'The corpus is too small.' } });
    log.flush();
    const damaged = createRunFolder(join(cli.directory, 'runs'), {}, new Date(2026, 3, 1));
    writeFileSync(databasePath(damaged), 'no database'.repeat(100));
    const list = async (): Promise<unknown[]> => lines((await cli.run('runs', '--json')).stdout);
    expect(await list()).toMatchObject([
      { name: basename(failed), state: 'failed', reason: 'The corpus is too small.' },
      { name: basename(damaged), state: 'damaged', reason: expect.stringContaining(damaged) as string, rounds: 0 },
    ]);
    log.note({ type: 'run.resumed', data: { fromRound: 0 } });
    log.close();
    expect((await list())[0]).toMatchObject({ state: 'interrupted', reason: null });
  });
});

describe('export', () => {
  it('writes valid samples and accepted revisions with task, reward and round, and no copies', async () => {
    const cli = terminal();
    const name = basename(storedRun(cli.directory));
    const { code, stdout } = await cli.run('export', name.slice(0, 8), '--samples');
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual([
      { id: 'a', round: 1, task: 'task-a', kind: 'unconditional', prompt: '', completion: 'def a():\n    return 1\n', parent: null, method: null, reward: 0.75 },
      { id: 'b2', round: 1, task: 'task-b2', kind: 'unconditional', prompt: '', completion: 'def f(x):\n    return x\n', parent: 'b', method: 'infill', reward: null },
    ]);
    const toFile = await cli.run('export', name, '--samples', '--out', 'samples.jsonl');
    expect(toFile).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(join(cli.directory, 'samples.jsonl'), 'utf8')).toBe(stdout);
  });

  it('asks what to export, and names the runs there are', async () => {
    const cli = terminal();
    const name = basename(storedRun(cli.directory));
    expect(await cli.run('export', name)).toMatchObject({ code: 2, stderr: 'error: Say what to export: --samples.\n' });
    expect(await cli.run('export', '1999', '--samples')).toMatchObject({ code: 1, stderr: expect.stringContaining(name) });
  });
});

describe('graph', () => {
  const library = { machineGraphs: () => ({ run: 'stateDiagram-v2\n  a --> b', round: 'stateDiagram-v2\n  c --> d\n' }) };

  it('prints all, one, or JSON', async () => {
    const cli = terminal({ library });
    expect((await cli.run('graph')).stdout).toBe('%% run\nstateDiagram-v2\n  a --> b\n\n%% round\nstateDiagram-v2\n  c --> d\n\n');
    expect((await cli.run('graph', 'round')).stdout).toBe('stateDiagram-v2\n  c --> d\n');
    expect(lines((await cli.run('graph', 'run', '--json')).stdout)).toEqual([{ run: 'stateDiagram-v2\n  a --> b' }]);
  });

  it('suggests the machine that was meant', async () => {
    expect(await terminal({ library }).run('graph', 'rond')).toMatchObject({ code: 2, stderr: "error: There is no machine 'rond'; there are: run, round. Did you mean 'round'?\n" });
  });
});

describe('settings', () => {
  it('lists a setting, a group or all, with the values of a preset, and what is written in ouroboros.config.json', async () => {
    const cli = terminal();
    expect((await cli.run('settings', 'budget.rounds')).stdout).toMatch(/^budget\.rounds=10 {2}\(whole number of at least 0\)\n {4}\w/);
    expect((await cli.run('settings', 'budget.rounds', '--preset', 'small')).stdout).toMatch(/^budget\.rounds=6 /);
    writeFileSync(join(cli.directory, 'ouroboros.config.json'), '{"budget": {"rounds": 4}}');
    const names = lines((await cli.run('settings', 'budget', '--json')).stdout) as { name: string; value: unknown }[];
    expect(names.map(({ name }) => name)).toEqual(['budget.rounds', 'budget.minutes', 'budget.targetValidity', 'budget.plateauRounds']);
    expect(names[0]!.value).toBe(4);
    expect((await cli.run('settings')).stdout).toMatch(/^seed=1[\s\S]*\nlearning\.clipLow=[\s\S]*\nkeepCheckpoints=/);
  });
});

describe('cache', () => {
  it('lists and clears', async () => {
    const cli = terminal();
    expect((await cli.run('cache')).stdout).toMatch(/^0 B in .*cache\n$/);
    await new Cache(join(cli.directory, 'cache')).put('tokenizer', 1, async (folder) => writeFileSync(join(folder, 'x'), 'abc'));
    expect((await cli.run('cache')).stdout).toMatch(/tokenizer +[0-9a-f]{12} +3 B/);
    expect(lines((await cli.run('cache', '--json')).stdout)).toMatchObject([{ kind: 'tokenizer', bytes: 3 }]);
    expect(lines((await cli.run('cache', 'clear', '--json')).stdout)).toMatchObject([{ freedBytes: 3 }]);
    expect((await cli.run('cache', 'clear')).stdout).toMatch(/^0 B freed/);
  });
});

describe('doctor', () => {
  const report = (ok: boolean): DoctorReport => ({
    ok,
    checks: [{ name: 'node', ok: true, message: '20.20.2' }, { name: 'disk', ok, message: ok ? '80 GB free' : 'Only 3 MB are free; free some space.' }],
    backends: [{ name: 'onnx:cpu', usable: true, tokensPerSecond: 30123.4 }, { name: 'onnx:cuda', usable: false, reason: 'no CUDA 12 here' }],
    chosen: 'onnx:cpu',
  });

  it('lists checks and backends with reasons, and exits with 1 when no run could start', async () => {
    const asked: unknown[] = [];
    const library = (ok: boolean) => ({ doctor: async (options: unknown) => (asked.push(options), report(ok)) });
    const good = await terminal({ library: library(true) }).run('doctor', '--bench');
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/onnx:cpu +usable +30123/);
    expect(good.stdout).toMatch(/onnx:cuda +not usable +– +no CUDA 12 here/);
    const bad = await terminal({ library: library(false) }).run('doctor');
    expect([bad.code, asked]).toEqual([1, [{ bench: true }, { bench: false }]]);
    expect(bad.stdout).toMatch(/disk +NOT OK +Only 3 MB/);
    expect(lines((await terminal({ library: library(true) }).run('doctor', '--json')).stdout)).toEqual([report(true)]);
  });
});

describe('setup-tensorflow', () => {
  const setup = { python: '/usr/bin/python3', version: '2.21.0', addon: '/x/addon.node', compiled: true, detail: 'eager, through TensorFlow 2.21.0 on the CPU' };

  it('says what it does and what came of it, and exits with 1 when something is missing', async () => {
    const asked: unknown[] = [];
    const library = {
      setupTensorFlow: async ({ python, onProgress }: TensorFlowSetupOptions = {}) => {
        asked.push(python);
        onProgress?.('compiling');
        if (python === '/none') throw new Error('There is no Python at /none.');
        return setup;
      },
    };
    const cli = terminal({ library });
    expect(await cli.run('setup-tensorflow')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^compiling …\n.* is set up: eager, through TensorFlow 2\.21\.0/) });
    expect(lines((await cli.run('setup-tensorflow', '--json')).stdout)).toEqual([setup]);
    expect(await cli.run('setup-tensorflow', '--python', '/none')).toMatchObject({ code: 1, stderr: 'error: There is no Python at /none.\n' });
    expect(asked).toEqual([undefined, undefined, '/none']);
  });
});

describe('generate', () => {
  it('samples from the latest run or the one that is named, and makes text harmless', async () => {
    const asked: object[] = [];
    const library = {
      generate: async (options: { n: number }) => {
        asked.push(options);
        return Array.from({ length: options.n }, () => ({ text: 'x = "\u001b[2J"\n', finish: 'length' as const }));
      },
    };
    const cli = terminal({ library });
    expect(await cli.run('generate')).toMatchObject({ code: 1, stderr: expect.stringMatching(/There is no run in/) });
    const old = storedRun(cli.directory);
    const latest = storedRun(cli.directory, new Date(2026, 5, 1));
    expect((await cli.run('generate')).stdout).toBe('x = "\\x1b[2J"\n');
    expect((await cli.run('generate', '--run', basename(old), '-n', '2', '--prompt', 'x =', '--temperature', '0.5', '--top-k', '40', '--top-p', '0.9', '--seed', '9')).stdout).toMatch(/sample 2 of 2 \(cut off/);
    expect(asked).toEqual([
      { run: latest, prompt: '', n: 1, temperature: 1, topK: 0, topP: 1, seed: 1 },
      { run: old, prompt: 'x =', n: 2, temperature: 0.5, topK: 40, topP: 0.9, seed: 9 },
    ]);
    await cli.run('generate', '--latent', '-n', '4');
    expect(asked.at(-1)).toEqual({ run: latest, n: 4, seed: 1, latent: true });
    expect(await cli.run('generate', '--latent', '--prompt', 'x =')).toMatchObject({ code: 2, stderr: expect.stringMatching(/'--latent' cannot be used with option '--prompt/) });
    expect(await cli.run('generate', '--top-p', '1.5')).toMatchObject({ code: 2, stderr: expect.stringMatching(/above 0, at most 1/) });
    expect(lines((await cli.run('generate', '--json')).stdout)).toEqual([{ text: 'x = "\u001b[2J"\n', finish: 'length' }]);
  });
});

describe('dashboard', () => {
  it('serves the latest run until Ctrl-C', async () => {
    const events: unknown[] = [];
    const library = { startDashboard: async (folder: string, options?: { port?: number }) => (events.push([folder, options]), { url: 'http://127.0.0.1:1/?token=t', close: async () => void events.push('closed') }) };
    const cli = terminal({ library });
    const folder = storedRun(cli.directory);
    const running = cli.run('dashboard', '--port', '8080');
    await cli.written('Press Ctrl-C');
    cli.interrupt();
    expect(await running).toMatchObject({ code: 0, stdout: expect.stringContaining('http://127.0.0.1:1/?token=t') });
    expect(events).toEqual([[folder, { port: 8080 }], 'closed']);
  });
});
