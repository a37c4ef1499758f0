/**
 * The latent generator on a language of eight tokens whose best generator is known: `ababab` and `cdcdcd`, then the end. What it samples, what its
 * updates do and leave alone, and that they can be repeated and gone on with.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import type { LatentConfig, LatentUpdateRequest } from '../../src/contracts/model.ts';
import { compile } from '../../src/engine/compile.ts';
import * as tf from '../../src/engine/ops/index.ts';
import { chain } from '../../src/models/chain.ts';
import { decodeMemory, Decoder } from '../../src/models/decoding.ts';
import { LatentHost } from '../../src/models/latent-host.ts';
import { noiseOf } from '../../src/models/latent-sampler.ts';
import { prefixLayout, rowCounts, sequenceShape } from '../../src/models/latent.ts';
import { packRows, shifted } from '../../src/models/packing.ts';
import { policyLayout, policyLogits, type PolicyShape } from '../../src/models/policy.ts';
import { RandomStream } from '../../src/random/philox.ts';

const engine = { backend: 'onnx:cpu', threads: 1 } as const;
const shape: PolicyShape = { layers: 1, heads: 2, kvHeads: 2, width: 32, hidden: 64, context: 12, batch: 16, lexicalState: false, vocabulary: 8 };
const latent = { noise: 100, prefix: 2, objective: 'non-saturating' } as const;
const END = 0;
const [AB, CD, EF] = [[1, 2, 1, 2, 1, 2], [3, 4, 3, 4, 3, 4], [5, 6, 5, 6, 5, 6]];
const quiet: LatentUpdateRequest = {
  key: 'test', steps: 1, warmUpSteps: 0, temperature: 1, adversarialWeight: 0, policyFactor: 0, corpusWeight: 0,
  learningRate: 0, latentLearningRate: 1e-3, discriminatorLearningRate: 1e-3, averageDecay: 0.98,
};

/** A policy of its own and a latent generator over it; `corpus` are the documents of the rows without a prefix. */
class Toy {
  updates = 0;
  corpusRows = 0;

  private constructor(readonly policy: Record<'raw' | 'first' | 'second' | 'average' | 'promoted', Float32Array>, readonly host: LatentHost) {}

  static async create(given: { documents?: number[][]; corpus?: number[][]; policy?: Float32Array; objective?: LatentConfig['objective'] } = {}): Promise<Toy> {
    const { documents = [AB, CD], corpus = documents, policy = policyLayout(shape).initialise(1), objective = 'non-saturating' } = given;
    const zeros = (): Float32Array => new Float32Array(policy.length);
    const arrays = { raw: policy.slice(), first: zeros(), second: zeros(), average: policy.slice(), promoted: policy.slice() };
    const rows = packRows([...corpus, ...corpus.toReversed()].map((tokens) => shifted([...tokens, END], END)), shape.context);
    let toy: Toy | null = null;
    const host = await LatentHost.create(engine, {
      seed: 1, shape, latent: { ...latent, objective }, endOfText: END, lexicon: null, documents,
      policy: { arrays, counted: () => toy!.updates++, corpusRows: (count) => Array.from({ length: count }, () => rows[toy!.corpusRows++ % rows.length]!) },
    });
    return (toy = new Toy(arrays, host));
  }

  /** Shares of 300 samples that are each document, and the tokens 5 and 6 among all. */
  async shares(weights: 'raw' | 'average' = 'raw'): Promise<Record<'ab' | 'cd' | 'ef' | 'tokens56', number>> {
    const sequences = (await this.host.sample('look', 300, undefined, weights)).map(({ tokens }) => tokens);
    const share = (document: number[]): number => sequences.filter((tokens) => tokens.join() === [...document, END].join()).length / sequences.length;
    const all = sequences.flat();
    return { ab: share(AB), cd: share(CD), ef: share(EF), tokens56: all.filter((token) => token === 5 || token === 6).length / all.length };
  }

  state(): { arrays: Float32Array[]; counters: number[] } {
    return { arrays: [...Object.values(this.policy), ...Object.values(this.host.arrays)].map((array) => array.slice()), counters: [this.updates, this.corpusRows, ...Object.values(this.host.counters)] };
  }

