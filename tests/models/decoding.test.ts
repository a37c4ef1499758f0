/** Batched sampling: what a sequence becomes depends on nothing but the weights, its prompt and its random numbers. */
import { describe, expect, it } from 'vitest';
import { Decoder, decodeMemory, type DecodeJob, type DecodeResult } from '../../src/models/decoding.ts';
import { policyLayout, type PolicyShape } from '../../src/models/policy.ts';
import { RandomStream } from '../../src/random/philox.ts';

const shape: PolicyShape = { layers: 2, heads: 2, kvHeads: 1, width: 32, hidden: 64, context: 40, batch: 2, lexicalState: true, vocabulary: 50 };
/** Larger than a model starts with, so that no two tokens are alike likely. */
const weights = policyLayout(shape).initialise(3).map((value) => (value === 1 ? 1 : 20 * value));
/** Prompts and limits of many lengths, some that cannot be decoded at all. */
const jobs = Array.from({ length: 131 }, (_, i): DecodeJob => ({
  prompt: Array.from({ length: 1 + (i % 5) * (i % 9) }, (_, at) => (at * 7 + i) % 50), maxTokens: i % 13 === 0 ? 0 : 1 + ((i * 11) % 37), random: new RandomStream(5, 'job', i),
}));

async function decode(threads: number, slots: number, some: readonly DecodeJob[] = jobs): Promise<DecodeResult[]> {
  const engine = { backend: 'onnx:cpu', threads } as const;
  const decoder = new Decoder(engine, shape, weights, decodeMemory(engine, shape, slots));
  const results = await decoder.decode(some, { temperature: 1, topK: 0, topP: 1, endOfText: 49 });
  await decoder.release();
  return results;
}

describe('decoding', () => {
  it('gives each sequence the same tokens in one lane or several, in few slots or many, and as lanes get narrower', async () => {
    const plain = await decode(1, 8);
    expect(plain.map(({ tokens }) => tokens.length)).toEqual(jobs.map(({ prompt, maxTokens }, i) => Math.min(plain[i]!.finish === 'stop' ? plain[i]!.tokens.length : Infinity, maxTokens, shape.context - prompt.length + 1)));
    expect(new Set(plain.map(({ tokens }) => tokens.join())).size).toBeGreaterThan(100);
    for (const [threads, slots] of [[2, 8], [1, 96], [3, 48]] as const) {
      const results = await decode(threads, slots);
      expect(results.map(({ tokens, finish }) => ({ tokens, finish }))).toEqual(plain.map(({ tokens, finish }) => ({ tokens, finish })));
      results.forEach(({ logProbs }, i) => logProbs.forEach((logProb, at) => expect(logProb).toBeCloseTo(plain[i]!.logProbs[at]!, 4)));
    }
  });

  it('goes on from a prompt that sequences share as each would alone', async () => {
    const prompts = [[1, 2, 3, 4, 5, 6], [1, 2, 3], [7], [1, 2, 3, 4, 5, 7]];
    const group = Array.from({ length: 40 }, (_, i): DecodeJob => ({ prompt: prompts[i % 4]!, maxTokens: 20, random: new RandomStream(6, 'shared', i) }));
    const together = await decode(1, 48, group);
    expect(new Set(together.map(({ tokens }) => tokens.join())).size).toBeGreaterThan(30);
    for (const i of [0, 1, 2, 3, 17, 38]) {
      const [alone] = await decode(1, 48, [group[i]!]);
      expect(together[i]).toEqual(alone);
    }
  });

  it('repeats itself to the bit, whichever lane is faster', async () => {
    expect(await decode(2, 48)).toEqual(await decode(2, 48));
  });

  it('takes fewer sequences than there are lanes, and none', async () => {
    const [one] = await decode(1, 8, jobs.slice(1, 2));
    expect((await decode(4, 48, jobs.slice(1, 2)))[0]!.tokens).toEqual(one!.tokens);
    expect(await decode(2, 48, [])).toEqual([]);
  });
});
