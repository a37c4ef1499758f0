/**
 * The whole system, every process included, on a small real corpus: same seed, same log; a run that was killed or stopped and
 * resumed ends like one that never was; what a run leaves behind is of use.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../src/config/schema.ts';
import type { LoggedEvent } from '../src/contracts/events.ts';
import type { RunOptions, RunResult } from '../src/contracts/library.ts';
import { createRun, generate, startDashboard } from '../src/index.ts';
import { EventLogReader } from '../src/store/event-log.ts';
import { standardLibrary } from '../src/tasks/sources.ts';

const root = resolve(import.meta.dirname, '..');
const cli = join(root, 'src/cli/main.ts');
const tsx = createRequire(import.meta.url).resolve('tsx');
const folder = mkdtempSync(join(tmpdir(), 'ouroboros run with spaces '));
const config: ConfigInput = {
  seed: 11, threads: 1, corpus: [join(folder, 'corpus')],
  budget: { rounds: 3, minutes: 60 },
  model: { layers: 1, heads: 2, kvHeads: 1, width: 32, hidden: 64, vocabulary: 400, context: 80, batch: 4 },
  pretraining: { steps: 60, warmupSteps: 5, learningRate: 1e-2, saveEvery: 20 },
  sampling: { unconditional: 24, prompted: 8, maxTokens: 70 },
  refinement: { parents: 8, attempts: 2 },
  learning: { passes: 1, discriminatorSteps: 4, warmupSteps: 2 },
  measuring: { unconditional: 32, prompted: 16, gate: 32, documents: 16 },
};

beforeAll(async () => {
  process.env['OUROBOROS_CACHE'] = join(folder, 'cache');
  const { sources } = await standardLibrary();
  mkdirSync(join(folder, 'corpus'));
  for (const source of sources) {
    if (!('bytes' in source) || !/^(email|http|json|urllib|unittest|logging|collections)\//.test(source.path)) continue;
    writeFileSync(join(folder, 'corpus', source.path.replaceAll('/', '_')), source.bytes);
  }
});
afterAll(() => {
  delete process.env['OUROBOROS_CACHE'];
  rmSync(folder, { recursive: true, force: true });
});

async function run(options: RunOptions = {}, onEvent: (event: LoggedEvent, command: (c: 'stop-now' | 'stop-after-round' | 'pause' | 'resume') => void) => void = () => {}, input = config): Promise<RunResult> {
  const improve = createRun(input, { folder: join(folder, 'runs'), ...options });
  try {
    const watched = (async () => {
      for await (const event of improve) onEvent(event, (c) => improve.command(c));
    })();
    const result = await improve.start();
    await watched;
    return result;
  } finally {
    await improve.close();
  }
}

const whole: Promise<RunResult>[] = [];
/** One uninterrupted run, shared by the tests. */
const uninterrupted = (): Promise<RunResult> => (whole[0] ??= run());

