/**
 * `npm run bench -- coco`: captions of images, Texygen's benchmark of text GANs. Generators see 10,000 captions: by likelihood as published, by
 * likelihood as well as we can, and from there by SeqGAN, by its updates without rewards (the control), and by drawing its samples again
 * as a discriminator likes them. BLEU on test captions and Self-BLEU, the whole temperature curve (bench/coco/scores.ts), over seeds.
 */
import { RecurrentSampler } from '../src/models/recurrent-host.ts';
import type { RecurrentShape } from '../src/models/recurrent.ts';
import { RandomStream } from '../src/random/philox.ts';
import { CaptionCourse, CocoError, FILES, readCaptions } from './coco/captions.ts';
import { sampleFiltered, trainDiscriminator } from './coco/filter.ts';
import { checkLines, reportLines, reportOf, seedLines, type SeedReport } from './coco/report.ts';
import { CaptionScorer, holds, TEMPERATURES, type Point } from './coco/scores.ts';
import { SETTINGS, type Setting } from './coco/settings.ts';
import type { Say } from './figures.ts';
import { trainMle, type MleRecipe, type MleResult } from './oracle/mle.ts';
import { trainSeqgan, type SeqganRecipe } from './oracle/seqgan.ts';
import { optionLines, parseCommand, reportsOf } from './seeds.ts';

const HELP = optionLines('coco', `a folder with Texygen's captions, ${FILES.train} and ${FILES.test}`, SETTINGS);

/** Trains and measures everything of one seed. */
export async function runSeed(course: CaptionCourse, scorer: CaptionScorer, setting: Setting, seed: number, say: Say, temperatures = TEMPERATURES): Promise<SeedReport> {
  const measured = async (draw: (temperature: number) => Promise<Int32Array>): Promise<Point[]> => {
    const points: Point[] = [];
    for (const temperature of temperatures) points.push({ temperature, ...scorer.sides(course.decode(await draw(temperature))) });
    return points;
  };
  const curve = async (shape: RecurrentShape, weights: Float32Array): Promise<Point[]> => {
    const sampler = await RecurrentSampler.create(course.engine, shape, weights);
    // The same uniforms at each: neighbours on a curve differ by the temperature alone.
    const points = await measured((temperature) => sampler.sample(setting.samples, new RandomStream(seed, 'curve'), temperature));
    sampler.release();
    return points;
  };
  const byLikelihood = async (name: string, recipe: MleRecipe): Promise<{ result: MleResult; report: SeedReport['mle'] }> => {
    const result = await trainMle(course, recipe, seed, (line) => say(`${name}, ${line}`));
    return { result, report: { epochs: result.epochs, validation: result.best.validation, curve: await curve(result.shape, result.best.weights) } };
  };
  const published = await byLikelihood('published recipe', setting.published);
  const mle = await byLikelihood('best MLE', setting.mle);
  const { shape, best: { weights: start } } = mle.result;
  const adversarially = async (name: string, recipe: SeqganRecipe): Promise<SeedReport['seqgan']> => {
    const { iterations, weights } = await trainSeqgan(course, shape, start, recipe, seed, (line) => say(`${name}, ${line}`));
    return { iterations, curve: await curve(shape, weights) };
  };
  const seqgan = await adversarially('seqgan', setting.seqgan);
  const control = await adversarially('control', { ...setting.seqgan, rollouts: 0 });
  const discriminator = await trainDiscriminator(course, shape, start, setting.filter, seed, (line) => say(`filter, ${line}`));
  const sampler = await RecurrentSampler.create(course.engine, shape, start);
  const filtered = await measured((temperature) => sampleFiltered(sampler, discriminator, shape.length, setting.samples, setting.filter, seed, temperature));
  discriminator.release();
  sampler.release();
  return { seed, published: published.report, mle: mle.report, seqgan, control, filtered: { curve: filtered } };
}

export async function main(args: string[]): Promise<void> {
  const command = parseCommand<keyof typeof SETTINGS, Setting>('coco', args, SETTINGS, HELP);
  if (!command) return void process.stdout.write(HELP);
  const { name, setting, engine, machine, load, say } = command;
  const captions = readCaptions(command.data);
  say(`${machine}; load ${load.toFixed(2)} at the start`);
  const scorer = new CaptionScorer(captions);
  const all = scorer.sides(captions.train);
  for (const line of checkLines(all)) say(line);
  if (!holds(all)) throw new CocoError("These are not Texygen's captions, or are not read as it was meant: nothing measured with them could be compared.");
  const course = new CaptionCourse(engine, captions.train, setting.validation);
  const seeds = await reportsOf<Setting, SeedReport>(command, (seed) => runSeed(course, scorer, setting, seed, say), (report) => {
    for (const line of seedLines(report)) say(line);
  });
  const { samples } = setting;
  const report = reportOf({ setting: name, machine, load, samples, all, own: scorer.sides(captions.train.slice(0, samples)), seeds });
  for (const line of reportLines(report)) say(line);
  if (command.json) process.stdout.write(`${JSON.stringify(report)}\n`);
}
