/** The models behind their contract: what is sampled, scored, trained, saved and restored. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FinishedListener, FinishedText, InitialiseRequest, LatentUpdateRequest, UpdateRequest } from '../../src/contracts/model.ts';
import { draw } from '../../src/models/drawing.ts';
import { mean } from '../../src/metrics/index.ts';
import { PolicyHost, type HostState } from '../../src/models/host.ts';
import { trainTokenizer } from '../../src/models/tokenizer/index.ts';

const documents = Array.from({ length: 60 }, (_, i) => `def f${i % 7}(x):\n    return x ${'+-*'[i % 3]} ${i}\n`);
const tokenizer = trainTokenizer(documents, 320);
const request: InitialiseRequest = {
  seed: 4, backend: 'onnx:cpu', threads: 1, tokenizer: '', documents, files: [documents.join('\n')],
  model: { layers: 2, heads: 2, kvHeads: 1, width: 32, hidden: 64, context: 48, batch: 4, lexicalState: true },
  pretraining: { steps: 60, learningRate: 1e-2, warmupSteps: 5, infillShare: 0.2, maskShare: 0 },
};
const make = (): Promise<PolicyHost> => PolicyHost.create(request, tokenizer, { backend: 'onnx:cpu', threads: 2 });

function copy({ arrays, counters }: HostState): HostState {
  return { arrays: Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()])), counters: { ...counters } };
}

let host: PolicyHost;
let trained: HostState;
beforeAll(async () => {
  host = await make();
  await host.pretrain({ fromStep: 0, toStep: 60 });
  await host.beginRounds();
  trained = copy(host.state());
});

const update = (over: Partial<UpdateRequest> = {}): UpdateRequest => ({
  key: 'test', sequences: [], corpusShare: 0.5, corpusWeight: 0.5, learningRate: 3e-3, warmupSteps: 0, clipLow: 0.8, clipHigh: 1.25, averageDecay: 0.5, passes: 1, ...over,
});

describe('pretraining', () => {
  it('lowers the loss and goes on from a saved step to the same bits', async () => {
    const [whole, first, second] = [await make(), await make(), await make()];
    const reports = await whole.pretrain({ fromStep: 0, toStep: 20 });
    expect(reports.at(-1)!.loss).toBeLessThan(0.8 * reports[0]!.loss);
    await first.pretrain({ fromStep: 0, toStep: 9 });
    second.restore(copy(first.state()));
    await second.pretrain({ fromStep: 9, toStep: 20 });
    expect(second.state()).toEqual(whole.state());
  });

  it('learns masked tokens as much as others: the loss is a mean over what is learned', async () => {
    const losses: number[] = [];
    for (const maskShare of [0, 1]) {
      const one = await PolicyHost.create({ ...request, files: [], pretraining: { ...request.pretraining, infillShare: 0, maskShare } }, tokenizer, { backend: 'onnx:cpu', threads: 2 });
      const reports = await one.pretrain({ fromStep: 0, toStep: 30 });
      losses.push(reports[0]!.loss);
      expect(reports.at(-1)!.loss).toBeLessThan(0.8 * reports[0]!.loss);
    }
    // Before the first update every token is about as unlikely as any other.
    expect(losses[1]! / losses[0]!).toBeGreaterThan(0.9);
    expect(losses[1]! / losses[0]!).toBeLessThan(1.1);
    expect(losses[1]).not.toBe(losses[0]);
  });
});

describe('sampling', () => {
  it.each(['generate', 'infill'] as const)('tells of every completion of `%s` once, in groups and before all are there, and gives the same as when nobody listens', async (method) => {
    const prompts = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? '' : `def f${i % 7}(x):`));
    const run = (listener?: FinishedListener) => method === 'generate'
      ? host.generate({ key: 'told', prompts: [...prompts, 'x'.repeat(500)], maxTokens: 30, temperature: 1 }, listener)
      : host.infill({ key: 'told', holes: prompts.map((prefix) => ({ prefix, suffix: '\n', maxTokens: 30 })), temperature: 1 }, listener);
    const groups: (readonly FinishedText[])[] = [];
    const completions = await run((finished) => void groups.push(finished));
    expect(groups.length).toBeGreaterThan(1);
    expect(groups.length).toBeLessThan(completions.length / 2);
    expect(groups.every(({ length }) => length > 0)).toBe(true);
    expect(groups.flat().sort((a, b) => a.index - b.index)).toEqual(completions.map(({ text, finish }, index) => ({ index, text, finish })));
    expect(await run()).toEqual(completions);
  });

  it('gives each token the log-probability that scoring gives it', async () => {
    const completions = await host.generate({ key: 'score', prompts: ['', 'def f1(x):', ''], maxTokens: 30, temperature: 1 });
    for (const [i, { tokens, logProbs }] of completions.entries()) {
      const prompt = i === 1 ? 'def f1(x):' : '';
      if (!completions[i]!.text) continue;
      // Only texts that re-encode to the sampled tokens can be scored as texts.
      const [encoded] = await host.encode([prompt + completions[i]!.text]);
      const [head] = await host.encode([prompt]);
      if (completions[i]!.finish !== 'stop' || [...head!, ...tokens.slice(0, -1)].join() !== encoded!.join()) continue;
      const [all] = await host.bits([prompt + completions[i]!.text], 'raw');
      const sampled = -logProbs.reduce((sum, value) => sum + value, 0) / Math.LN2;
      if (prompt === '') expect(sampled).toBeCloseTo(all!, 2);
      else expect(sampled).toBeLessThan(all!);
    }
    expect(completions.every(({ logProbs, tokens }) => logProbs.length === tokens.length && logProbs.every((value) => value <= 0))).toBe(true);
  });

  it('gives tokens by id the same log-probabilities, whatever stands beside them, and after an update others', async () => {
    const text = documents[3]!;
    const [tokens] = await host.encode([text]);
    const whole = [...tokens!, 0];
    // One after the other, as the process serves them: both write to the same step's inputs.
    const [alone] = await host.logProbs([whole]);
    const [bits] = await host.bits([text], 'raw');
    expect(alone).toHaveLength(whole.length);
    expect(-alone!.reduce((sum, value) => sum + value, 0) / Math.LN2).toBeCloseTo(bits!, 3);
    const [, again, , long] = await host.logProbs([tokens!.slice(0, 4), whole, [], new Array<number>(60).fill(9)]);
    again!.forEach((value, i) => expect(value).toBeCloseTo(alone![i]!, 4));
    expect(long).toHaveLength(request.model.context);

    const other = await make();
    other.restore(copy(trained));
    await other.update(update({ sequences: [{ tokens: whole, likelihood: whole.map(() => 1), credit: whole.map(() => 0) }] }));
    const [raised] = await other.logProbs([whole]);
    expect(raised!.reduce((sum, value) => sum + value, 0)).toBeGreaterThan(alone!.reduce((sum, value) => sum + value, 0));
  });

  it('is a function of key and prompt, not of the company or the slot', async () => {
    const prompts = Array.from({ length: 150 }, (_, i) => (i % 2 ? '' : 'def f3(x):'));
    const many = await host.generate({ key: 'company', prompts, maxTokens: 24, temperature: 1 });
    const few = await host.generate({ key: 'company', prompts: prompts.slice(0, 3), maxTokens: 24, temperature: 1 });
    expect(few.map(({ tokens }) => tokens)).toEqual(many.slice(0, 3).map(({ tokens }) => tokens));
    const other = await host.generate({ key: 'other', prompts: prompts.slice(0, 3), maxTokens: 24, temperature: 1 });
    expect(other.map(({ tokens }) => tokens)).not.toEqual(few.map(({ tokens }) => tokens));
  });

  it('goes on from ids as it does from the text that is encoded as them, and from no other ids of that text', async () => {
    const text = 'def f1(x):';
    const [ids] = await host.encode([text]);
    const bytes = (await host.encode([...text])).flat();
    expect(bytes.length).toBeGreaterThan(ids!.length);
    const ask = (prompt: string | readonly number[]) => host.generate({ key: 'ids', prompts: [prompt, prompt], maxTokens: 12, temperature: 1 });
    expect(await ask(ids!)).toEqual(await ask(text));
    expect((await ask(bytes)).map(({ logProbs }) => logProbs)).not.toEqual((await ask(text)).map(({ logProbs }) => logProbs));
  });

  it('keeps the limit, and says when it was reached', async () => {
    const completions = await host.generate({ key: 'limit', prompts: new Array<string>(20).fill(''), maxTokens: 3, temperature: 1 });
    for (const { tokens, finish } of completions) {
      expect(tokens.length).toBeLessThanOrEqual(3);
      if (finish === 'length') expect(tokens).toHaveLength(3);
    }
    expect(completions.some(({ finish }) => finish === 'length')).toBe(true);
  });

  it('fills holes between a prefix and a suffix, longer ones than fit included', async () => {
    const holes = [{ prefix: 'def f1(x):\n    return', suffix: '\n', maxTokens: 8 }, { prefix: 'x = 1\n'.repeat(40), suffix: 'y = 2\n'.repeat(40), maxTokens: 8 }];
    const completions = await host.infill({ key: 'holes', holes, temperature: 1 });
    expect(completions).toHaveLength(2);
    for (const { tokens } of completions) expect(tokens.length).toBeLessThanOrEqual(8);
  });
});

describe('draw', () => {
  const p = Float32Array.of(0.1, 0.5, 0.4);
  it('follows the cumulative distribution', () => {
    const all = { topK: 0, topP: 1 };
    expect([0.05, 0.11, 0.59, 0.61, 0.9999].map((u) => draw(p, u, all))).toEqual([0, 1, 1, 2, 2]);
  });
  it('takes the first token whose cumulative probability passes the number, and never one of none', () => {
    const all = { topK: 0, topP: 1 };
    fc.assert(fc.property(fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 60 }), fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (weights, uniform) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      fc.pre(total > 1e-3);
      const row = Float32Array.from(weights, (weight) => weight / total);
      let sum = 0;
      const passes = Array.from(row, (weight) => (sum += weight) > uniform);
      expect(draw(row, uniform, all)).toBe(passes.includes(true) ? passes.indexOf(true) : row.findLastIndex((weight) => weight > 0));
      expect(row[draw(row, 0.99999999999, all)]).toBeGreaterThan(0);
    }));
  });
  it('keeps the likeliest topK, or as many as reach topP', () => {
    expect([0.01, 0.5, 0.99].map((u) => draw(p, u, { topK: 1, topP: 1 }))).toEqual([1, 1, 1]);
    const seen = new Set(Array.from({ length: 99 }, (_, i) => draw(p, (i + 0.5) / 99, { topK: 0, topP: 0.8 })));
    expect(seen).toEqual(new Set([1, 2]));
  });
});

describe('an update', () => {
  it('learns the same from a batch that is half empty as from one that is full', async () => {
    const wide = await PolicyHost.create({ ...request, model: { ...request.model, batch: 8 } }, tokenizer, { backend: 'onnx:cpu', threads: 2 });
    const sequences = (await host.encode(documents.slice(0, 8))).map((tokens) => ({ tokens, likelihood: tokens.map(() => 0), credit: tokens.map((_, i) => Math.cos(i)), oldLogProbs: tokens.map(() => -4) }));
    const weights: Float32Array[] = [];
    for (const one of [host, wide]) {
      one.restore(trained);
      // Four rows: a whole batch of one, half a batch of the other.
      const { steps } = await one.update(update({ sequences, corpusShare: 0 }));
      expect(steps).toBe(1);
      weights.push(one.state().arrays['raw']!.slice());
    }
    weights[1]!.forEach((value, i) => expect(Math.abs(value - weights[0]![i]!)).toBeLessThan(1e-5));
    expect(weights[0]).not.toEqual(trained.arrays['raw']);
  });

  it('refuses alternatives that do not come by position, since of two at one place the second would take the first one\'s', async () => {
    const blamed = (...at: number[]) => update({ sequences: [{ tokens: [1, 2, 3, 4], likelihood: [0, 0, 0, 0], credit: [0, 0, 0, 0], oldLogProbs: [-1, -1, -1, -1], alternatives: at.map((place) => ({ at: place, token: 9, credit: -1, oldLogProb: -2 })) }] });
    host.restore(trained);
    await expect(host.update(blamed(2, 1, 2))).rejects.toThrow('by position');
    expect((await host.update(blamed(1, 2, 2))).steps).toBe(1);
  });

  it('raises what has credit, lowers what has blame, and leaves alone what has neither', async () => {
    const text = documents[3]!;
    const other = documents[10]!;
    const [tokens] = await host.encode([text]);
    const [others] = await host.encode([other]);
    const change = async (sign: number): Promise<[number, number]> => {
      host.restore(trained);
      const before = await host.bits([text, other], 'raw');
      const sequence = (ids: number[], credit: number) => ({ tokens: [...ids, 0], likelihood: ids.map(() => 0).concat(0), credit: ids.map(() => credit).concat(credit), oldLogProbs: ids.map(() => -1).concat(-1) });
      for (let i = 0; i < 5; i++) await host.update(update({ sequences: [sequence(tokens!, sign), sequence(others!, 0)], corpusShare: 0, learningRate: 1e-3, clipLow: 1e-6, clipHigh: 1e6 }));
      const after = await host.bits([text, other], 'raw');
      return [after[0]! - before[0]!, after[1]! - before[1]!];
    };
    const [raised] = await change(1);
    const [lowered] = await change(-1);
    expect(raised).toBeLessThan(-1);
    expect(lowered).toBeGreaterThan(1);
  });

  it('stays nearer to the promoted policy at the tokens of its samples, and less sure of them, as it is asked to', async () => {
    const texts = [documents[3]!, documents[10]!];
    const [blamed, beside] = (await host.encode(texts)).map((ids) => [...ids, 0]);
    const nothing = (ids: readonly number[]): number[] => ids.map(() => 0);
    const sequences = [
      { tokens: blamed!, likelihood: nothing(blamed!), credit: blamed!.map(() => -1), oldLogProbs: blamed!.map(() => -1) },
      { tokens: beside!, likelihood: nothing(beside!), credit: nothing(beside!) },
    ];
    /** Log-probabilities of the tokens that nothing else is about, after five updates. */
    const after = async (over: Partial<UpdateRequest>): Promise<number[]> => {
      host.restore(copy(trained));
      for (let i = 0; i < 5; i++) await host.update(update({ sequences, corpusShare: 0, learningRate: 1e-3, clipLow: 1e-6, clipHigh: 1e6, ...over }));
      return (await host.logProbs([beside!]))[0]!;
    };
    host.restore(copy(trained));
    const before = (await host.logProbs([beside!]))[0]!;
    const distance = (values: readonly number[]): number => mean(values.map((value, i) => Math.abs(value - before[i]!)));
    const free = await after({});
    const held = await after({ klWeight: 20 });
    const unsure = await after({ sequences: [sequences[1]!], entropyWeight: 1 });
    expect(distance(held)).toBeLessThan(0.5 * distance(free));
    expect(mean(unsure)).toBeLessThan(mean(before) - 0.05);
    expect(await after({ klWeight: 20 })).toEqual(held);
    host.restore(copy(trained));
  });

  it('says how many rows and tokens of its batches were corpus', async () => {
    const sequences = Array.from({ length: 9 }, (_, i) => ({ tokens: Array.from({ length: 30 }, (_, j) => 5 + ((i + j) % 200)), likelihood: new Array<number>(30).fill(0), credit: new Array<number>(30).fill(0.1), oldLogProbs: new Array<number>(30).fill(-1) }));
    const half = await host.update(update({ sequences, corpusShare: 0.5 }));
    // Rows of 48 hold one sequence of 30 each: nine rows of samples, two a batch of four, and two of corpus in every batch.
    expect(half).toMatchObject({ steps: 5, rows: 9 + 10, corpusRows: 10 });
    expect(half.tokens - half.corpusTokens).toBe(9 * 30);
    const none = await host.update(update({ sequences, corpusShare: 0 }));
    expect(none).toMatchObject({ steps: 3, rows: 9, corpusRows: 0, tokens: 9 * 30, corpusTokens: 0 });
    host.restore(copy(trained));
  });

  it('repeats itself from a restored state, and rolls back to the promoted weights', async () => {
    const [tokens] = await host.encode([documents[0]!]);
    const sequences = [{ tokens: [...tokens!, 0], likelihood: tokens!.map(() => 1).concat(1), credit: tokens!.map(() => 0).concat(0) }];
    host.restore(trained);
    await host.update(update({ sequences, passes: 2 }));
    const once = copy(host.state());
    host.restore(trained);
    await host.update(update({ sequences, passes: 2 }));
    expect(host.state()).toEqual(once);
    expect(once.arrays['raw']).not.toEqual(trained.arrays['raw']);
    expect(once.arrays['average']).not.toEqual(once.arrays['raw']);
    await host.rollback();
    expect(host.state().arrays['raw']).toEqual(trained.arrays['promoted']);
  });

  it('samples from the weights that are named, although all were equal before', async () => {
    host.restore(trained);
    const [tokens] = await host.encode([documents[0]!]);
    const sequences = [{ tokens: [...tokens!, 0], likelihood: tokens!.map(() => 1).concat(1), credit: tokens!.map(() => 0).concat(0) }];
    await host.update(update({ sequences, passes: 8, averageDecay: 0.9, learningRate: 1e-2 }));
    const sample = async (weights: 'raw' | 'average' | 'promoted') => (await host.generate({ key: 'names', prompts: ['', '', '', ''], maxTokens: 20, temperature: 1, weights })).map(({ logProbs }) => logProbs);
    const all = [await sample('average'), await sample('raw'), await sample('promoted')];
    expect(all[0]).not.toEqual(all[1]);
    expect(all[1]).not.toEqual(all[2]);
    expect(all[0]).not.toEqual(all[2]);
    await host.promote();
    expect(await sample('promoted')).toEqual(all[0]);
    expect(await sample('raw')).toEqual(all[0]);
  });

  it('scores with the weights that are asked for', async () => {
    host.restore(trained);
    const [tokens] = await host.encode(['zzzz']);
    const sequences = [{ tokens: [...tokens!, 0], likelihood: tokens!.map(() => 50).concat(50), credit: tokens!.map(() => 0).concat(0) }];
    for (let i = 0; i < 30; i++) await host.update(update({ sequences, corpusShare: 0, learningRate: 1e-2 }));
    const bits = async (weights: 'raw' | 'promoted') => (await host.bits(['zzzz'], weights))[0]!;
    const before = await bits('promoted');
    expect(await bits('raw')).toBeLessThan(0.5 * before);
    await host.promote();
    expect(await bits('promoted')).toBeLessThan(before);
  });
});