  restore({ arrays, counters }: ReturnType<Toy['state']>): void {
    for (const [i, array] of [...Object.values(this.policy), ...Object.values(this.host.arrays)].entries()) array.set(arrays[i]!);
    [this.updates, this.corpusRows, this.host.counters.latentUpdates, this.host.counters.sequenceDiscriminatorUpdates] = counters as [number, number, number, number];
  }
}

describe('the limits of a latent generator', () => {
  const takes = (batch: number, prefix: number): boolean => {
    try {
      rowCounts({ ...shape, batch });
      sequenceShape(shape, { ...latent, prefix });
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
      return false;
    }
  };

  it('are those that a configuration is held to', () => {
    for (const batch of [1, 3, 4, 5]) {
      for (const prefix of [1, shape.context - 8, shape.context - 7]) {
        const { success } = configSchema.safeParse({ learner: 'latent-gan', model: { batch, context: shape.context }, sampling: { maxTokens: shape.context }, latent: { prefix } });
        expect([batch, prefix, success]).toEqual([batch, prefix, takes(batch, prefix)]);
      }
    }
  });
});

describe('sampling', () => {
  let toy: Toy;
  beforeAll(async () => {
    toy = await Toy.create();
    // Larger than they start, so that prefixes differ from each other by something.
    for (const array of [toy.policy.raw, toy.host.arrays.latent]) for (let i = 0; i < array.length; i++) array[i]! *= 6;
  });
  afterAll(() => toy.host.release());

  it('gives each token the log-probability that a pass over the whole row behind its prefix gives it', async () => {
    const length = shape.context - latent.prefix;
    const [policy, prefix] = [policyLayout(shape), prefixLayout(shape, latent)];
    const flat = (size: number) => ({ type: 'float32', shape: [size] }) as const;
    const program = await compile(engine, ({ weights, own }, { z, ids, targets }) => {
      const p = policy.unflatten(weights as tf.Tensor1D);
      const behind = tf.embedding(p['embedding'] as tf.Tensor2D, ids as tf.Tensor1D);
      const head = chain(prefix.unflatten(own as tf.Tensor1D), z as tf.Tensor2D, 0).reshape([latent.prefix, shape.width]) as tf.Tensor2D;
      const logits = policyLogits({ ...shape, batch: 1 }, p, tf.concat2d([head, behind], 0), tf.zeros([shape.context]) as tf.Tensor1D);
      return { updates: {}, outputs: { nll: tf.softmaxCrossEntropy(tf.split(logits, [latent.prefix, length], 0)[1] as tf.Tensor2D, targets as tf.Tensor1D) } };
    }, {
      variables: { weights: flat(policy.size), own: flat(prefix.size) },
      inputs: { z: { type: 'float32', shape: [1, latent.noise] }, ids: { type: 'int32', shape: [length] }, targets: { type: 'int32', shape: [length] } },
    });
    const step = program.bind({ weights: toy.policy.raw, own: toy.host.arrays.latent });
    const samples = await toy.host.sample('score', 20);
    for (const [index, { tokens, logProbs, finish }] of samples.entries()) {
      noiseOf(1, { key: 'score', index }, step.inputs['z'] as Float32Array);
      for (const name of ['ids', 'targets']) step.inputs[name]!.fill(END);
      step.inputs['ids']!.set(shifted(tokens, END).ids);
      step.inputs['targets']!.set(tokens);
      await step.run();
      for (const [i, logProb] of logProbs.entries()) expect(-step.outputs['nll']![i]!).toBeCloseTo(logProb, 4);
      expect(finish === 'stop' ? tokens.at(-1) : tokens.length).toBe(finish === 'stop' ? END : length);
      expect(tokens.slice(0, -1)).not.toContain(END);
    }
    step.release();
    program.release();
  });

  it('is a function of the key and the place in it, not of the company', async () => {
    const many = await toy.host.sample('company', 40);
    expect(await toy.host.sample('company', 5)).toEqual(many.slice(0, 5));
    expect(await toy.host.sample('other', 5)).not.toEqual(many.slice(0, 5));
    expect((await toy.host.sample('company', 5, 3)).map(({ tokens }) => tokens)).toEqual(many.slice(0, 5).map(({ tokens }) => tokens.slice(0, 3)));
  });

  it('begins differently for different noise', async () => {
    const first = (await toy.host.sample('noise', 200)).map(({ tokens, logProbs }) => [tokens[0], logProbs[0]!] as const);
    const ofOne = first.flatMap(([token, logProb]) => (token === first[0]![0] ? [Math.exp(logProb)] : []));
    expect(Math.max(...ofOne) - Math.min(...ofOne)).toBeGreaterThan(0.02);
  });
});