describe('a run', () => {
  it('works through its rounds, on held-out samples, and leaves a whole log', async () => {
    const result = await uninterrupted();
    expect(result.rounds).toBe(3);
    expect(result.table.map(({ round, outcome }) => [round, outcome === 'baseline'])).toEqual([[0, true], [1, false], [2, false], [3, false]]);
    for (const { test } of result.table) {
      expect(test.split).toBe('test');
      expect(test.unconditional.n).toBe(32);
      expect(test.prompted.n).toBe(16);
      expect(test.guards.bitsPerByte).toBeGreaterThan(0);
    }
    expect(new Set(result.table.map(({ test }) => test.guards.bitsPerByte)).size).toBeGreaterThan(1);
    const log = new EventLogReader(result.folder);
    expect(log.hash()).toBe(result.logHash);
    const samples = log.query({ types: ['sample.created'] });
    const evaluations = new Set(log.query({ types: ['evaluation.recorded'] }).map(({ data }) => data.id));
    expect(samples.filter(({ data }) => data.parent === undefined && data.round > 0)).toHaveLength(3 * 32);
    expect(samples.every(({ data }) => evaluations.has(data.id))).toBe(true);
    expect(log.query({ types: ['machine.defined'] }).map(({ data }) => data.machine).sort()).toEqual(['refinement', 'round', 'run', 'training']);
    expect(log.query({ types: ['guards.checked'] }).map(({ data }) => `${data.round} ${data.split}`)).toEqual(['1 gate', '1 test', '2 gate', '2 test', '3 gate', '3 test']);
    for (const { data: { none, rewards } } of log.query({ types: ['rewards.counted'] })) expect(none + rewards.counts.reduce((sum, count) => sum + count, 0)).toBe(32);
    expect(log.query({ types: ['prompts.measured'] }).map(({ data }) => data.results.filter(({ valid }) => valid).length)).toEqual(result.table.map(({ test }) => test.prompted.successes));
    for (const { data } of log.query({ types: ['policy.updated'] })) {
      expect(data.corpusRows).toBeLessThan(data.rows);
      expect(data.corpusTokens / data.tokens).toBeGreaterThan(0.3);
    }
    const bytes = log.query({ types: ['vocabulary.ready'] })[0]!.data.bytes.map((digits) => Buffer.from(digits, 'hex'));
    for (const { data } of samples) if (data.parent === undefined) expect(Buffer.concat(data.tokens!.map((token) => bytes[token]!)).toString()).toBe(data.completion);
    for (const { data: { logOdds, trace } } of log.query({ types: ['critique.recorded'] })) if (trace) expect(trace.logOdds.at(-1)).toBeCloseTo(logOdds!, 2);
    expect(log.query({ types: ['round.timed'] }).map(({ data }) => data.round)).toEqual([0, 1, 2, 3]);
    log.close();
  });

  it('gives the same log and the same weights for the same seed, out of the cache or not', async () => {
    const [a, b] = [await uninterrupted(), await run()];
    expect(b.folder).not.toBe(a.folder);
    expect({ ...b, folder: '' }).toEqual({ ...a, folder: '' });
  });

  it('that is stopped and resumed equals one that never was', async () => {
    const stopped = await run({}, (event, command) => {
      if (event.type === 'round.started' && event.data.round === 2) command('stop-now');
    });
    expect(stopped.rounds).toBe(1);
    const resumed = await run({ resume: stopped.folder });
    const { logHash, weightsHash, rounds } = await uninterrupted();
    expect(resumed).toMatchObject({ logHash, weightsHash, rounds });
  });

  it('that is killed in a round and resumed equals one that never was', async () => {
    writeFileSync(join(folder, 'ouroboros.config.json'), JSON.stringify(config));
    const child = spawn(process.execPath, ['--import', tsx, cli, 'run', '--json', '--no-dashboard', '--out', join(folder, 'killed')], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    await untilEvent(child, (event) => event.type === 'critique.recorded' && event.data.sampleId.startsWith('r2/'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const [name] = readdirSync(join(folder, 'killed'));
    const resumed = await run({ resume: join(folder, 'killed', name!) });
    const { logHash, weightsHash, rounds } = await uninterrupted();
    expect(resumed).toMatchObject({ logHash, weightsHash, rounds });
  });

  it('rests while it is paused, and ends after the round when it is told to, at rest as well', async () => {
    const then = ['resume', 'stop-after-round'] as const;
    let rests = 0;
    const result = await run({}, (event, command) => {
      if (event.type === 'round.started') command('pause');
      if (event.type === 'machine.transition' && event.data.machine === 'round' && event.data.to === 'judging.ready') {
        // By then a machine that did not rest would have begun to judge.
        setImmediate(() => command(then[rests++]!));
      }
    });
    expect(result).toMatchObject({ rounds: 2 });
    const log = new EventLogReader(result.folder);
    const commands = log.query({ types: ['command.received'] });
    expect(commands.map(({ data }) => data.command)).toEqual(['pause', 'resume', 'pause', 'stop-after-round']);
    for (const round of [1, 2]) {
      const [paused, goingOn] = commands.slice(2 * round - 2).map(({ seq }) => seq);
      const begun = log.query({ types: ['activity.started'] }).filter(({ seq, data }) => data.round === round && data.activity !== 'generate' && seq > paused!);
      expect(begun[0]).toMatchObject({ data: { activity: 'judge' } });
      expect(begun[0]!.seq).toBeGreaterThan(goingOn!);
    }
    log.close();
  });

  it('that is finished and resumed tells its end again, and no more', async () => {
    const whole = await uninterrupted();
    const count = (): number => {
      const log = new EventLogReader(whole.folder);
      try {
        return log.query({ types: ['run.resumed', 'run.started', 'run.finished'] }).length;
      } finally {
        log.close();
      }
    };
    const before = count();
    expect(await run({ resume: whole.folder })).toEqual(whole);
    expect(count()).toBe(before);
  });

  it('whose pretraining ends early has one log: uninterrupted, out of the cache, or stopped and resumed', async () => {
    // At this rate nothing is learned, so the second measurement is no better than the first.
    const early: ConfigInput = { ...config, budget: { rounds: 0 }, pretraining: { ...config.pretraining, learningRate: 1e-30, patience: 1 } };
    const stoppedAt = (when: (event: LoggedEvent) => boolean): Promise<RunResult> => run({}, (event, command) => void (when(event) && command('stop-now')), early);
    const forget = (): void => rmSync(join(folder, 'cache', 'entries', 'pretraining'), { recursive: true });
    const whole = await run({}, () => {}, early);
    const cached = await stoppedAt(({ type }) => type === 'pretraining.finished');
    // From here on only the log knows that nothing comes after step 40.
    forget();
    const finished = await run({ resume: cached.folder });
    forget();
    const stopped = await stoppedAt(({ type, data }) => type === 'pretraining.step' && (data as { step: number }).step === 25);
    const resumed = await run({ resume: stopped.folder });
    for (const { logHash, weightsHash } of [finished, resumed]) expect({ logHash, weightsHash }).toEqual({ logHash: whole.logHash, weightsHash: whole.weightsHash });
    const log = new EventLogReader(resumed.folder);
    expect(log.query({ types: ['pretraining.measured'] }).map(({ data }) => data.step)).toEqual([20, 40]);
    expect(log.query({ types: ['pretraining.finished'] })[0]!.data.steps).toBe(40);
    expect(log.query({ types: ['pretraining.step'] })).toHaveLength(40);
    log.close();
  });

  it.each([
    ['is not there', 'none.mjs', '', /^The evaluator .*none\.mjs cannot be used: Cannot find module/],
    ['makes none', 'nothing.mjs', 'export default 1;', /cannot be used: it has no default export that is a function/],
    ['lacks methods', 'empty.mjs', 'export default () => ({ close() {} });', /what its default export returns has no evaluateMany\.$/],
  ])('whose evaluator %s fails at once, says why and is no resumed one, though its dashboard could not start', async (_, name, source, why) => {
    if (source !== '') writeFileSync(join(folder, name), source);
    const path = createRun({ ...config, evaluator: join(folder, name) }, { folder: join(folder, 'runs'), dashboard: { port: -1 } });
    try {
      await expect(path.start()).rejects.toThrow(why);
    } finally {
      await path.close();
    }
    const log = new EventLogReader(path.folder);
    const told = log.query({ types: ['process.changed', 'run.resumed', 'run.started', 'run.failed'] });
    expect(told.map(({ type }) => type)).toEqual(['process.changed', 'run.started', 'run.failed']);
    expect(told[2]!.data).toMatchObject({ message: expect.stringMatching(why) as string });
    log.close();
  });

  it('leaves a policy that samples, and a dashboard that can still be opened', async () => {
    const { folder: path } = await uninterrupted();
    const options = { run: path, prompt: 'def add(a, b):', n: 3, temperature: 0.8, seed: 1 };
    const completions = await generate(options);
    expect(completions).toHaveLength(3);
    expect(await generate(options)).toEqual(completions);
    await expect(generate({ ...options, prompt: 'x = 1\n'.repeat(80) })).rejects.toThrow(/^The prompt has \d+ tokens and leaves no room in the 80 that the policy sees at once/);
    const dashboard = await startDashboard(path, { port: 0 });
    const answer = await fetch(dashboard.url.replace(/token=.*/, 'token=wrong'));
    expect(answer.status).toBe(403);
    await dashboard.close();
  });

  it('with the learner latent-gan leaves a generator from noise, and any other does not', async () => {
    const { folder: path } = await run({}, () => {}, { ...config, learner: 'latent-gan', budget: { rounds: 1 }, latent: { steps: 4 } });
    const texts = await generate({ run: path, n: 3, seed: 1, latent: true });
    expect(new Set(texts.map(({ text }) => text)).size).toBeGreaterThan(1);
    expect(await generate({ run: path, n: 3, seed: 1, latent: true })).toEqual(texts);
    expect(await generate({ run: path, n: 3, seed: 1, prompt: '', temperature: 1 })).not.toEqual(texts);
    await expect(generate({ run: (await uninterrupted()).folder, n: 1, seed: 1, latent: true })).rejects.toThrow('trains no generator from noise');
  });
});

/** Resolves at the first event that matches; rejects when the process ends before. */
function untilEvent(child: ChildProcess, matches: (event: LoggedEvent) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! });
    lines.on('line', (line) => {
      if (matches(JSON.parse(line) as LoggedEvent)) resolve();
    });
    child.on('exit', (code) => reject(new Error(`The run ended (${code}) before the event came.`)));
  });
}
