/**
 * Where the time of a run goes: use of the cores, share of each activity of a round, what no activity accounts for, the main process's
 * own processor time, and round time and memory around round 10 against the last rounds. Of a finished run (`--run`: what its event
 * log tells), or of a new one that is watched while it runs (processor time and memory as well, on Linux).
 *
 *     npm run bench -- run --help
 *
 * The default is a short run of the smallest preset. `--preset laptop` is the default run of the project, `--rounds 100` shows what
 * grows. `--built` runs the program in dist (after `npm run build`) instead of the sources, whose loader takes memory of its own. Not
 * here: the sums (run-report.ts).
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LoggedEvent } from '../src/contracts/events.ts';
import { EventLogReader } from '../src/store/event-log.ts';
import { Recorder, type BenchReport, type Say } from './figures.ts';
import { sampleTree, type TreeSample } from './processes.ts';
import { growth, PARTS, residentOf, roundTimes, useBetween, type Growth, type RoundTime } from './run-report.ts';

const EVERY_MS = 250;
const MEGABYTE = 1024 * 1024;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Watched {
  readonly folder: string;
  readonly samples: readonly TreeSample[];
}

/** Runs the program to its end and looks at its processes meanwhile. Throws Error when the run fails. */
async function watchRun(args: readonly string[], out: string, built: boolean): Promise<Watched> {
  const program = built ? [join(ROOT, 'dist', 'src', 'cli', 'main.js')] : ['--import', createRequire(import.meta.url).resolve('tsx'), join(ROOT, 'src', 'cli', 'main.ts')];
  const child = spawn(process.execPath, [...program, 'run', '--out', out, ...args], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = (): void => void child.kill('SIGTERM');
  process.once('exit', kill);
  let lastWords = '';
  child.stderr.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-2000);
  });
  const samples: TreeSample[] = [];
  const timer = setInterval(() => {
    const sample = sampleTree(child.pid!);
    if (sample && sample.processes.length > 0) samples.push(sample);
  }, EVERY_MS);
  const code = await new Promise<number | null>((done, failed) => {
    child.once('close', done);
    child.once('error', failed);
  });
  clearInterval(timer);
  process.off('exit', kill);
  if (code !== 0) throw new Error(`The run ended with ${code ?? child.signalCode}: ${lastWords.trim()}`);
  const [name] = readdirSync(out);
  if (name === undefined) throw new Error(`The run left no folder in ${out}.`);
  return { folder: join(out, name), samples };
}

function eventsOf(folder: string): LoggedEvent[] {
  const reader = new EventLogReader(folder);
  try {
    return reader.query({ types: ['round.started', 'round.finished', 'run.resumed', 'run.finished', 'activity.finished', 'checkpoint.saved', 'pretraining.finished'] });
  } finally {
    reader.close();
  }
}

/** Rounds as figures: time, share of each part, what is left. */
function recordRounds(recorder: Recorder, rounds: readonly RoundTime[]): void {
  recorder.figure('run.round', 's', rounds.map(({ seconds }) => seconds));
  for (const part of PARTS) {
    const shares = rounds.map((round) => 100 * round.shares[part]);
    if (shares.some((share) => share > 0)) recorder.figure(`run.round ${part}`, '%', shares);
  }
  recorder.figure('run.round unaccounted', '%', rounds.map(({ unaccounted }) => 100 * unaccounted));
}

function recordGrowth(recorder: Recorder, name: string, unit: string, found: Growth | null): void {
  if (!found) return;
  recorder.figure(`${name} around round 10`, unit, [found.early]);
  recorder.figure(`${name} in the last rounds`, unit, [found.late]);
  recorder.ratio(`${name}.last/10`, [found.late], [found.early]);
}

