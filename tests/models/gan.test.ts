/** The pair over vectors: losses as they are defined, signs of their gradients, and a known distribution learned, with controls. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { compile, type BoundStep } from '../../src/engine/compile.ts';
import { discriminatorLoss, generatorLoss, type Objective } from '../../src/models/adversarial.ts';
import { discriminatorLayout, discriminatorStep, generated, generatorLayout, generatorStep, logits, NOISE, SAMPLE, sampleStep } from '../../src/models/gan.ts';
import { ADVERSARIAL_BETAS, biasCorrections } from '../../src/models/optimizer.ts';
import { RandomStream } from '../../src/random/philox.ts';

const engine = { backend: 'onnx:cpu', threads: 1 } as const;
const OBJECTIVES: readonly Objective[] = ['minimax', 'non-saturating'];

/** x = mean + A u + 0.5 v in 100 dimensions, u normal in 4, v in 100: the covariance is A A' + I / 4. */
const RANK = 4;
const target = new RandomStream(1, 'target');
const mean = Float32Array.from({ length: SAMPLE }, (_, i) => target.normal(i));
const factor = Float32Array.from({ length: SAMPLE * RANK }, (_, i) => 0.7 * target.normal(SAMPLE + i));
const covariance = (i: number, j: number): number => {
  let sum = i === j ? 0.25 : 0;
  for (let k = 0; k < RANK; k++) sum += factor[i * RANK + k]! * factor[j * RANK + k]!;
  return sum;
};
function real(count: number, name: string): Float32Array {
  const random = new RandomStream(1, name);
  return Float32Array.from({ length: count * SAMPLE }, (_, at) => {
    const [row, x] = [Math.floor(at / SAMPLE), at % SAMPLE];
    const from = row * (SAMPLE + RANK);
    let value = mean[x]! + 0.5 * random.normal(from + RANK + x);
    for (let k = 0; k < RANK; k++) value += factor[x * RANK + k]! * random.normal(from + k);
    return value;
  });
}
const noise = (count: number, name: string): Float32Array => {
  const random = new RandomStream(2, name);
  return Float32Array.from({ length: count * NOISE }, (_, i) => random.normal(i));
};

class Pair {
  readonly generator = generatorLayout().initialise(1);
  readonly discriminator = discriminatorLayout().initialise(2);
  #updates = { discriminator: 0, generator: 0 };

  private constructor(readonly rows: number, private readonly programs: Record<'d' | 'g', Awaited<ReturnType<typeof compile>>>, private readonly steps: { d?: BoundStep; g?: BoundStep } = {}) {
    const zeros = (array: Float32Array): Float32Array => new Float32Array(array.length);
    const [g, d] = [this.generator, this.discriminator];
    steps.d = programs.d.bind({ weights: d, first: zeros(d), second: zeros(d), generator: g });
    steps.g = programs.g.bind({ weights: g, first: zeros(g), second: zeros(g), discriminator: d });
  }

  static async create(objective: Objective, rows: number): Promise<Pair> {
    const [d, g] = [discriminatorStep(rows), generatorStep(rows, objective)];
    return new Pair(rows, { d: await compile(engine, d.step, d.spec), g: await compile(engine, g.step, g.spec) });
  }

  async #run(which: 'd' | 'g', inputs: Record<string, Float32Array>, learningRate: number, updates: number): Promise<Record<string, number>> {
    const step = this.steps[which]!;
    for (const [name, values] of Object.entries(inputs)) step.inputs[name]!.set(values);
    for (const [name, value] of Object.entries({ learningRate, ...biasCorrections(updates, ADVERSARIAL_BETAS) })) step.inputs[name]![0] = value;
    await step.run({ blocking: true });
    return Object.fromEntries(Object.entries(step.outputs).map(([name, values]) => [name, values[0]!]));
  }

  /** L_D before the update. */
  async updateDiscriminator(real: Float32Array, z: Float32Array, learningRate: number): Promise<number> {
    return (await this.#run('d', { real, z }, learningRate, this.#updates.discriminator++))['loss']!;
  }

  /** L_G before the update, and its gradient's norm. */
  async updateGenerator(z: Float32Array, learningRate: number): Promise<Record<string, number>> {
    return this.#run('g', { z }, learningRate, this.#updates.generator++);
  }

  release(): void {
    for (const step of Object.values(this.steps)) step.release();
    for (const program of Object.values(this.programs)) program.release();
  }
}