describe('an update', () => {
  it('trains what it is told to and nothing else', async () => {
    const toy = await Toy.create();
    const before = toy.state();
    const changed = (): string[] => {
      const names = [...Object.keys(toy.policy), ...Object.keys(toy.host.arrays)];
      const { arrays } = toy.state();
      return names.filter((_, i) => arrays[i]!.some((value, at) => value !== before.arrays[i]![at]));
    };
    await toy.host.update({ ...quiet, key: 'warm', steps: 2, warmUpSteps: 2 });
    expect(changed()).toEqual(['sequenceDiscriminator', 'sequenceDiscriminatorFirst', 'sequenceDiscriminatorSecond']);
    // The factor keeps the adversarial gradient from the policy, and lets all of it through to the prefix.
    const report = await toy.host.update({ ...quiet, key: 'prefix', adversarialWeight: 1, discriminatorLearningRate: 0, learningRate: 1e-3, averageDecay: 1 });
    expect(report.gradNorm).toBe(0);
    expect(report.latentGradNorm).toBeGreaterThan(0);
    toy.restore(before);
    const norms: number[] = [];
    for (const policyFactor of [0.5, 1]) {
      toy.restore(before);
      norms.push((await toy.host.update({ ...quiet, key: 'factor', adversarialWeight: 1, policyFactor, averageDecay: 1 })).gradNorm);
    }
    expect(norms[0]! / norms[1]!).toBeCloseTo(0.5, 4);
    toy.host.release();
  });

  it('counts what it used: rows by kind, tokens of documents and of what it generated', async () => {
    const toy = await Toy.create();
    const report = await toy.host.update({ ...quiet, key: 'count', steps: 3, warmUpSteps: 1, adversarialWeight: 0.5, corpusWeight: 2 });
    // Four rows behind a prefix hold a document of seven tokens each; four without one hold one each too, for two do not fit.
    expect(report).toMatchObject({ steps: 2, rows: 32, corpusRows: 16, corpusTokens: 2 * 8 * 7, clipped: 0 });
    expect(report.likelihoodLoss).toBeCloseTo((report.prefixedLoss + report.plainLoss) / 2, 4);
    expect(report.loss).toBeCloseTo(0.5 * report.generatorLoss + 2 * report.likelihoodLoss, 4);
    expect(report.tokens).toBeGreaterThanOrEqual(report.corpusTokens + 16);
    toy.host.release();
  });

  it('repeats itself to the bit, and goes on from a saved state as if nothing had been', async () => {
    const request = { ...quiet, adversarialWeight: 0.5, policyFactor: 1, corpusWeight: 1, learningRate: 1e-3, steps: 3 };
    const [whole, parts] = [await Toy.create(), await Toy.create()];
    const reports = [await whole.host.update({ ...request, key: 'a' }), await whole.host.update({ ...request, key: 'b' })];
    expect(await parts.host.update({ ...request, key: 'a' })).toEqual(reports[0]);
    const resumed = await Toy.create();
    resumed.restore(parts.state());
    expect(await resumed.host.update({ ...request, key: 'b' })).toEqual(reports[1]);
    expect(resumed.state()).toEqual(whole.state());
    for (const toy of [whole, parts, resumed]) toy.host.release();
  });

  it('refuses shapes that cannot hold it, and documents that do not fit', async () => {
    const options = { seed: 1, shape, latent, endOfText: END, lexicon: null, documents: [AB], policy: (await Toy.create()).policy as never };
    await expect(LatentHost.create(engine, { ...options, shape: { ...shape, batch: 3 } })).rejects.toThrow('it takes 4');
    await expect(LatentHost.create(engine, { ...options, latent: { ...latent, prefix: 5 } })).rejects.toThrow('leave 8 of 12');
    await expect(LatentHost.create(engine, { ...options, documents: [new Array<number>(30).fill(1)] })).rejects.toThrow('No document fits');
  });
});

