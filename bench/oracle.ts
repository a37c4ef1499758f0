/**
 * `npm run bench -- oracle`: text generation measured against a distribution that is known, the synthetic oracle of the text-GAN
 * literature. Generators see 10,000 of its sequences: by likelihood as published, by likelihood as well as we can, and from there by SeqGAN
 * and, as its control, by likelihood alone; the same two from where likelihood ends. The oracle only scores. Both sides, the whole temperature curve
 * (bench/oracle/curve.ts), over seeds.
 */
import { Benchmark } from './oracle/generator.ts';
import { trainMle, type MleRecipe, type MleResult } from './oracle/mle.ts';
import { OracleError, readOracle } from './oracle/oracle.ts';
import { checkLines, checksHold, reportLines, reportOf, seedLines, type AdversarialReport, type MleReport, type SeedReport } from './oracle/report.ts';
import { trainSeqgan, type SeqganRecipe } from './oracle/seqgan.ts';
import { SETTINGS, type Setting } from './oracle/settings.ts';
import type { Point } from './oracle/curve.ts';
import type { Say } from './figures.ts';
import { optionLines, parseCommand, reportsOf } from './seeds.ts';

const HELP = optionLines('oracle', "the oracle's weights, seqgan-oracle.safetensors", SETTINGS);

/** Trains and measures everything of one seed. */
export async function runSeed(bench: Benchmark, setting: Setting, seed: number, say: Say): Promise<SeedReport> {
  const byLikelihood = async (name: string, recipe: MleRecipe): Promise<{ result: MleResult; report: MleReport }> => {
    const result = await trainMle(bench, recipe, seed, (line) => say(`${name}, ${line}`));
    const { weights, ...best } = result.best;
    return { result, report: { epochs: result.epochs, best, curve: await bench.curve(result.shape, weights, seed) } };
  };
  const published = await byLikelihood('published MLE', setting.published);
  const mle = await byLikelihood('best MLE', setting.mle);
  const { shape, best, last } = mle.result;
  const curve = (weights: Float32Array): Promise<Point[]> => bench.curve(shape, weights, seed);
  const adversarially = async (name: string, start: Float32Array, recipe: SeqganRecipe): Promise<AdversarialReport> => {
    const { iterations, weights } = await trainSeqgan(bench, shape, start, recipe, seed, (line) => say(`${name}, ${line}`));
    return { iterations, curve: await curve(weights) };
  };
  return {
    seed, published: published.report, mle: mle.report,
    seqgan: await adversarially('seqgan', best.weights, setting.seqgan),
    control: await adversarially('control', best.weights, { ...setting.seqgan, rollouts: 0 }),
    lateMle: { curve: await curve(last) },
    lateSeqgan: await adversarially('late seqgan', last, setting.late),
    lateControl: await adversarially('late control', last, { ...setting.late, rollouts: 0 }),
  };
}

export async function main(args: string[]): Promise<void> {
  const command = parseCommand<keyof typeof SETTINGS, Setting>('oracle', args, SETTINGS, HELP);
  if (!command) return void process.stdout.write(HELP);
  const { name, setting, engine, machine, load, say } = command;
  const weights = readOracle(command.data);
  say(`${machine}; load ${load.toFixed(2)} at the start`);
  const bench = await Benchmark.open(engine, weights, setting.sizes);
  const checks = await bench.check();
  for (const line of checkLines(checks)) say(line);
  if (!checksHold(checks)) throw new OracleError('These weights are not the published oracle, or are not read as it was meant: nothing measured with them could be compared.');
  const seeds = await reportsOf<Setting, SeedReport>(command, (seed) => runSeed(bench, setting, seed, say), (report) => {
    for (const line of seedLines(report)) say(line);
  });
  bench.release();
  const report = reportOf({ setting: name, machine, load, checks, seeds });
  for (const line of reportLines(report)) say(line);
  if (command.json) process.stdout.write(`${JSON.stringify(report)}
`);
}
