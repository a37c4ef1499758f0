/** SeqGAN: what beginnings are found to be worth, what their tokens are credited with, and what the policy comes to, on a toy whose values are known. */
import { describe, expect, it } from 'vitest';
import { SeqGan, actionValues, advantagesOf, type RolloutDeps, type RolloutRequest } from '../../src/agents/learner/seqgan.ts';
import { requestOf } from '../../src/agents/samples.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Judged } from '../../src/contracts/agents.ts';
import type { Completion, GenerateRequest } from '../../src/contracts/model.ts';
import type { Evaluation, Sample } from '../../src/contracts/records.ts';
import { MemorySink } from '../fakes.ts';
import { END, Language, TabularPolicy } from './tabular-policy.ts';
import { learnToy } from './toy-loop.ts';

const language = new Language(['abab', 'cdcd', 'abcd']);
const evaluator = language.evaluator();
const pretrained = (): TabularPolicy => {
  const policy = new TabularPolicy('abcd', { seed: 3 });
  policy.pretrain(['abab', 'abab', 'cdcd', 'abcd', 'ab', 'ba', 'abc', 'cdab', 'dcd', 'aabb'], 400, 1);
  return policy;
};
const D = (text: string): number => ({ abab: 0.2, cdcd: 0.9, abcd: 0.6 })[text] ?? 0;
const withOdds = (policy: TabularPolicy): TabularPolicy => Object.assign(policy, { logOdds: (text: string) => Math.log(D(text) / (1 - D(text))) });
const tokenBytes = Array.from({ length: 256 }, (_, id) => (id === END ? Buffer.of() : Buffer.of(id)));

const sampleOf = (completion: string, prompt = '', finish: Sample['finish'] = 'stop'): Sample => {
  const tokens = [...Buffer.from(completion), ...(finish === 'stop' ? [END] : [])];
  return { id: `${prompt}|${completion}`, taskId: 't', kind: 'unconditional', round: 1, attempt: 0, prompt, completion, finish, tokens, logProbs: tokens.map(() => -1) };
};
const judge = (sample: Sample): Judged => ({ sample, evaluation: language.judge(requestOf(sample)) });

/** The policy, and what it was asked and answered. */
function watched(policy: Pick<RolloutDeps['model'], 'generate' | 'scoreDiscriminator'>): { model: RolloutDeps['model']; asked: { request: GenerateRequest; completions: Completion[] }[] } {
  const asked: { request: GenerateRequest; completions: Completion[] }[] = [];
  const generate = async (request: GenerateRequest): Promise<Completion[]> => {
    const completions = await policy.generate(request);
    asked.push({ request, completions });
    return completions;
  };
  return { model: { generate, scoreDiscriminator: (inputs) => policy.scoreDiscriminator(inputs) }, asked };
}
const request = (over: Partial<RolloutRequest> = {}): RolloutRequest => ({ key: 'k', rollouts: 3, spacing: 1, maxTokens: 8, temperature: 1, veto: [], ...over });
const contextsOf = (samples: readonly Judged[]): number[][] => samples.map(({ sample }) => [...Buffer.from(sample.prompt)]);

