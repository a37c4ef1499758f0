/** The recurrent language model against its equations in plain JavaScript; sampling, temperature, rollouts, training. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countedTokens, RecurrentSampler, RecurrentScorer, RecurrentTrainer } from '../../src/models/recurrent-host.ts';
import { recurrentLayout, type RecurrentShape } from '../../src/models/recurrent.ts';
import { RandomStream } from '../../src/random/philox.ts';

const engine = { backend: 'onnx:cpu', threads: 1 } as const;
const shape: RecurrentShape = { vocabulary: 12, embedding: 3, hidden: 4, length: 5, start: 0 };
const layout = recurrentLayout(shape);
/** Larger than a model starts with, so that no two tokens are alike likely. */
const weights = layout.initialise(3).map((value) => 10 * value);

function parameters(): Record<string, number[]> {
  let at = 0;
  return Object.fromEntries(layout.parameters.map((parameter) => {
    const size = parameter.shape.reduce((a, b) => a * b, 1);
    return [parameter.name, [...weights.subarray(at, (at += size))]];
  }));
}

/** Probabilities of the next token after `ids`: the equations, one number at a time. */
function reference(ids: readonly number[], temperature = 1): number[] {
  const p = parameters();
  const { embedding: E, hidden: H, vocabulary: V } = shape;
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  let h = new Array<number>(H).fill(0), c = new Array<number>(H).fill(0);
  for (const id of [shape.start, ...ids]) {
    const gate = (which: number, j: number): number => {
      const column = which * H + j;
      let sum = p['bias']![column]!;
      for (let e = 0; e < E; e++) sum += p['embedding']![id * E + e]! * p['input']![e * 4 * H + column]!;
      for (let k = 0; k < H; k++) sum += h[k]! * p['recurrent']![k * 4 * H + column]!;
      return sum;
    };
    const cell = c.map((value, j) => sigmoid(gate(1, j)) * value + sigmoid(gate(0, j)) * Math.tanh(gate(3, j)));
    h = cell.map((value, j) => sigmoid(gate(2, j)) * Math.tanh(value));
    c = cell;
  }
  const odds = Array.from({ length: V }, (_, v) => Math.exp(([...h, 1].reduce((sum, x, k) => sum + x * p['output']![k * V + v]!, 0)) / temperature));
  const total = odds.reduce((a, b) => a + b, 0);
  return odds.map((value) => value / total);
}

/** Mean -log p a token. */
function referenceNll(ids: readonly number[], temperature = 1): number {
  return ids.reduce((sum, id, t) => sum - Math.log(reference(ids.slice(0, t), temperature)[id]!), 0) / ids.length;
}

const random = new RandomStream(1, 'recurrent test');
const sequences = Int32Array.from({ length: 7 * shape.length }, (_, i) => random.integer(i, shape.vocabulary));
const sequence = (ids: Int32Array, s: number): number[] => [...ids.subarray(s * shape.length, (s + 1) * shape.length)];