describe('the losses', () => {
  const [s, t] = [[0.3, -1.2, 4], [-0.7, 2, 0]];
  const D = (logit: number): number => 1 / (1 + Math.exp(-logit));
  const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

  it('are those of eq. 1 and section 3, by D', async () => {
    await tf.setBackend('cpu');
    const value = (x: tf.Scalar): number => x.dataSync()[0]!;
    expect(value(discriminatorLoss(tf.tensor1d(s), tf.tensor1d(t)))).toBeCloseTo(-average(s.map((x) => Math.log(D(x)))) - average(t.map((x) => Math.log(1 - D(x)))), 5);
    expect(value(generatorLoss('minimax', tf.tensor1d(t)))).toBeCloseTo(average(t.map((x) => Math.log(1 - D(x)))), 5);
    expect(value(generatorLoss('non-saturating', tf.tensor1d(t)))).toBeCloseTo(-average(t.map((x) => Math.log(D(x)))), 5);
    // Where D cannot tell, L_D = 2 ln 2.
    expect(value(discriminatorLoss(tf.tensor1d([0]), tf.tensor1d([0])))).toBeCloseTo(2 * Math.LN2, 5);
  });

  it('have slopes -D and -(1 - D) by the logit: one sign, and only the first goes flat where D is sure', async () => {
    await tf.setBackend('cpu');
    const slope = (objective: Objective, logit: number): number => tf.tidy(() => tf.grad((x) => generatorLoss(objective, x))(tf.tensor1d([logit])).dataSync()[0]!);
    for (const logit of [-8, -1, 0, 1, 8]) {
      expect(slope('minimax', logit)).toBeCloseTo(-D(logit), 5);
      expect(slope('non-saturating', logit)).toBeCloseTo(D(logit) - 1, 5);
    }
    expect(slope('non-saturating', -8) / slope('minimax', -8)).toBeGreaterThan(1000);
  });

  it('give the generator parallel gradients on one sample, whose lengths are as D to 1 - D', async () => {
    await tf.setBackend('cpu');
    const [g, d] = [generatorLayout(), discriminatorLayout()];
    tf.tidy(() => {
      const critic = d.unflatten(tf.tensor1d(d.initialise(2)));
      const z = tf.tensor2d(noise(1, 'one'), [1, NOISE]);
      const gradient = (objective: Objective): { value: Float32Array; odds: number } => {
        const { gradient, metrics } = g.valueAndGradient(tf.tensor1d(g.initialise(1)), (p) => {
          const s = logits(critic, generated(p, z));
          return { loss: generatorLoss(objective, s), metrics: { s } };
        });
        return { value: gradient.dataSync() as Float32Array, odds: metrics.s.dataSync()[0]! };
      };
      const [minimax, other] = [gradient('minimax'), gradient('non-saturating')];
      const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
      expect(dot(minimax.value, other.value) / Math.sqrt(dot(minimax.value, minimax.value) * dot(other.value, other.value))).toBeCloseTo(1, 5);
      // D / (1 - D) is the logit's exponential.
      expect(Math.sqrt(dot(minimax.value, minimax.value) / dot(other.value, other.value))).toBeCloseTo(Math.exp(minimax.odds), 3);
    });
  });
});

describe('one step', () => {
  it.each(OBJECTIVES)('of either player lowers its own loss on the same batch, %s', async (objective) => {
    const rows = 64;
    const pair = await Pair.create(objective, rows);
    const [x, z] = [real(rows, 'batch'), noise(rows, 'batch')];
    const before = await pair.updateDiscriminator(x, z, 2e-4);
    const judged = await pair.updateDiscriminator(x, z, 0);
    expect(judged).toBeLessThan(before);
    const generatorBefore = await pair.updateGenerator(z, 2e-4);
    expect((await pair.updateGenerator(z, 0))['loss']!).toBeLessThan(generatorBefore['loss']!);
    // What the generator gains the discriminator loses.
    expect(await pair.updateDiscriminator(x, z, 0)).toBeGreaterThan(judged);
    pair.release();
  });

  it('under a discriminator that is sure has next to no gradient by minimax, and a large one otherwise', async () => {
    const rows = 64;
    const norms: Record<string, number> = {};
    const [x, z] = [real(rows, 'sure'), noise(rows, 'sure')];
    for (const objective of OBJECTIVES) {
      const pair = await Pair.create(objective, rows);
      for (let step = 0; step < 200; step++) await pair.updateDiscriminator(x, z, 1e-3);
      norms[objective] = (await pair.updateGenerator(z, 0))['gradNorm']!;
      pair.release();
    }
    expect(norms['non-saturating']).toBeGreaterThan(100 * norms['minimax']!);
  });
});