describe('a language that is known', () => {
  it.each(['minimax', 'non-saturating'] as const)('is learned from nothing: nearly every string belongs to it, both kinds appear, D cannot tell; %s', async (objective) => {
    const toy = await Toy.create({ objective });
    const untrained = await toy.shares();
    expect(untrained.ab + untrained.cd).toBeLessThan(0.02);
    await toy.host.update({ ...quiet, key: 'learn', steps: 260, warmUpSteps: 20, adversarialWeight: 0.1, policyFactor: 1, corpusWeight: 1, learningRate: 3e-3 });
    const last = await toy.host.update({ ...quiet, key: 'last', steps: 40, adversarialWeight: 0.1, policyFactor: 1, corpusWeight: 1, learningRate: 1e-3 });
    const trained = await toy.shares();
    expect(trained.ab + trained.cd).toBeGreaterThan(0.9);
    expect(Math.min(trained.ab, trained.cd)).toBeGreaterThan(0.25);
    expect(Math.abs(last.discriminatorLoss - 2 * Math.LN2)).toBeLessThan(0.1);
    toy.host.release();
  });

  describe('by a policy that knows a third kind of string besides', () => {
    let known: Toy;
    beforeAll(async () => {
      known = await Toy.create({ documents: [AB, CD, EF] });
      await known.host.update({ ...quiet, key: 'likelihood', steps: 300, corpusWeight: 1, learningRate: 3e-3 });
    });
    afterAll(() => known.host.release());

    /** The trained policy and prefix, now against documents of two kinds. */
    async function taught(objective: LatentConfig['objective']): Promise<Toy> {
      const toy = await Toy.create({ corpus: [AB, CD, EF], policy: known.policy.raw, objective });
      for (const name of ['latent', 'latentAverage', 'latentPromoted'] as const) toy.host.arrays[name].set(known.host.arrays.latent);
      return toy;
    }

    it.each(['minimax', 'non-saturating'] as const)('loses that kind by the discriminator alone, without any likelihood; %s', async (objective) => {
      const toy = await taught(objective);
      const before = await toy.shares();
      expect(before.ef).toBeGreaterThan(0.2);
      await toy.host.update({ ...quiet, key: 'adversarial', steps: 40, warmUpSteps: 20, adversarialWeight: 1, policyFactor: 1, learningRate: 3e-4 });
      const after = await toy.shares();
      expect(after.ef).toBeLessThan(0.4 * before.ef);
      expect(after.tokens56).toBeLessThan(0.5 * before.tokens56);
      toy.host.release();
    });

    it('writes only two kinds behind a prefix, and all three without one', async () => {
      const toy = await taught('non-saturating');
      await toy.host.update({ ...quiet, key: 'prefix', steps: 260, warmUpSteps: 20, adversarialWeight: 0.1, policyFactor: 1, corpusWeight: 1, learningRate: 3e-4 });
      const behind = await toy.shares();
      expect(behind.ab + behind.cd).toBeGreaterThan(0.9);
      expect(Math.min(behind.ab, behind.cd)).toBeGreaterThan(0.2);
      const decoder = new Decoder(engine, shape, toy.policy.raw.slice(), decodeMemory(engine, shape, 16));
      const plain = await decoder.decode(Array.from({ length: 200 }, (_, i) => ({ prompt: [END], maxTokens: 10, random: new RandomStream(1, 'plain', i) })), { temperature: 1, topK: 0, topP: 1, endOfText: END });
      expect(plain.filter(({ tokens }) => tokens.join() === [...EF, END].join()).length / 200).toBeGreaterThan(0.2);
      await decoder.release();
      toy.host.release();
    });
  });
});