describe('the model', () => {
  let scorer: RecurrentScorer, sampler: RecurrentSampler;
  beforeAll(async () => {
    scorer = await RecurrentScorer.create(engine, shape, weights, 3);
    sampler = await RecurrentSampler.create(engine, shape, weights, 50);
  });
  afterAll(() => {
    scorer.release();
    sampler.release();
  });

  it.each([1, 0.5, 2])('finds sequences as likely as the equations do, at temperature %f', async (temperature) => {
    const scores = await scorer.score(sequences, temperature);
    expect(scores).toHaveLength(7);
    for (const [s, score] of scores.entries()) expect(score).toBeCloseTo(referenceNll(sequence(sequences, s), temperature), 4);
  });

  it.each([1, 0.6])('draws first and second tokens as often as they are likely, at temperature %f', async (temperature) => {
    const count = 20_000;
    const samples = await sampler.sample(count, new RandomStream(2, 'samples'), temperature);
    const first = new Array<number>(shape.vocabulary).fill(0), second = first.slice();
    for (let s = 0; s < count; s++) {
      const [a, b] = sequence(samples, s) as [number, number];
      first[a]! += 1 / count;
      second[b]! += 1 / count;
    }
    const start = reference([], temperature);
    const next = start.map((_, token) => reference([token], temperature));
    for (let token = 0; token < shape.vocabulary; token++) {
      // Four standard errors.
      const close = (share: number, p: number): void => expect(Math.abs(share - p)).toBeLessThan(4 * Math.sqrt(p / count) + 1e-4);
      close(first[token]!, start[token]!);
      close(second[token]!, start.reduce((sum, p, before) => sum + p * next[before]![token]!, 0));
    }
  });

  it('finds samples that it drew at a lower temperature likelier', async () => {
    const nll = [...(await scorer.score(await sampler.sample(2000, new RandomStream(3, 'own'))))];
    const cool = [...(await scorer.score(await sampler.sample(2000, new RandomStream(3, 'own'), 0.5)))];
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(cool)).toBeLessThan(mean(nll));
  });

  it('draws a sequence from its own random numbers, whatever company it keeps', async () => {
    const some = await sampler.sample(60, new RandomStream(4, 'company'));
    expect(await sampler.sample(10, new RandomStream(4, 'company'))).toEqual(some.slice(0, 10 * shape.length));
  });

  it('completes beginnings as it would have gone on, and keeps them', async () => {
    const ids = await sampler.sample(50, new RandomStream(5, 'start'));
    const lasts = new Array<number>(shape.vocabulary).fill(0);
    const kept: number[] = [];
    await sampler.rollOut(ids, 400, new RandomStream(5, 'rollouts'), async (count, completed) => {
      kept.push(count);
      for (const s of [0, 49]) expect(sequence(completed, s).slice(0, count)).toEqual(sequence(ids, s).slice(0, count));
      if (count === shape.length - 1) lasts[sequence(completed, 0).at(-1)!]! += 1 / 400;
    });
    expect(kept).toHaveLength(400 * (shape.length - 1));
    const expected = reference(sequence(ids, 0).slice(0, -1));
    for (const [token, p] of expected.entries()) expect(Math.abs(lasts[token]! - p)).toBeLessThan(4 * Math.sqrt(p / 400) + 1e-3);
  });
});

describe('sequences that end early', () => {
  const ending: RecurrentShape = { ...shape, end: 0 };
  /** Fully drawn sequences with everything after the first end made end. */
  const ended = sequences.slice();
  for (let s = 0; s < 7; s++) {
    const at = sequence(ended, s).indexOf(0);
    if (at >= 0) ended.fill(0, s * shape.length + at, (s + 1) * shape.length);
  }
  const counted = Array.from({ length: 7 }, (_, s) => countedTokens(ending, ended, s));

  it('count up to their end', () => {
    expect(countedTokens(ending, Int32Array.of(3, 0, 0, 0, 0), 0)).toBe(2);
    expect(countedTokens(ending, Int32Array.of(3, 1, 1, 1, 1, 0, 0, 0, 0, 0), 1)).toBe(1);
    expect(countedTokens(ending, Int32Array.of(3, 1, 1, 1, 1), 0)).toBe(5);
    expect(countedTokens(shape, Int32Array.of(3, 0, 0, 0, 0), 0)).toBe(5);
    expect(Math.min(...counted)).toBeLessThan(shape.length);
  });

  it('are scored by the tokens that count', async () => {
    const scorer = await RecurrentScorer.create(engine, ending, weights, 3);
    for (const [s, score] of (await scorer.score(ended)).entries()) expect(score).toBeCloseTo(referenceNll(sequence(ended, s).slice(0, counted[s])), 4);
    scorer.release();
  });

  it('are sampled the same in whichever row they come to lie, and hold nothing after their end', async () => {
    const sampler = await RecurrentSampler.create(engine, ending, weights, 8);
    const many = await sampler.sample(400, new RandomStream(6, 'ends'));
    expect(await sampler.sample(100, new RandomStream(6, 'ends'))).toEqual(many.slice(0, 100 * shape.length));
    expect(await sampler.sample(3, new RandomStream(6, 'ends'))).toEqual(many.slice(0, 3 * shape.length));
    const full = await RecurrentSampler.create(engine, shape, weights, 8);
    const unending = await full.sample(400, new RandomStream(6, 'ends'));
    for (let s = 0; s < 400; s++) {
      const length = countedTokens(ending, many, s);
      expect(sequence(many, s).slice(0, length)).toEqual(sequence(unending, s).slice(0, length));
      expect(sequence(many, s).slice(length).every((id) => id === 0)).toBe(true);
    }
    const beginnings = many.slice(0, 8 * shape.length);
    const longest = Math.max(...Array.from({ length: 8 }, (_, s) => countedTokens(ending, beginnings, s)));
    let most = 0;
    await sampler.rollOut(beginnings, 3, new RandomStream(6, 'rollouts'), async (kept, completed) => {
      most = kept;
      for (let s = 0; s < 8; s++) {
        expect(sequence(completed, s).slice(0, kept)).toEqual(sequence(beginnings, s).slice(0, kept));
        if (countedTokens(ending, beginnings, s) <= kept) expect(sequence(completed, s)).toEqual(sequence(beginnings, s));
      }
    });
    expect(most).toBe(longest - 1);
    sampler.release();
    full.release();
  });

  it('are trained on by the tokens that count, at whichever compiled length', async () => {
    const short = counted.map((count, s) => ({ count, s })).toSorted((a, b) => a.count - b.count).slice(0, 4);
    const run = async (shorter: readonly number[]): Promise<{ loss: number; weights: Float32Array }> => {
      const trainer = await RecurrentTrainer.create(engine, ending, weights.slice(), { rows: 4, shorter });
      const loss = await trainer.update(ended, short.map(({ s }) => s), { learningRate: 0.02, averageDecay: 0 });
      await trainer.update(ended, [0, 1, 2, 3], { learningRate: 0.02, averageDecay: 0 });
      trainer.release();
      return { loss, weights: trainer.weights };
    };
    const whole = await run([]);
    const tokens = short.reduce((sum, { count }) => sum + count, 0);
    expect(whole.loss).toBeCloseTo(short.reduce((sum, { count, s }) => sum + (count / tokens) * referenceNll(sequence(ended, s).slice(0, count)), 0), 4);
    const shorter = await run([short.at(-1)!.count]);
    expect(shorter.loss).toBeCloseTo(whole.loss, 5);
    for (const [i, value] of shorter.weights.entries()) expect(Math.abs(value - whole.weights[i]!)).toBeLessThan(1e-3);
  });
});

