/** The straight-through Gumbel-softmax against its law and its definition, in plain JavaScript. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import * as ops from '../../src/engine/ops/index.ts';
import { RandomStream } from '../../src/random/philox.ts';

beforeAll(async () => void (await tf.setBackend('cpu')));

const softmax = (row: readonly number[]): number[] => {
  const odds = row.map(Math.exp);
  const total = odds.reduce((a, b) => a + b, 0);
  return odds.map((value) => value / total);
};
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const variance = (values: readonly number[]): number => mean(values.map((value) => value ** 2)) - mean(values) ** 2;

describe('noise given the token', () => {
  const logits = [0.5, -2, 1.2, 0];
  const p = softmax(logits);
  const count = 20_000;
  const random = new RandomStream(1, 'gumbel test');
  /** Tokens drawn by inverse CDF, then logits and noise given them. */
  const draws = (): { ids: Int32Array; sums: Float32Array } => tf.tidy(() => {
    const ids = Int32Array.from({ length: count }, (_, i) => {
      let left = random.uniform(i);
      return Math.max(0, p.findIndex((share) => (left -= share) < 0));
    });
    const exponentials = Float32Array.from({ length: count * 4 }, (_, i) => -Math.log(random.uniform(count + i)));
    const sums = ops.perturbedLogits(tf.tile(tf.tensor2d([logits]), [count, 1]), tf.tensor1d(ids, 'int32'), tf.tensor2d(exponentials, [count, 4]));
    return { ids, sums: sums.dataSync() as Float32Array };
  });

  it('makes the drawn token the largest, always', () => {
    const { ids, sums } = draws();
    expect(Int32Array.from(ids, (_, i) => sums.subarray(4 * i, 4 * i + 4).indexOf(Math.max(...sums.subarray(4 * i, 4 * i + 4))))).toEqual(ids);
  });

  it('is standard Gumbel and independent once the token is forgotten', () => {
    const { sums } = draws();
    const noise = p.map((share, v) => Array.from({ length: count }, (_, i) => sums[4 * i + v]! - Math.log(share)));
    for (const column of noise) {
      // Euler's constant and pi^2 / 6, within some four standard errors.
      expect(Math.abs(mean(column) - 0.5772)).toBeLessThan(0.04);
      expect(Math.abs(variance(column) - Math.PI ** 2 / 6)).toBeLessThan(0.1);
      // P(g < 0) = exp(-1)
      expect(Math.abs(mean(column.map((g) => (g < 0 ? 1 : 0))) - Math.exp(-1))).toBeLessThan(0.015);
    }
    for (const [a, b] of [[0, 1], [0, 2], [2, 3]] as const) {
      const [x, y] = [noise[a]!, noise[b]!];
      const covariance = mean(x.map((value, i) => value * y[i]!)) - mean(x) * mean(y);
      expect(Math.abs(covariance)).toBeLessThan(0.05);
    }
  });

  it('stays finite where a probability is none', () => {
    const sums = tf.tidy(() => ops.perturbedLogits(tf.tensor2d([[0, -500, 200]]), tf.tensor1d([2], 'int32'), tf.tensor2d([[20, 20, 1e-9]])).dataSync());
    expect([...sums].every(Number.isFinite)).toBe(true);
    expect(sums[2]).toBeGreaterThan(sums[0]!);
  });
});

describe('the straight-through token', () => {
  const random = new RandomStream(2, 'gumbel test');
  const [N, V] = [4, 6];
  const logits = Float32Array.from({ length: N * V }, (_, i) => 1.5 * random.normal(i));
  const exponentials = Float32Array.from({ length: N * V }, (_, i) => -Math.log(random.uniform(1000 + i)));
  const ids = Int32Array.of(3, 0, 5, 3);
  const cotangent = Array.from({ length: N * V }, (_, i) => Math.cos(i + 1));
  const rows = (values: ArrayLike<number>): number[][] => Array.from({ length: N }, (_, n) => Array.from({ length: V }, (_, v) => values[n * V + v]!));

  it('is one-hot at the drawn ids, whatever the logits', () => {
    const value = tf.tidy(() => ops.straightThrough(tf.tensor2d(logits, [N, V]), tf.tensor1d(ids, 'int32'), tf.tensor2d(exponentials, [N, V]), tf.scalar(0.7)).dataSync());
    expect(rows(value)).toEqual(Array.from(ids, (id) => Array.from({ length: V }, (_, v) => (v === id ? 1 : 0))));
  });

  it.each([0.5, 1, 2])('has the gradient of softmax((logits + g) / tau) at fixed g, tau %f', (temperature) => {
    const gradient = tf.tidy(() => {
      const given = [tf.tensor1d(ids, 'int32'), tf.tensor2d(exponentials, [N, V]), tf.scalar(temperature)] as const;
      return tf.grad((x) => tf.sum(tf.mul(ops.straightThrough(x as tf.Tensor2D, ...given), tf.tensor2d(cotangent, [N, V]))))(tf.tensor2d(logits, [N, V])).dataSync();
    });
    const sums = tf.tidy(() => ops.perturbedLogits(tf.tensor2d(logits, [N, V]), tf.tensor1d(ids, 'int32'), tf.tensor2d(exponentials, [N, V])).dataSync());
    const noise = rows(logits).map((row, n) => softmax(row).map((share, v) => sums[n * V + v]! - Math.log(share)));
    /** The relaxed row's weighted sum, in double precision. */
    const soft = (row: readonly number[], n: number): number => {
      const shares = softmax(row).map(Math.log);
      return softmax(shares.map((log, v) => (log + noise[n]![v]!) / temperature)).reduce((sum, y, v) => sum + y * cotangent[n * V + v]!, 0);
    };
    const epsilon = 1e-4;
    for (const [n, row] of rows(logits).entries()) {
      for (let v = 0; v < V; v++) {
        const moved = (by: number): number => soft(row.map((logit, i) => (i === v ? logit + by : logit)), n);
        expect(gradient[n * V + v]).toBeCloseTo((moved(epsilon) - moved(-epsilon)) / (2 * epsilon), 4);
      }
    }
  });

  it('sends the gradient of a scaled tensor on by the factor, its value unchanged', () => {
    const [value, gradient] = tf.tidy(() => {
      const factor = tf.scalar(0.25);
      const { value, grad } = tf.valueAndGrad((x) => tf.sum(tf.square(ops.scaledGradient(x, factor))))(tf.tensor1d([1, -2, 3]));
      return [value.dataSync()[0]!, [...grad.dataSync()]];
    });
    expect(value).toBe(14);
    expect(gradient).toEqual([0.5, -1, 1.5]);
  });
});
