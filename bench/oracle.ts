/**
 * `npm run bench -- oracle`: text generation measured against a distribution that is known, the synthetic oracle of the text-GAN
 * literature. Generators see 10,000 of its sequences: by likelihood as published, by likelihood as well as we can, and from there by SeqGAN
 * and, as its control, by likelihood alone; the oracle only scores. Both sides, the whole temperature curve (bench/oracle/curve.ts), over seeds.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { EngineOptions } from '../src/engine/compile.ts';
import { writeJsonAtomic } from '../src/store/atomic.ts';
import { machineName, type Say } from './figures.ts';
import { seedsOf } from './improve.ts';
import { ImproveError } from './improve/cells.ts';
import { Benchmark } from './oracle/generator.ts';
import { trainMle, type MleRecipe, type MleResult } from './oracle/mle.ts';
import { OracleError, readOracle } from './oracle/oracle.ts';
import { checkLines, checksHold, reportLines, reportOf, seedLines, type AdversarialReport, type MleReport, type SeedReport } from './oracle/report.ts';
import { trainSeqgan, type SeqganRecipe } from './oracle/seqgan.ts';
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName } from './oracle/settings.ts';

const HELP = `npm run bench -- oracle --data PATH [--setting NAME] [--seeds N | --seeds A,B] [--out FOLDER] [--threads N] [--json]

  --data     the oracle's weights, seqgan-oracle.safetensors
  --setting  ${SETTING_NAMES.map((name) => `${name}: ${SETTINGS[name].about}`).join('\n             ')}
  --seeds    how many, or which ones with a comma between them, instead of the setting's
  --out      default runs/oracle-SETTING; seeds that are done there are not trained again
  --threads  default 1: products this small gain little from a second
  --json     the report on standard output, progress on standard error
`;

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new OracleError(`${option} has to be a whole number of at least 1, not '${text}'.`);
  return value;
}

function settingNamed(name: string): SettingName {
  const found = SETTING_NAMES.find((known) => known === name);
  if (found === undefined) throw new OracleError(`There is no setting '${name}'; there are ${SETTING_NAMES.join(', ')}.`);
  return found;
}

/** Trains and measures everything of one seed. */
export async function runSeed(bench: Benchmark, setting: Setting, seed: number, say: Say): Promise<SeedReport> {
  const byLikelihood = async (name: string, recipe: MleRecipe): Promise<{ result: MleResult; report: MleReport }> => {
    const result = await trainMle(bench, recipe, seed, (line) => say(`${name}, ${line}`));
    const { weights, ...best } = result.best;
    return { result, report: { epochs: result.epochs, best, curve: await bench.curve(result.shape, weights, seed) } };
  };
  const published = await byLikelihood('published MLE', setting.published);
  const mle = await byLikelihood('best MLE', setting.mle);
  const adversarially = async (name: string, recipe: SeqganRecipe): Promise<AdversarialReport> => {
    const { shape, best } = mle.result;
    const { iterations, weights } = await trainSeqgan(bench, shape, best.weights, recipe, seed, (line) => say(`${name}, ${line}`));
    return { iterations, curve: await bench.curve(shape, weights, seed) };
  };
  const seqgan = await adversarially('seqgan', setting.seqgan);
  const control = await adversarially('control', { ...setting.seqgan, rollouts: 0 });
  return { seed, published: published.report, mle: mle.report, seqgan, control };
}

/** What lies in a seed's file: its report, and under which setting it came about. */
interface Kept {
  readonly setting: Setting;
  readonly report: SeedReport;
}

/** The report of a seed that was done before under the same setting. */
function readKept(file: string, setting: Setting): SeedReport | null {
  if (!existsSync(file)) return null;
  const kept = JSON.parse(readFileSync(file, 'utf8')) as Kept;
  if (JSON.stringify(kept.setting) !== JSON.stringify(setting)) throw new OracleError(`${file} was made with other settings; name another folder with --out, or remove it.`);
  return kept.report;
}

export async function main(args: string[]): Promise<void> {
  try {
    await oracle(args);
  } catch (error) {
    const misused = error instanceof OracleError || error instanceof ImproveError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    if (!misused) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 2;
  }
}

async function oracle(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string' }, setting: { type: 'string', default: 'small' }, seeds: { type: 'string' }, out: { type: 'string' },
      threads: { type: 'string', default: '1' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  if (values.data === undefined) throw new OracleError(`--data is missing.\n\n${HELP}`);
  const name = settingNamed(values.setting);
  const setting: Setting = SETTINGS[name];
  const wanted = seedsOf(values.seeds ?? String(setting.seeds));
  const out = resolve(values.out ?? join('runs', `oracle-${name}`));
  const engine: EngineOptions = { backend: 'onnx:cpu', threads: wholeNumber('--threads', values.threads) };
  const say: Say = (line) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);

  const weights = readOracle(values.data);
  const load = loadavg()[0]!;
  say(`${machineName()}; load ${load.toFixed(2)} at the start`);
  const bench = await Benchmark.open(engine, weights, setting.sizes);
  const checks = await bench.check();
  for (const line of checkLines(checks)) say(line);
  if (!checksHold(checks)) throw new OracleError('These weights are not the published oracle, or are not read as it was meant: nothing measured with them could be compared.');
  mkdirSync(out, { recursive: true });
  const seeds: SeedReport[] = [];
  for (const seed of wanted) {
    const file = join(out, `seed-${seed}.json`);
    let report = readKept(file, setting);
    if (!report) writeJsonAtomic(file, { setting, report: (report = await runSeed(bench, setting, seed, say)) } satisfies Kept);
    for (const line of seedLines(report)) say(line);
    seeds.push(report);
  }
  bench.release();
  const report = reportOf({ setting: name, machine: machineName(), load, checks, seeds });
  for (const line of reportLines(report)) say(line);
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
}