describe('the value of a beginning', () => {
  it('is the expectation of D over what the policy makes of it, and of a whole sample its own D', async () => {
    const policy = withOdds(pretrained());
    const samples = ['abab', 'cdcd', 'abcd'].map((text) => judge(sampleOf(text)));
    const rollouts = 1000;
    const values = await actionValues({ model: policy, evaluator, tokenBytes }, samples, contextsOf(samples), request({ rollouts }));
    samples.forEach(({ sample: { completion } }, i) => {
      for (let cut = 1; cut <= completion.length; cut++) {
        const exact = (of: (text: string) => number): number =>
          language.texts.filter((text) => text.startsWith(completion.slice(0, cut))).reduce((sum, text) => sum + policy.probability(text, cut) * of(text), 0);
        const value = exact(D);
        const standardError = Math.sqrt((exact((text) => D(text) ** 2) - value ** 2) / rollouts);
        expect(Math.abs(values[i]![cut - 1]! - value)).toBeLessThan(4 * standardError);
      }
      expect(values[i]).toHaveLength(completion.length + 1);
      expect(values[i]!.at(-1)).toBeCloseTo(D(completion), 12);
    });
    // The beginnings differ by far more than the error allowed.
    expect(values[0]![0]! - values[1]![0]!).not.toBeCloseTo(0, 1);
  });

  it('is 0 where nothing can go on from it, which nobody is asked about', async () => {
    const { model, asked } = watched(withOdds(pretrained()));
    const samples = ['abba', 'ab'].map((text) => judge(sampleOf(text)));
    const values = await actionValues({ model, evaluator, tokenBytes }, samples, contextsOf(samples), request({ rollouts: 200 }));
    expect(values[0]!.slice(2)).toEqual([0, 0, 0]);
    expect(values[0]![1]).toBeGreaterThan(0);
    expect(values[1]!.at(-1)).toBe(0);
    const beginnings = new Set(asked.flatMap(({ request: { prompts } }) => prompts.map((ids) => Buffer.from(ids as number[]).toString())));
    expect(beginnings).toEqual(new Set(['a', 'ab']));
  });

  it('comes from rollouts that go on from the sample\'s own ids behind its prompt, as far apart as asked for', async () => {
    const { model, asked } = watched(withOdds(pretrained()));
    const samples = [judge(sampleOf('cd', 'cd')), judge(sampleOf('bcd', 'a')), judge(sampleOf('abab'))];
    const values = await actionValues({ model, evaluator, tokenBytes }, samples, contextsOf(samples), request({ spacing: 2 }));
    expect(values.map(({ length }) => length)).toEqual([2, 2, 3]);
    expect(asked.map(({ request: { prompts } }) => prompts.map((ids) => Buffer.from(ids as number[]).toString()))).toEqual([
      ['cdcd', 'cdcd', 'cdcd', 'abc', 'abc', 'abc', 'ab', 'ab', 'ab'],
      ['abab', 'abab', 'abab'],
    ]);
  });

  it('takes no more tokens than a sample could still have had', async () => {
    // An untaught policy ends a text at every fifth token: some rollouts are cut off.
    const { model, asked } = watched(withOdds(new TabularPolicy('abcd', { seed: 1 })));
    const samples = Array.from({ length: 50 }, () => judge(sampleOf('abcd')));
    const [rollouts, maxTokens] = [4, 6];
    const values = await actionValues({ model, evaluator, tokenBytes }, samples, contextsOf(samples), request({ rollouts, maxTokens, spacing: 2 }));
    asked.forEach(({ completions }, i) => {
      const cut = 2 * (i + 1);
      expect(completions).toHaveLength(samples.length * rollouts);
      expect(Math.max(...completions.map(({ tokens }) => tokens.length))).toBe(maxTokens - cut);
    });
    expect(asked).toHaveLength(2);
    expect(values.flat().every((value) => value >= 0 && value <= 1)).toBe(true);
  });

  it('counts nothing for copies and what safety vetoes', async () => {
    const policy = Object.assign(pretrained(), { logOdds: () => 0 });
    const changed = (over: Partial<Evaluation>) => async (requests: Parameters<typeof evaluator.evaluateMany>[0]) => (await evaluator.evaluateMany(requests)).map((one) => ({ ...one, ...over }));
    const value = async (over: Partial<Evaluation>): Promise<number> => {
      const samples = [judge(sampleOf('abab'))];
      return (await actionValues({ model: policy, evaluator: { evaluateMany: changed(over) }, tokenBytes }, samples, contextsOf(samples), request({ rollouts: 50, veto: ['secret'] })))[0]![2]!;
    };
    expect(await value({})).toBeGreaterThan(0.1);
    expect(await value({ copy: true })).toBe(0);
    expect(await value({ safety: { secret: 1 } })).toBe(0);
    expect(await value({ safety: { danger: 1 } })).toBeGreaterThan(0.1);
  });

  it('is asked about texts put together from bytes where a cut falls within a character', async () => {
    const texts: string[] = [];
    const model: RolloutDeps['model'] = {
      generate: async ({ prompts }) => prompts.map((ids) => ({ text: '', finish: 'stop', tokens: ids.length === 1 ? [0xa8, END] : [END], logProbs: [] })),
      scoreDiscriminator: async (inputs) => inputs.map(() => 0),
    };
    const listener = { evaluateMany: async (requests: Parameters<typeof evaluator.evaluateMany>[0]) => requests.map((one) => { texts.push(one.text); return language.judge(one); }) };
    // It breaks at é, of which half is still the beginning of è.
    const sample = sampleOf('éa');
    const broken: Judged = { sample, evaluation: { ...language.judge(requestOf(sample)), brokenAt: 0 } };
    await actionValues({ model, evaluator: listener, tokenBytes }, [broken], [[]], request({ rollouts: 1 }));
    expect(texts).toEqual(['è']);
  });
});