it('restores nothing from a checkpoint of another shape', () => {
  expect(() => host.restore({ arrays: { raw: new Float32Array(3) }, counters: {} })).toThrow(/another configuration/);
});

describe('the discriminator', () => {
  it('learns to tell two kinds of structure apart, on texts that it was not trained on', async () => {
    const input = (kind: number, i: number) => ({ text: '', bigrams: Array.from({ length: 20 }, (_, j) => (kind === 0 ? 1 : 2) * 1000 + ((i * 7 + j * 3) % 40)) });
    const real = Array.from({ length: 100 }, (_, i) => input(0, i));
    const fake = Array.from({ length: 100 }, (_, i) => input(1, i));
    const first = await host.updateDiscriminator({ key: 'a', real, fake, steps: 60, learningRate: 3e-3 });
    const second = await host.updateDiscriminator({ key: 'b', real, fake, steps: 1, learningRate: 3e-3 });
    expect(first.heldOutReal).toHaveLength(20);
    expect(Math.min(...second.heldOutReal)).toBeGreaterThan(Math.max(...second.heldOutFake));
    const [r, f] = await host.scoreDiscriminator([input(0, 500), input(1, 500)]);
    expect(r).toBeGreaterThan(0);
    expect(f).toBeLessThan(0);
  });

  it('traces the odds from nothing to the score of the whole text, each value the score of the structure that has begun', async () => {
    const bigrams = [1000, 2003, 1000, 1006, 2009];
    const at = [0, 4, 4, 0, 9];
    const [trace] = await host.traceDiscriminator([{ bigrams, at }]);
    expect(trace!.at).toEqual([0, 4, 9]);
    const scores = await host.scoreDiscriminator([-1, 0, 4, 9].map((until) => ({ text: '', bigrams: bigrams.filter((_, i) => at[i]! <= until) })));
    [trace!.empty, ...trace!.logOdds].forEach((value, i) => expect(value).toBeCloseTo(scores[i]!, 2));
    expect(await host.traceDiscriminator([{ bigrams: [], at: [] }])).toEqual([{ empty: trace!.empty, at: [], logOdds: [] }]);
  });
});

