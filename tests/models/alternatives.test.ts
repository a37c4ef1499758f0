/** What else might have been written: the draws themselves, and the host that draws them. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { InitialiseRequest } from '../../src/contracts/model.ts';
import { drawOthers, drawSystematic } from '../../src/models/alternatives.ts';
import { PolicyHost } from '../../src/models/host.ts';
import { trainTokenizer } from '../../src/models/tokenizer/index.ts';

const weights = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 40 }).map((all) => Float32Array.from(all)).filter((all) => all.some((one) => one > 1e-3));
const uniform = fc.double({ min: 0, max: 0.999999, noNaN: true });

describe('systematic sampling', () => {
  it('draws as often as it was asked to, each token its share of the draws or one more or less', () => {
    fc.assert(fc.property(weights, uniform, fc.integer({ min: 1, max: 12 }), (all, offset, draws) => {
      const drawn = drawSystematic(all, offset, draws);
      const total = all.reduce((sum, one) => sum + one, 0);
      // Rounding may leave the last point just above the sum.
      expect([draws - 1, draws]).toContain(drawn.reduce((sum, one) => sum + one.draws, 0));
      for (const one of drawn) {
        expect(Math.abs(one.draws - (draws * all[one.token]!) / total)).toBeLessThan(1 + 1e-6);
        expect(one.logProb).toBeCloseTo(Math.log(all[one.token]! / total), 5);
      }
      expect(new Set(drawn.map(({ token }) => token)).size).toBe(drawn.length);
    }));
  });

  it('hits a token in proportion to its probability over all offsets', () => {
    const all = Float32Array.of(0.05, 0.6, 0, 0.35);
    const hits = [0, 0, 0, 0];
    const offsets = 2000;
    for (let i = 0; i < offsets; i++) for (const { token, draws } of drawSystematic(all, (i + 0.5) / offsets, 4)) hits[token]! += draws / (4 * offsets);
    for (const [token, share] of hits.entries()) expect(share).toBeCloseTo(all[token]!, 2);
  });
});

describe('drawing in place of a token', () => {
  it('never draws that token, and estimates the probability of every other without bias', () => {
    const all = Float32Array.of(0.7, 0.2, 0.09, 0.0099, 0.0001);
    const estimates = [0, 0, 0, 0, 0];
    const offsets = 5000;
    for (let i = 0; i < offsets; i++) for (const { token, share, logProb } of drawOthers(all, 1, (i + 0.5) / offsets, 3)) {
      estimates[token]! += share / offsets;
      expect(logProb).toBeCloseTo(Math.log(all[token]!), 5);
    }
    for (const [token, estimate] of estimates.entries()) expect(estimate).toBeCloseTo(token === 1 ? 0 : all[token]!, 4);
  });

  it('draws the unlikely far more often than their probability', () => {
    const all = Float32Array.from({ length: 101 }, (_, token) => (token === 0 ? 0.99 : 0.0001));
    const tail = (i: number): number => drawOthers(all, 50, i / 100, 4).filter(({ token }) => token > 0).length;
    expect(Array.from({ length: 100 }, (_, i) => tail(i)).reduce((sum, one) => sum + one, 0) / 400).toBeGreaterThan(0.4);
  });
});

describe('the host', () => {
  const documents = Array.from({ length: 60 }, (_, i) => `def f${i % 7}(x):\n    return x ${'+-*'[i % 3]} ${i}\n`);
  const tokenizer = trainTokenizer(documents, 320);
  const request: InitialiseRequest = {
    seed: 4, backend: 'onnx:cpu', threads: 1, tokenizer: '', documents, files: [],
    model: { layers: 1, heads: 2, kvHeads: 2, width: 32, hidden: 64, context: 48, batch: 2, lexicalState: false },
    pretraining: { steps: 20, learningRate: 1e-2, warmupSteps: 2, infillShare: 0, maskShare: 0 },
  };
  let host: PolicyHost;
  beforeAll(async () => {
    host = await PolicyHost.create(request, tokenizer, { backend: 'onnx:cpu', threads: 1 });
    await host.pretrain({ fromStep: 0, toStep: 20 });
    await host.beginRounds();
  });
  const sampled = async (): Promise<{ tokens: readonly number[]; logProbs: readonly number[] }[]> =>
    host.generate({ key: 'g', prompts: new Array<string>(9).fill(''), maxTokens: 20, temperature: 1 });

  it('draws what the policy might have written: never the sequence itself, and with the log-probability that sampling gives', async () => {
    const sequences = (await sampled()).map(({ tokens }) => ({ tokens, from: 2 }));
    const drawn = await host.alternatives({ key: 'a', sequences, draws: 3 });
    expect(drawn).toHaveLength(sequences.length);
    for (const [i, { at, tokens, shares, logProbs }] of drawn.entries()) {
      expect(new Set([at.length, tokens.length, shares.length, logProbs.length]).size).toBe(1);
      for (const [j, position] of at.entries()) {
        expect(position).toBeGreaterThanOrEqual(2);
        expect(tokens[j]).not.toBe(sequences[i]!.tokens[position]);
        expect(logProbs[j]!).toBeLessThan(0);
      }
    }
    // With so many draws every token comes: the alternatives and the token that was written make up the whole distribution.
    const [{ tokens, logProbs }] = (await sampled()) as [Awaited<ReturnType<typeof sampled>>[number]];
    const [all] = await host.alternatives({ key: 'a', sequences: [{ tokens, from: 0 }], draws: 20_000 });
    const mass = logProbs.map((logProb) => Math.exp(logProb));
    all!.at.forEach((position, j) => (mass[position]! += Math.exp(all!.logProbs[j]!)));
    for (const sum of mass) expect(sum).toBeCloseTo(1, 1);
  });

  it('draws the same for the same key, whatever else is asked, and other things for another', async () => {
    const sequences = (await sampled()).map(({ tokens }) => ({ tokens, from: 0 }));
    const once = await host.alternatives({ key: 'a', sequences, draws: 3 });
    await host.alternatives({ key: 'b', sequences, draws: 5 });
    expect(await host.alternatives({ key: 'a', sequences, draws: 3 })).toEqual(once);
    expect(await host.alternatives({ key: 'b', sequences, draws: 3 })).not.toEqual(once);
  });

  it('makes a blamed alternative less likely and leaves the rest of the sequence to itself', async () => {
    const [{ tokens }] = (await sampled()) as [Awaited<ReturnType<typeof sampled>>[number]];
    const sequences = [{ tokens, from: 0 }];
    const [before] = await host.alternatives({ key: 'c', sequences, draws: 5000 });
    const blamed = before!.at.map((at, j) => ({ at, token: before!.tokens[j]!, oldLogProb: before!.logProbs[j]! })).filter(({ at, oldLogProb }) => at === 3 && oldLogProb > Math.log(0.002));
    expect(blamed.length).toBeGreaterThan(0);
    const zeros = tokens.map(() => 0);
    for (const one of blamed.slice(0, 1)) {
      await host.update({
        key: 'u', sequences: [{ tokens, likelihood: zeros, credit: zeros, oldLogProbs: zeros, alternatives: [{ ...one, credit: -1 }] }],
        corpusShare: 0, corpusWeight: 0, learningRate: 1e-2, warmupSteps: 0, clipLow: 0.1, clipHigh: 2, averageDecay: 0, passes: 1,
      });
      const [after] = await host.alternatives({ key: 'c', sequences, draws: 50_000 });
      const j = after!.at.findIndex((at, k) => at === one.at && after!.tokens[k] === one.token);
      expect(j === -1 ? -Infinity : after!.logProbs[j]!).toBeLessThan(one.oldLogProb - 0.01);
    }
    await host.rollback();
  });
});