describe('advantages', () => {
  it('are values less the mean of those that come to the same cut, in units of their deviation', () => {
    const advantages = advantagesOf([[1, 4], [3], [2, 6]]);
    const deviation = Math.sqrt((1 + 1 + 0 + 1 + 1) / 5);
    expect(advantages).toEqual([[-1, -1], [1], [0, 1]].map((one) => one.map((value) => value / deviation)));
    expect(advantagesOf([[0, 0], [0]])).toEqual([[0, 0], [0]]);
  });
});

/** A table is taught at rates that no network would bear. */
const learning: NonNullable<ConfigInput['learning']> = { learningRate: 4, decay: 1, warmupSteps: 0, corpusShare: 0, passes: 4, clipHigh: 5, rollouts: 4, rolloutSpacing: 1 };

describe('the method', () => {
  const teach = async (policy: TabularPolicy, samples: readonly Judged[], over: ConfigInput['learning'] = {}): Promise<void> => {
    const config = parseConfig({ learner: 'seqgan', learning: { ...learning, ...over } });
    const method = new SeqGan({ config, clock: () => 0, events: new MemorySink(), evaluator, endOfText: END, accepted: async () => [], model: policy });
    await method.teach({ round: 1, judged: samples, rewards: [], repairs: [] });
  };

  it('credits the tokens between two cuts alike, and prompts with nothing', async () => {
    const policy = withOdds(pretrained());
    await teach(policy, [judge(sampleOf('cd', 'cd')), judge(sampleOf('bab', 'a')), judge(sampleOf('bba', 'a'))], { rolloutSpacing: 2 });
    const { sequences } = policy.requests[0]!;
    expect(sequences.map(({ tokens }) => Buffer.from(tokens).toString())).toEqual(['cdcd\0', 'abab\0', 'abba\0']);
    for (const [i, prompt] of [2, 1, 1].entries()) {
      const { credit, likelihood, oldLogProbs } = sequences[i]!;
      expect(credit.slice(0, prompt).every((value) => value === 0)).toBe(true);
      expect(credit[prompt]).not.toBe(0);
      expect(credit[prompt + 1]).toBe(credit[prompt]);
      expect(likelihood.every((value) => value === 0)).toBe(true);
      expect(oldLogProbs!.slice(prompt).every((value) => value === -1)).toBe(true);
    }
  });

  it('takes as many samples as it is to, from all of the round', async () => {
    const policy = withOdds(pretrained());
    const samples = Array.from({ length: 90 }, (_, i) => judge(sampleOf(language.texts[Math.floor(i / 30)]!)));
    await teach(policy, samples, { rolloutSamples: 9 });
    const texts = policy.requests[0]!.sequences.map(({ tokens }) => Buffer.from(tokens.slice(0, 4)).toString());
    expect(texts).toEqual(language.texts.flatMap((text) => [text, text, text]));
  });

  it('comes to write valid texts only', async () => {
    const policy = pretrained();
    const validity = await learnToy({ language, policy, rounds: 10, samples: 100, config: { learner: 'seqgan', learning: { ...learning, rolloutSpacing: 2 } } });
    expect(validity[0]).toBeLessThan(0.5);
    expect(language.texts.reduce((sum, text) => sum + policy.probability(text), 0)).toBeGreaterThan(0.95);
  });

  it('comes to the shares of real texts when the discriminator is the best there is for the policy as it stands', async () => {
    const real: Readonly<Record<string, number>> = { abab: 0.2, cdcd: 0.6, abcd: 0.2 };
    const policy = pretrained();
    const shares = (): number[] => {
      const all = language.texts.map((text) => policy.probability(text));
      return all.map((p) => p / all.reduce((sum, value) => sum + value, 0));
    };
    // Goodfellow et al. (2014), proposition 1: D / (1 - D) = p(real) / p(generated, valid).
    const logOdds = (text: string): number => Math.log(real[text]! / shares()[language.texts.indexOf(text)]!);
    const before = shares();
    expect(Math.abs(before[1]! - 0.6)).toBeGreaterThan(0.2);
    await learnToy({ language, policy, rounds: 15, samples: 200, logOdds, config: { learner: 'seqgan', learning: { ...learning, learningRate: 2, passes: 2, rollouts: 2, rolloutSpacing: 2 } } });
    shares().forEach((share, i) => expect(Math.abs(share - Object.values(real)[i]!)).toBeLessThan(0.1));
  });
});
