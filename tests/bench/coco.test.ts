/** The bench of image captions, with a few made-up ones in their place: reading, words and ids, both sides, and everything of a seed once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSeed } from '../../bench/coco.ts';
import { CaptionCourse, CocoError, FILES, readCaptions, wordsOf } from '../../bench/coco/captions.ts';
import { pickByOdds } from '../../bench/coco/filter.ts';
import { answerOf, reportLines, reportOf } from '../../bench/coco/report.ts';
import { bleuAt, CaptionScorer, gains, holds, PUBLISHED, type Point } from '../../bench/coco/scores.ts';
import { SETTINGS, type Setting } from '../../bench/coco/settings.ts';
import { RandomStream } from '../../src/random/philox.ts';

const random = new RandomStream(1, 'captions');
const one = (at: number, of: readonly string[]): string => of[random.integer(at, of.length)]!;
const line = (i: number): string => `a ${one(5 * i, ['black', 'white', 'small'])} ${one(5 * i + 1, ['dog', 'cat', 'car'])} ${one(5 * i + 2, ['sits', 'stands'])} ${one(5 * i + 3, ['in', 'on'])} the ${one(5 * i + 4, ['street, alone', 'kitchen', 'bed'])}.`;
const lines = (from: number, count: number): string => `${Array.from({ length: count }, (_, i) => line(from + i)).join('\n')}\n`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'coco-'));
  writeFileSync(join(folder, FILES.train), gzipSync(lines(0, 200)));
  writeFileSync(join(folder, FILES.test), gzipSync(lines(200, 100)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the captions', () => {
  it('are words, with signs and contractions as words of their own', () => {
    expect(wordsOf("two husky's, at 11:59: they don't  move.")).toEqual(['two', 'husky', "'s", ',', 'at', '11:59', ':', 'they', 'do', "n't", 'move', '.']);
    expect(wordsOf('a u.s. jet reads "go 1,000 miles."')).toEqual(['a', 'u.s.', 'jet', 'reads', '"', 'go', '1,000', 'miles', '.', '"']);
  });

  it('are read from two compressed files', () => {
    const { train, test } = readCaptions(folder);
    expect([train.length, test.length]).toEqual([200, 100]);
    expect(train[0]).toEqual(wordsOf(line(0)));
    expect(test[0]).toEqual(wordsOf(line(200)));
  });

  it('that are missing, not compressed or empty are refused with what is wrong', () => {
    expect(() => readCaptions(join(folder, 'nowhere'))).toThrow(/no image_coco.train.txt.gz and no image_coco.test.txt.gz in .*--data/);
    const other = mkdtempSync(join(tmpdir(), 'coco-'));
    writeFileSync(join(other, FILES.train), gzipSync(lines(0, 2)));
    expect(() => readCaptions(other)).toThrow(/There is no image_coco.test.txt.gz in/);
    writeFileSync(join(other, FILES.test), 'plain');
    expect(() => readCaptions(other)).toThrow(/cannot be decompressed/);
    writeFileSync(join(other, FILES.test), gzipSync('\n'));
    expect(() => readCaptions(other)).toThrow(CocoError);
    rmSync(other, { recursive: true, force: true });
  });

  it('become ids and are the same again, each once, in training or held out', () => {
    const { train } = readCaptions(folder);
    const course = new CaptionCourse({ backend: 'onnx:cpu', threads: 1 }, train, 20);
    const text = (captions: readonly (readonly string[])[]): string[] => captions.map((words) => words.join(' ')).toSorted();
    expect(text([...course.decode(course.train), ...course.decode(course.validation)])).toEqual(text(train));
    expect(course.validation).toHaveLength(20 * course.shape.length);
    expect(() => new CaptionCourse({ backend: 'onnx:cpu', threads: 1 }, train, 200)).toThrow(RangeError);
  });
});

describe('both sides', () => {
  it('of copies of the test captions are 1 and 1, and copies of training captions are counted', () => {
    const captions = { train: [wordsOf('a dog in the street .')], test: [wordsOf('a cat sits on the bed .')] };
    const scorer = new CaptionScorer(captions);
    const sides = scorer.sides([...captions.test, ...captions.test]);
    for (const value of [...sides.bleu, ...sides.selfBleu]) expect(value).toBeCloseTo(1, 12);
    expect(sides.copies).toBe(0);
    expect(scorer.sides([...captions.train, ...captions.test]).copies).toBe(0.5);
  });

  it('are compared along a curve', () => {
    const at = (temperature: number, bleu: number, selfBleu: number): Point => ({ temperature, bleu: Array(4).fill(bleu), selfBleu: Array(4).fill(selfBleu), copies: 0 });
    const curve = [at(0.8, 0.6, 0.9), at(1, 0.5, 0.7), at(1.2, 0.4, 0.6)];
    expect(bleuAt(curve, 0, 0.8)).toBeCloseTo(0.55, 12);
    expect(bleuAt(curve, 0, 0.95)).toBeCloseTo(0.6, 12);
    for (const gain of gains(at(1, 0.57, 0.8), curve)) expect(gain).toBeCloseTo(0.02, 12);
    for (const point of curve) for (const gain of gains(point, curve)) expect(gain).toBeCloseTo(0, 12);
  });

  it('of the training captions tell whether they are the published ones', () => {
    expect(holds(PUBLISHED['training captions'])).toBe(true);
    expect(holds(PUBLISHED.MLE)).toBe(false);
  });
});

it('a filter keeps one of each group, in proportion to its odds', () => {
  const picked = pickByOdds(Float32Array.from({ length: 8000 }, (_, i) => (i % 2 === 0 ? 0.5 : 0.75)), 2, (g) => random.uniform(10_000 + g));
  expect(picked).toHaveLength(4000);
  for (const [g, index] of picked.entries()) expect(Math.floor(index / 2)).toBe(g);
  // Odds of 1 and 3; four standard errors.
  expect(Math.abs(picked.filter((index) => index % 2 === 1).length / 4000 - 0.75)).toBeLessThan(4 * Math.sqrt((0.75 * 0.25) / 4000));
  expect(pickByOdds([1, 1, 0, 1], 2, () => 0.999)).toEqual([1, 3]);
});

it('an answer is yes only where every order is beyond chance', () => {
  const around = (difference: number) => ({ difference, low: difference - 0.01, high: difference + 0.01 });
  expect(answerOf([0.02, 0.03, 0.02, 0.05].map(around), 3)).toBe('yes');
  expect(answerOf([0.02, 0.03, 0.02, 0.05].map(around), 1)).toMatch(/cannot be said/);
  expect(answerOf([0.02, 0.03, 0.005, -0.05].map(around), 3)).toBe('no, not at every order: beyond at order 2, 3; behind at order 5');
  expect(answerOf([0, 0, 0.005, 0].map(around), 3)).toBe('no, not beyond chance');
  expect(answerOf([-0.02, -0.03, -0.02, -0.05].map(around), 3)).toBe('no, it is behind');
});

it('a whole seed gives both sides of five generators at every temperature, and the same again', async () => {
  const captions = readCaptions(folder);
  const setting: Setting = {
    about: 'tiny', seeds: 1, validation: 40, samples: 96,
    published: { ...SETTINGS.small.published, hidden: 8, epochs: 6, batch: 8 }, mle: { ...SETTINGS.small.mle, hidden: 12, epochs: 6, batch: 8, learningRate: 1e-2, averageDecay: 0.9 },
    seqgan: { ...SETTINGS.small.seqgan, iterations: 2, every: 1, batch: 8, discriminatorPretraining: 2, discriminatorSteps: 1 }, filter: { ...SETTINGS.small.filter, batch: 16, discriminatorSteps: 4 },
  };
  const temperatures = [0.7, 1, 1.3];
  const scorer = new CaptionScorer(captions);
  const run = () => runSeed(new CaptionCourse({ backend: 'onnx:cpu', threads: 1 }, captions.train, setting.validation), scorer, setting, 1, () => {}, temperatures);
  const report = await run();
  for (const { epochs, validation } of [report.published, report.mle]) {
    expect(epochs.at(-1)!.train).toBeLessThan(epochs[0]!.train);
    expect(validation).toBe(Math.min(...epochs.flatMap((epoch) => [epoch.validation, epoch.averageValidation])));
    expect(epochs.every(({ oracle }) => oracle === null)).toBe(true);
  }
  for (const { curve } of [report.published, report.mle, report.seqgan, report.control, report.filtered]) {
    expect(curve.map(({ temperature }) => temperature)).toEqual(temperatures);
    // The colder, the more alike and the likelier found among the test captions.
    for (const side of ['bleu', 'selfBleu'] as const) expect(curve[0]![side][0]!).toBeGreaterThan(curve.at(-1)![side][0]!);
  }
  expect(report.seqgan.iterations.map(({ iteration }) => iteration)).toEqual([1, 2]);
  expect(report.control.iterations.map(({ reward }) => reward)).toEqual([0, 0]);
  expect(report.filtered.curve).not.toEqual(report.mle.curve);
  const own = scorer.sides(captions.train.slice(0, setting.samples));
  const whole = reportOf({ setting: 'tiny', machine: 'none', load: 0, samples: setting.samples, all: scorer.sides(captions.train), own, seeds: [report, { ...report, seed: 2 }] });
  expect(whole.onPublished).toBeNull();
  for (const [arm, { curve }] of Object.entries(whole.arms)) expect(curve).toEqual(report[arm as 'mle'].curve);
  for (const { point, level } of whole.comparisons) for (const { low, high } of [...point, ...level]) expect(low).toBeCloseTo(high, 9);
  expect(reportLines(whole).at(-1)).toMatch(/2 seeds/);
  expect(await run()).toEqual(report);
});