function recordUse(recorder: Recorder, samples: readonly TreeSample[], rounds: readonly RoundTime[], events: readonly LoggedEvent[]): void {
  const cores = availableParallelism();
  const [first, last] = [rounds[0]!, rounds.at(-1)!];
  const pretrained = events.find(({ type }) => type === 'pretraining.finished')?.time;
  const windows = [['run', pretrained ?? first.from, events.at(-1)!.time], ['run.rounds', first.from, last.to]] as const;
  for (const [name, from, to] of windows) {
    const use = useBetween(samples, from, Math.min(to, samples.at(-1)!.time), cores);
    if (!use) continue;
    recorder.figure(`${name} utilisation`, '%', [100 * use.utilisation]);
    recorder.figure(`${name} other programs`, '%', [100 * use.others]);
    if (name === 'run') recorder.ratio('run.utilisation', [use.utilisation], [1]);
  }
  const uses = rounds.flatMap(({ from, to }) => useBetween(samples, from, to, cores) ?? []);
  if (uses.length > 0) {
    recorder.figure('run.round main process', '%', uses.map(({ main }) => 100 * main));
    recorder.figure('run.round dashboard', '%', uses.map(({ dashboard }) => 100 * dashboard));
  }
  const resident = rounds.map((round) => ({ round: round.round, found: residentOf(samples, round) }));
  const roles = [...new Set(resident.flatMap(({ found }) => Object.keys(found?.roles ?? {})))].sort();
  recorder.figure('run.memory', 'MB', resident.flatMap(({ found }) => (found ? [found.all / MEGABYTE] : [])));
  for (const role of roles) recorder.figure(`run.memory ${role}`, 'MB', resident.flatMap(({ found }) => (found?.roles[role] === undefined ? [] : [found.roles[role] / MEGABYTE])));
  recordGrowth(recorder, 'run.memory', 'MB', growth(resident.map(({ round, found }) => ({ round, value: found && found.all / MEGABYTE }))));
}

/** Measures what the arguments ask for. */
export async function measure(args: readonly string[], say: Say): Promise<BenchReport> {
  const { values } = parseArgs({
    args: [...args], allowNegative: true,
    options: {
      run: { type: 'string' }, preset: { type: 'string', default: 'smoke' }, rounds: { type: 'string' }, set: { type: 'string', multiple: true, default: [] },
      dashboard: { type: 'boolean', default: true }, built: { type: 'boolean', default: false }, keep: { type: 'string' },
    },
  });
  const recorder = new Recorder(say);
  const temporary = values.run === undefined && values.keep === undefined ? mkdtempSync(join(tmpdir(), 'ouroboros-bench-')) : null;
  if (values.keep !== undefined) mkdirSync(values.keep, { recursive: true });
  try {
    // Only the smallest preset gets rounds of its own: two are too few to say anything.
    const rounds = values.rounds ?? (values.preset === 'smoke' ? '20' : undefined);
    const watched: Watched = values.run !== undefined
      ? { folder: resolve(values.run), samples: [] }
      : await watchRun([
        '--preset', values.preset, ...(rounds === undefined ? [] : ['--rounds', rounds, '--minutes', '1000']), ...(values.dashboard ? [] : ['--no-dashboard']),
        ...values.set.flatMap((assignment) => ['--set', assignment]),
      ], temporary ?? mkdtempSync(join(resolve(values.keep!), 'bench-')), values.built);
    const events = eventsOf(watched.folder);
    const times = roundTimes(events);
    if (times.length === 0) throw new Error(`The run ${watched.folder} has no finished round.`);
    recordRounds(recorder, times);
    recordGrowth(recorder, 'run.seconds', 's', growth(times.map(({ round, seconds }) => ({ round, value: seconds }))));
    if (watched.samples.length > 0) recordUse(recorder, watched.samples, times, events);
    else recorder.missing(values.run === undefined ? 'use of the cores and memory (this system has no /proc)' : 'use of the cores and memory (the run was not watched: leave --run out)');
    if (temporary === null) say(`run: ${watched.folder}`);
  } finally {
    if (temporary !== null) rmSync(temporary, { recursive: true, force: true });
  }
  return recorder.report();
}