describe('a latent generator', () => {
  const asked: InitialiseRequest = { ...request, latent: { noise: 20, prefix: 2, objective: 'non-saturating' } };
  const latentUpdate = (over: Partial<LatentUpdateRequest> = {}): LatentUpdateRequest => ({
    key: 'latent', steps: 2, warmUpSteps: 0, temperature: 1, adversarialWeight: 0.2, policyFactor: 0.5, corpusWeight: 1,
    learningRate: 1e-3, latentLearningRate: 1e-3, discriminatorLearningRate: 1e-3, averageDecay: 0.5, ...over,
  });
  const OWN = ['latent', 'latentAverage', 'latentFirst', 'latentPromoted', 'latentSecond', 'sequenceDiscriminator', 'sequenceDiscriminatorFirst', 'sequenceDiscriminatorSecond'];
  let latent: PolicyHost;
  let begun: HostState;
  beforeAll(async () => {
    latent = await PolicyHost.create(asked, tokenizer, { backend: 'onnx:cpu', threads: 2 });
    const initial = copy(latent.state());
    // What pretraining without one left is taken over; the latent generator stays as it was made.
    latent.restore(trained);
    begun = copy(latent.state());
    for (const name of OWN) expect(begun.arrays[name]).toEqual(initial.arrays[name]);
    expect(begun.arrays['raw']).toEqual(trained.arrays['raw']);
  });

  it('is part of the state where it was asked for, and nowhere else', async () => {
    expect(Object.keys(begun.arrays).filter((name) => !(name in trained.arrays)).sort()).toEqual(OWN);
    expect(Object.keys(trained.counters)).not.toContain('latentUpdates');
    await expect(host.updateLatent(latentUpdate())).rejects.toThrow('without a latent generator');
    await expect(host.generateLatent({ key: 'none', count: 1, maxTokens: 4 })).rejects.toThrow('without a latent generator');
  });

  it('goes on from a saved state to the same bits, the policy and its corpus rows with it', async () => {
    latent.restore(begun);
    await latent.updateLatent(latentUpdate({ key: 'a' }));
    await latent.update(update({ corpusShare: 0.5 }));
    const between = copy(latent.state());
    const report = await latent.updateLatent(latentUpdate({ key: 'b' }));
    const whole = copy(latent.state());
    const other = await PolicyHost.create(asked, tokenizer, { backend: 'onnx:cpu', threads: 2 });
    other.restore(between);
    expect(await other.updateLatent(latentUpdate({ key: 'b' }))).toEqual(report);
    expect(other.state()).toEqual(whole);
    expect(whole.counters).toMatchObject({ latentUpdates: 4, sequenceDiscriminatorUpdates: 4 });
    for (const name of ['raw', 'average', ...OWN.filter((name) => name !== 'latentPromoted')]) expect(whole.arrays[name], name).not.toEqual(begun.arrays[name]);
  });

  it('is promoted and rolled back with the policy', async () => {
    latent.restore(begun);
    await latent.updateLatent(latentUpdate());
    const { arrays } = copy(latent.state());
    await latent.promote();
    for (const name of ['latent', 'latentAverage', 'latentPromoted']) expect(latent.state().arrays[name]).toEqual(arrays['latentAverage']);
    await latent.updateLatent(latentUpdate({ key: 'again' }));
    await latent.rollback();
    for (const name of ['latent', 'latentAverage', 'latentPromoted']) expect(latent.state().arrays[name]).toEqual(arrays['latentAverage']);
    expect(latent.state().counters).toMatchObject({ latentUpdates: 0, updates: 0 });
  });

  it('writes completions from the weights that are named, and lets plain sampling see what it changed', async () => {
    latent.restore(begun);
    const plain = async () => (await latent.generate({ key: 'plain', prompts: ['', ''], maxTokens: 20, temperature: 1 })).map(({ logProbs }) => logProbs);
    const before = await plain();
    await latent.updateLatent(latentUpdate({ steps: 3, learningRate: 1e-2 }));
    expect(await plain()).not.toEqual(before);
    const from = async (weights: 'raw' | 'promoted') => latent.generateLatent({ key: 'text', count: 3, maxTokens: 30, weights });
    const [raw, promoted] = [await from('raw'), await from('promoted')];
    expect(raw.map(({ logProbs }) => logProbs)).not.toEqual(promoted.map(({ logProbs }) => logProbs));
    for (const { text, tokens, finish } of raw) {
      expect(tokens.length).toBeLessThanOrEqual(30);
      expect(text).toBe(tokenizer.decode(finish === 'stop' ? tokens.slice(0, -1) : tokens));
    }
  });
});