describe('a distribution that is known', () => {
  const COUNT = 1000;
  const truth = real(COUNT, 'truth');
  const directions = Array.from({ length: 50 }, (_, l) => {
    const random = new RandomStream(3, 'directions', l);
    const direction = Array.from({ length: SAMPLE }, (_, x) => random.normal(x));
    const norm = Math.hypot(...direction);
    return direction.map((value) => value / norm);
  });

  /** Sliced Wasserstein-1 distance to the truth (Bonneel et al. 2015); errors of mean and covariance relative to their Frobenius norms. */
  function distances(samples: Float32Array): { sliced: number; mean: number; covariance: number } {
    const projected = (x: Float32Array, direction: readonly number[]): Float32Array =>
      Float32Array.from({ length: COUNT }, (_, row) => direction.reduce((sum, w, i) => sum + w * x[row * SAMPLE + i]!, 0)).sort();
    const sliced = directions.reduce((total, direction) => {
      const [a, b] = [projected(samples, direction), projected(truth, direction)];
      return total + a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / COUNT;
    }, 0) / directions.length;
    const means = Array.from({ length: SAMPLE }, (_, i) => {
      let sum = 0;
      for (let row = 0; row < COUNT; row++) sum += samples[row * SAMPLE + i]!;
      return sum / COUNT;
    });
    let [meanError, meanNorm, error, norm] = [0, 0, 0, 0];
    for (let i = 0; i < SAMPLE; i++) {
      meanError += (means[i]! - mean[i]!) ** 2;
      meanNorm += mean[i]! ** 2;
      for (let j = 0; j < SAMPLE; j++) {
        let sum = 0;
        for (let row = 0; row < COUNT; row++) sum += (samples[row * SAMPLE + i]! - means[i]!) * (samples[row * SAMPLE + j]! - means[j]!);
        error += (sum / COUNT - covariance(i, j)) ** 2;
        norm += covariance(i, j) ** 2;
      }
    }
    return { sliced, mean: Math.sqrt(meanError / meanNorm), covariance: Math.sqrt(error / norm) };
  }

  async function sampled(generator: Float32Array): Promise<Float32Array> {
    const { step, spec } = sampleStep(COUNT);
    const program = await compile(engine, step, spec);
    const bound = program.bind({ generator });
    bound.inputs['z']!.set(noise(COUNT, 'look'));
    await bound.run();
    const samples = (bound.outputs['samples'] as Float32Array).slice();
    bound.release();
    program.release();
    return samples;
  }

  it('is near to itself and far from an untrained generator', async () => {
    const itself = distances(real(COUNT, 'again'));
    expect(itself.sliced).toBeLessThan(0.1);
    expect(itself.mean).toBeLessThan(0.1);
    expect(itself.covariance).toBeLessThan(0.3);
    const untrained = distances(await sampled(generatorLayout().initialise(1)));
    expect(untrained.sliced).toBeGreaterThan(1);
    expect(untrained.mean).toBeGreaterThan(0.9);
    expect(untrained.covariance).toBeGreaterThan(0.9);
  });

  it('is learned by the pair: mean, covariance and projections come near', async () => {
    const rows = 64, steps = 7500, learningRate = 2e-4, pool = 8192;
    const pair = await Pair.create('non-saturating', rows);
    const [samples, z] = [real(pool, 'pool'), noise(pool, 'pool')];
    // Two players circle round where they would settle; the average of the generator's weights does not.
    const average = pair.generator.slice();
    const [x, za, zb] = [new Float32Array(rows * SAMPLE), new Float32Array(rows * NOISE), new Float32Array(rows * NOISE)];
    for (let step = 0; step < steps; step++) {
      const random = new RandomStream(4, 'batch', step);
      for (const [b, [to, from]] of ([[x, samples], [za, z], [zb, z]] as const).entries()) {
        for (let row = 0; row < rows; row++) {
          const at = random.integer(b * rows + row, pool);
          to.set(from.subarray(at * 100, (at + 1) * 100), row * 100);
        }
      }
      await pair.updateDiscriminator(x, za, learningRate);
      await pair.updateGenerator(zb, learningRate);
      for (let i = 0; i < average.length; i++) average[i] = 0.998 * average[i]! + 0.002 * pair.generator[i]!;
    }
    pair.release();
    const learned = distances(await sampled(average));
    expect(learned.sliced).toBeLessThan(0.25);
    expect(learned.mean).toBeLessThan(0.15);
    // One of the four strong directions alone would leave 0.87, three of them 0.5.
    expect(learned.covariance).toBeLessThan(0.5);
  });
});
