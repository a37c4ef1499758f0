/** The bench of the synthetic oracle, with a tiny random one in its place: reading, curves, and everything of a seed once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runSeed } from '../../bench/oracle.ts';
import { bestSum, gain, oracleAt, untempered, type Point } from '../../bench/oracle/curve.ts';
import { Benchmark, type Sizes } from '../../bench/oracle/generator.ts';
import { oracleFrom, OracleError, readOracle } from '../../bench/oracle/oracle.ts';
import { reportLines, reportOf } from '../../bench/oracle/report.ts';
import { withoutMeans } from '../../bench/oracle/seqgan.ts';
import { SETTINGS, type Setting } from '../../bench/oracle/settings.ts';
import { recurrentLayout } from '../../src/models/recurrent.ts';
import { RandomStream } from '../../src/random/philox.ts';
import { safetensors } from '../models/safetensors-writer.ts';

const V = 30, E = 3, H = 4;
const random = new RandomStream(1, 'tiny oracle');
let drawn = 0;
const tensor = (...shape: number[]) => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal(drawn++)) });
const gates = ['i', 'f', 'og', 'c'];
const file = {
  g_embeddings: tensor(V, E), ...Object.fromEntries(gates.flatMap((gate) => [[`W${gate}`, tensor(E, H)], [`U${gate}`, tensor(H, H)], [`b${gate}`, tensor(H)]])), Wo: tensor(H, V), bo: tensor(V),
} as Record<string, ReturnType<typeof tensor>>;

describe("the oracle's file", () => {
  it('becomes the recurrent model: gates side by side, the last bias under the last matrix', () => {
    const { shape, weights } = oracleFrom(safetensors(file));
    expect(shape).toEqual({ vocabulary: V, embedding: E, hidden: H, length: 20, start: 0 });
    let at = 0;
    const parts = Object.fromEntries(recurrentLayout(shape).parameters.map(({ name, shape: [rows, columns = 1] }) => [name, { columns, data: weights.subarray(at, (at += rows! * columns)) }]));
    for (const [g, gate] of gates.entries()) {
      for (let j = 0; j < H; j++) {
        expect(parts['bias']!.data[g * H + j]).toBe(file[`b${gate}`]!.data[j]);
        for (let e = 0; e < E; e++) expect(parts['input']!.data[e * 4 * H + g * H + j]).toBe(file[`W${gate}`]!.data[e * H + j]);
        for (let k = 0; k < H; k++) expect(parts['recurrent']!.data[k * 4 * H + g * H + j]).toBe(file[`U${gate}`]!.data[k * H + j]);
      }
    }
    expect([...parts['output']!.data]).toEqual([...file['Wo']!.data, ...file['bo']!.data]);
  });

  it('that is missing or holds something else is refused with what is wrong', () => {
    expect(() => readOracle('nowhere.safetensors')).toThrow(/no file nowhere.*--data/);
    const { Wc: _, ...less } = file;
    expect(() => oracleFrom(safetensors(less))).toThrow(/no tensor 'Wc'/);
    expect(() => oracleFrom(safetensors({ ...file, bo: tensor(V - 1) }))).toThrow(OracleError);
  });
});

describe('curves', () => {
  const curve: Point[] = [{ temperature: 0.5, oracle: 6, test: 10 }, { temperature: 1, oracle: 8, test: 8 }, { temperature: 1.5, oracle: 9, test: 8.5 }];

  it('are read between their points, and at the ends as far as they reach', () => {
    expect(oracleAt(curve, 9)).toBeCloseTo(7);
    expect(oracleAt(curve, 8.25)).toBeCloseTo(7.75);
    expect(oracleAt(curve, 7)).toBe(8);
    expect(oracleAt(curve, 12)).toBe(6);
  });

  it('no point of a curve lies beyond it', () => {
    const side = fc.double({ min: 5, max: 12, noNaN: true });
    fc.assert(fc.property(fc.array(fc.record({ temperature: fc.constant(1), oracle: side, test: side }), { minLength: 1, maxLength: 9 }), (points) => {
      for (const point of points) expect(gain(point, points)).toBeLessThanOrEqual(0);
    }));
    expect(gain({ temperature: 1, oracle: 7, test: 8.5 }, curve)).toBeCloseTo(0.5);
  });

  it('have one best sum, and the point that nothing was done to', () => {
    expect(bestSum(curve)).toMatchObject({ temperature: 0.5 });
    expect(untempered(curve)).toMatchObject({ oracle: 8 });
  });
});

it('rewards less their means add up to nothing at every position, over the rows that reach it', () => {
  const rewards = Float32Array.of(1, 5, 3, 4, 2, 0);
  withoutMeans(rewards, 2);
  expect([...rewards]).toEqual([-1, 2, 1, 1, 0, -3]);
  const short = Float32Array.of(1, 7, 3, 4, 2, 0);
  withoutMeans(short, 2, [1, 2, 2]);
  expect([...short]).toEqual([-1, 7, 1, 2, 0, -2]);
});

describe('a whole seed', () => {
  const sizes: Sizes = { train: 256, validation: 64, test: 64, samples: 128 };
  const setting: Setting = {
    about: 'tiny', seeds: 1, sizes,
    published: { ...SETTINGS.small.published, epochs: 6, every: 3, batch: 32 }, mle: { ...SETTINGS.small.mle, epochs: 6, every: 3, batch: 32, hidden: 8 },
    seqgan: { ...SETTINGS.small.seqgan, iterations: 2, every: 1, rollouts: 2, batch: 8, discriminatorPretraining: 2, discriminatorSteps: 1 },
    late: { ...SETTINGS.small.late, iterations: 1, every: 1, rollouts: 1, batch: 8, discriminatorPretraining: 1, discriminatorSteps: 1 },
  };

  it('gives both sides of every generator at every temperature, and the same again', async () => {
    const run = async () => {
      const bench = await Benchmark.open({ backend: 'onnx:cpu', threads: 1 }, oracleFrom(safetensors(file)), sizes);
      const checks = await bench.check();
      const report = await runSeed(bench, setting, 1, () => {});
      bench.release();
      return { checks, report };
    };
    const { checks, report } = await run();
    expect(checks.cooled).toBeLessThan(checks.own);
    expect(checks.own).toBeLessThan(checks.uniform);
    for (const { epochs, best } of [report.published, report.mle]) {
      expect(epochs.map(({ oracle }) => oracle !== null)).toEqual([false, false, true, false, false, true]);
      expect(epochs.at(-1)!.train).toBeLessThan(epochs[0]!.train);
      expect(best.validation).toBe(Math.min(...epochs.flatMap(({ validation, averageValidation }) => [validation, averageValidation])));
    }
    expect(report.seqgan.iterations.map(({ iteration }) => iteration)).toEqual([1, 2]);
    expect(report.control.iterations.map(({ reward }) => reward)).toEqual([0, 0]);
    expect(report.control.curve).not.toEqual(report.mle.curve);
    // The last epoch's NLL-oracle is measured on other samples of the same weights.
    expect(untempered(report.lateMle.curve).oracle).toBeCloseTo(report.mle.epochs.at(-1)!.oracle!, 0);
    expect(report.lateControl.curve).not.toEqual(report.lateMle.curve);
    for (const { curve } of [report.published, report.mle, report.seqgan, report.control, report.lateMle, report.lateSeqgan, report.lateControl]) {
      // The colder, the likelier to the oracle's own taste; never likelier to the test than at the entropy it cannot get below.
      expect(curve[0]!.oracle).toBeLessThan(curve.at(-1)!.oracle);
      for (const { test } of curve) expect(test).toBeGreaterThan(0);
    }
    const whole = reportOf({ setting: 'tiny', machine: 'none', load: 0, checks, seeds: [report, { ...report, seed: 2 }] });
    for (const [arm, control] of [['seqgan', 'control'], ['lateSeqgan', 'lateControl']] as const) {
      const { gain: onMle, gainOnControl, sentence } = whole.answers[arm];
      // Both seeds are the same one, so there is nothing to be unsure of.
      for (const { difference, low, high } of [onMle, gainOnControl]) expect([low, high]).toEqual([expect.closeTo(difference, 9), expect.closeTo(difference, 9)]);
      expect(onMle.difference).toBeCloseTo(gain(untempered(report[arm].curve), report.mle.curve), 9);
      expect(gainOnControl.difference).toBeCloseTo(gain(untempered(report[arm].curve), report[control].curve), 9);
      expect(sentence).toMatch(onMle.difference <= 0 ? /no, / : /yes|so do the updates/);
    }
    expect(whole.arms.mle.curve).toEqual(report.mle.curve);
    expect(reportLines(whole).at(-1)).toMatch(/2 seeds/);
    expect((await run()).report).toEqual(report);
  });
});
