import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { excerpt } from '../../src/cli/excerpt.ts';
import { roundTable } from '../../src/cli/table.ts';
import { harmless } from '../../src/cli/text.ts';
import { createRunFolder } from '../../src/store/run-folder.ts';
import { playing, row, smallRun, terminal } from './harness.ts';

const lines = (text: string): { type: string }[] => text.trimEnd().split('\n').map((line) => JSON.parse(line) as { type: string });

describe('run', () => {
  it('hands the merged configuration and the dashboard\'s port to the library', async () => {
    const { library, calls } = playing([]);
    const cli = terminal({ library });
    await cli.run('run', '--preset', 'smoke', '--seed', '7', '--rounds', '3', '--corpus', 'a.py', 'b', '--backend', 'cpu', '--learner', 'expert-iteration', '--set', 'judges=2', '--out', 'mine', '--port', '0');
    await cli.run('run', '--no-dashboard');
    await cli.run('run');
    expect(calls[0]!.config).toMatchObject({ seed: 7, backend: 'cpu', learner: 'expert-iteration', judges: 2, corpus: [join(cli.directory, 'a.py'), join(cli.directory, 'b')], budget: { rounds: 3, minutes: 5 }, model: { layers: 1 } });
    expect(calls.map((call) => call.options?.dashboard)).toEqual([{ port: 0 }, false, true]);
    expect(calls.map((call) => call.options?.folder)).toEqual([join(cli.directory, 'mine'), join(cli.directory, 'runs'), join(cli.directory, 'runs')]);
  });

  it('off a terminal prints plain lines, the table, samples, repairs and the folder, and ends by itself', async () => {
    const { library, closed } = playing(smallRun(), { url: 'http://127.0.0.1:1/?token=t' });
    const { code, stdout } = await terminal({ library }).run('run');
    expect(code).toBe(0);
    expect(stdout).toContain('Dashboard: http://127.0.0.1:1/?token=t');
    expect(stdout).toContain('Corpus: 559 files, 9.6 MB, documents: 900 train, 50 gate, 50 test; 700 excerpts of longer ones; 3 left out; licence PSF-2.0.');
    expect(stdout).toContain('Pretraining: step 5 of 12, loss 4.500, 20000 tokens/s, 1 min 1 s left');
    expect(stdout).toMatch(/round 1: valid 40\.0 ±2\.0 % .* promoted/);
    expect(stdout).toMatch(/round +valid % +prompted % +refined % +bits\/byte/);
    expect(stdout).toMatch(/\n +1 +40\.0 ±2\.0 +32\.0 ±2\.0 +48\.0 ±2\.0 +1\.557 +55\/25 +169 +0\.089 +0\.4 +0 +0\.400 +0\.81 +12 +8123 +promoted/);
    expect(stdout).toContain('The first samples of round 1:');
    expect(stdout).toMatch(/Repairs of round 1:\n {2}by infill:\n {4}! def f\(x:\n {4}! {6}\^ '\(' was never closed\n {4}\+ def f\(x\):\n/);
    expect(stdout).toMatch(/Run folder: .*\n$/);
    // A terminal would obey it; no escape, no carriage return reaches the output.
    // eslint-disable-next-line no-control-regex -- control characters are the point
    expect(stdout).not.toMatch(/[\u001b\r]/);
    expect(closed()).toBe(1);
  });

  it('with --json prints each event and the table last, and nothing else', async () => {
    const { library } = playing(smallRun(), { url: 'http://127.0.0.1:1/' });
    const { code, stdout } = await terminal({ library }).run('run', '--json');
    expect(code).toBe(0);
    const events = lines(stdout);
    expect(events.slice(0, -1).map(({ type }) => type)).toEqual(smallRun().map((step) => (typeof step === 'string' ? '' : 'note' in step ? step.note.type : step.event.type)));
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', run: expect.any(String), rounds: 1, logHash: expect.stringMatching(/^[0-9a-f]{64}$/), weightsHash: 'w', table: [row(0, 30), row(1, 40)] });
  });

  it('on a terminal the dashboard stays until Ctrl-C', async () => {
    const { library, closed, commands } = playing(smallRun().filter((step) => typeof step === 'object' && !('note' in step)), { url: 'http://127.0.0.1:1/' });
    const cli = terminal({ library, isTTY: true });
    const running = cli.run('run');
    await cli.written('Press Ctrl-C to end.');
    expect(closed()).toBe(0);
    cli.interrupt();
    expect((await running).code).toBe(0);
    expect([closed(), commands]).toEqual([1, []]);
  });

  it('a failed run is one sentence and exit code 1', async () => {
    const { library, closed } = playing([], { fail: 'The corpus is too small.' });
    expect(await terminal({ library }).run('run')).toMatchObject({ code: 1, stderr: 'error: The corpus is too small.\n' });
    expect(closed()).toBe(1);
  });
});

describe('Ctrl-C', () => {
  it('once: the run stops now, its table is shown, exit code 130', async () => {
    const { library, commands, closed } = playing([...smallRun(), 'wait for a command']);
    const cli = terminal({ library });
    const running = cli.run('run');
    await cli.written('Run: ');
    cli.interrupt();
    const { code, stdout } = await running;
    expect([code, commands, closed(), cli.exits]).toEqual([130, ['stop-now'], 1, []]);
    expect(stdout).toMatch(/Stopping: saving what is done\. Ctrl-C again ends at once\.[\s\S]*Run folder: .*\nGo on with: ouroboros resume runs\/\S+\n$/);
  });

  it('with --json its sentence goes to the other stream', async () => {
    const { library } = playing(['wait for a command']);
    const cli = terminal({ library });
    const running = cli.run('run', '--json');
    // The command line is parsed and the run made within this turn of the event loop and the next.
    await new Promise((resolve) => setImmediate(resolve));
    cli.interrupt();
    const { code, stdout, stderr } = await running;
    expect(code).toBe(130);
    expect(lines(stdout).map(({ type }) => type)).toEqual(['run.finished']);
    expect(stderr).toMatch(/^Stopping/);
  });

  it('twice: the process ends at once', async () => {
    const { library, commands } = playing([...smallRun(), 'wait for a command']);
    const cli = terminal({ library });
    const running = cli.run('run');
    await cli.written('Run: ');
    cli.interrupt();
    cli.interrupt();
    expect([cli.exits, commands]).toEqual([[130], ['stop-now']]);
    await running;
  });
});

describe('resume', () => {
  it('goes on with the configuration of the folder', async () => {
    const { library, calls } = playing(smallRun());
    const cli = terminal({ library });
    const config = configSchema.parse({ seed: 42 });
    const folder = createRunFolder(join(cli.directory, 'runs'), config, new Date(2026, 0, 1));
    expect((await cli.run('resume', '20260101', '--no-dashboard')).code).toBe(0);
    expect(calls).toEqual([{ config, options: { resume: folder, dashboard: false } }]);
    expect(await cli.run('resume', 'nothing')).toMatchObject({ code: 1, stderr: expect.stringContaining("No run 'nothing'") });
  });
});

describe('the table', () => {
  it('is cut into blocks that fit, each with its round', () => {
    const rows = [{ row: row(0, 30) }, { row: row(1, 40) }];
    const narrow = roundTable(rows, 80).split('\n\n').slice(0, -1);
    expect(narrow.length).toBeGreaterThan(1);
    for (const block of narrow) {
      expect(block.split('\n')).toHaveLength(3);
      expect(block).toMatch(/^round/);
      for (const line of block.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    }
    expect(roundTable(rows, 500).split('\n\n')).toHaveLength(2);
    expect(roundTable([], 80)).toBe('No round was finished.');
  });
});

describe('what a model wrote', () => {
  it('cannot steer a terminal', () => {
    expect(harmless('a\u001b[2Jb\rc\u202ed\u0007\ttab\nline é 😀')).toBe('a\\x1b[2Jb\\x0dc\\u202ed\\x07\ttab\nline é 😀');
  });

  it('is marked where the fault is, by characters rather than bytes', () => {
    const finding = { source: 'cpython' as const, kind: 'syntax.invalid', message: 'invalid syntax', line: 1, column: 9, span: { start: 10, end: 13 } };
    expect(excerpt("x = 'é'; $$$\n", finding)).toBe("    x = 'é'; $$$\n             ^^^\nSyntaxError: invalid syntax");
    expect(excerpt('', { ...finding, column: 0, span: { start: 0, end: 0 } }, 'f.py')).toBe('  File "f.py", line 1\n\n    ^\nSyntaxError: invalid syntax');
  });
});