describe('training', () => {
  const picked = [0, 1, 2, 3];
  const rates = { learningRate: 0.02, averageDecay: 0.5 };

  it('by likelihood starts at the NLL of the sequences and lowers it, and the same again gives the same weights', async () => {
    const run = async (): Promise<{ losses: number[]; weights: Float32Array; average: Float32Array }> => {
      const trainer = await RecurrentTrainer.create(engine, shape, weights.slice(), { rows: 4 });
      const losses: number[] = [];
      for (let s = 0; s < 40; s++) losses.push(await trainer.update(sequences, picked, rates));
      trainer.release();
      return { losses, weights: trainer.weights, average: trainer.average };
    };
    const { losses, weights: after, average } = await run();
    expect(losses[0]).toBeCloseTo(picked.reduce((sum, s) => sum + referenceNll(sequence(sequences, s)) / 4, 0), 4);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.5);
    expect(average).not.toEqual(after);
    expect((await run()).weights).toEqual(after);
  });

  it('with dropout is noisy by its seed alone, and costs what dropped components carried', async () => {
    const losses = async (dropout: number, seed: number): Promise<number[]> => {
      const trainer = await RecurrentTrainer.create(engine, shape, weights.slice(), { rows: 4, dropout, seed });
      const all: number[] = [];
      for (let s = 0; s < 5; s++) all.push(await trainer.update(sequences, picked, { learningRate: 0, averageDecay: 0 }));
      trainer.release();
      return all;
    };
    const [none, some, again, other] = [await losses(0, 1), await losses(0.5, 1), await losses(0.5, 1), await losses(0.5, 2)];
    expect(new Set(none).size).toBe(1);
    expect(new Set(some).size).toBe(5);
    expect(again).toEqual(some);
    expect(other).not.toEqual(some);
  });

  it('by reward makes likelier what was rewarded and less likely what was punished', async () => {
    const own = weights.slice();
    const trainer = await RecurrentTrainer.create(engine, shape, own, { rows: 4 });
    const scorer = await RecurrentScorer.create(engine, shape, own, 4);
    const before = await scorer.score(sequences);
    for (let s = 0; s < 5; s++) await trainer.update(sequences, picked, rates, (row) => (row === 0 ? 1 : -0.1));
    const after = await scorer.score(sequences);
    expect(after[0]!).toBeLessThan(before[0]!);
    expect(after[1]! + after[2]! + after[3]!).toBeGreaterThan(before[1]! + before[2]! + before[3]!);
    trainer.release();
    scorer.release();
  });
});
