/** What each learner's method converges to, on a toy language whose optimum is known. */
import { describe, expect, it, vi } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { learnToy, type ToyPlan } from './toy-loop.ts';
import { LatentGan } from '../../src/agents/learner/latent-gan.ts';
import type { MethodDeps } from '../../src/agents/learner/method.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { LatentUpdateRequest } from '../../src/contracts/model.ts';
import { MemorySink } from '../fakes.ts';
import { Language, TabularPolicy } from './tabular-policy.ts';

const language = new Language(['abab', 'cdcd', 'abcd']);
/** Likes the language, one text of it more than the others, and more that is none. */
const pretrained = (corpus: readonly string[] = []): TabularPolicy => {
  const policy = new TabularPolicy('abcd', { seed: 3, corpus });
  policy.pretrain(['abab', 'abab', 'cdcd', 'abcd', 'ab', 'ba', 'abc', 'cdab', 'dcd', 'aabb'], 400, 1);
  return policy;
};
/** A table is taught at rates that no network would bear. */
const learning: NonNullable<ConfigInput['learning']> = { learningRate: 4, decay: 1, warmupSteps: 0, corpusShare: 0, oddsPower: 1, oddsClip: 100, passes: 4, clipHigh: 5 };

const plan = (over: Partial<ToyPlan> & { readonly config: ConfigInput }): ToyPlan => ({ language, policy: pretrained(), rounds: 10, ...over });
const shares = (policy: TabularPolicy): number[] => {
  const all = language.texts.map((text) => policy.probability(text));
  return all.map((p) => p / all.reduce((sum, value) => sum + value, 0));
};

describe.each(['policy-gradient', 'expert-iteration'] as const)('%s', (learner) => {
  it('comes to write valid texts only', async () => {
    const policy = pretrained();
    const validity = await learnToy(plan({ policy, config: { learner, learning } }));
    expect(validity[0]).toBeLessThan(0.5);
    expect(language.texts.reduce((sum, text) => sum + policy.probability(text), 0)).toBeGreaterThan(0.95);
  });
});

describe('policy gradient', () => {
  const alone = { ...learning, acceptedWeight: 0, faultWeight: 0, alternativeDraws: 0 };

  it.each([
    // The rarer a break, the seldomer it is blamed.
    ['of breaks', { faultWeight: 4, faultBefore: 0 }, 0.85],
    ['of what would have broken them', { alternativeDraws: 2, alternativeWeight: 4 }, 0.95],
  ] as const)('comes to write valid texts by blame alone: %s', async (_, blame, least) => {
    const policy = pretrained();
    await learnToy(plan({ policy, rounds: 60, config: { learner: 'policy-gradient', learning: { ...alone, ...blame } } }));
    expect(language.texts.reduce((sum, text) => sum + policy.probability(text), 0)).toBeGreaterThan(least);
  });

  it('by advantages alone, comes to write the text of the highest reward: the expected reward has no other maximum', async () => {
    const policy = pretrained();
    const before = policy.probability('cdcd');
    await learnToy(plan({ policy, rounds: 25, logOdds: (text) => (text === 'cdcd' ? Math.log(4) : 0), config: { learner: 'policy-gradient', learning: { ...alone, advantageWeight: 1 } } }));
    expect(before).toBeLessThan(0.5);
    expect(policy.probability('cdcd')).toBeGreaterThan(0.95);
  });

  it('draws alternatives up to where a text broke, also where the break itself has no blame', async () => {
    const asked = async (faultWeight: number) => {
      const policy = pretrained();
      const draw = vi.spyOn(policy, 'alternatives');
      await learnToy(plan({ policy, rounds: 1, config: { learner: 'policy-gradient', learning: { ...alone, alternativeDraws: 2, faultWeight } } }));
      return draw.mock.calls.flatMap(([{ sequences }]) => sequences.map(({ tokens, from }) => [tokens, from]));
    };
    expect(await asked(0)).toEqual(await asked(4));
  });

  it('with no term at all stays where it is', async () => {
    const policy = pretrained();
    const before = language.texts.map((text) => policy.probability(text));
    await learnToy(plan({ policy, rounds: 3, config: { learner: 'policy-gradient', learning: alone } }));
    expect(language.texts.map((text) => policy.probability(text))).toEqual(before);
  });
});

describe('expert iteration', () => {
  it('keeps the shares that valid texts had among each other, which is what the likelihood of filtered samples is highest at', async () => {
    const policy = pretrained();
    const before = shares(policy);
    await learnToy(plan({ policy, samples: 1000, rounds: 5, config: { learner: 'expert-iteration', learning: { ...learning, bufferSize: 4096 } } }));
    // Samples are finite, so shares drift a little from round to round.
    shares(policy).forEach((share, i) => expect(Math.abs(share - before[i]!)).toBeLessThan(0.1));
  });

  it('moves them by the discriminator\'s odds', async () => {
    const policy = pretrained();
    const before = shares(policy);
    await learnToy(plan({ policy, rounds: 1, samples: 1000, logOdds: (text) => (text === 'cdcd' ? Math.log(4) : 0), config: { learner: 'expert-iteration', learning: { ...learning, passes: 20 } } }));
    expect(shares(policy)[1]! / shares(policy)[0]!).toBeGreaterThan(2.5 * (before[1]! / before[0]!));
  });

  it('keeps what only the corpus has', async () => {
    const real = ['dddd'];
    const run = async (corpusShare: number): Promise<number> => {
      const policy = pretrained(real);
      await learnToy(plan({ policy, config: { learner: 'expert-iteration', learning: { ...learning, corpusShare, corpusWeight: 0.5 } } }));
      return policy.probability('dddd');
    };
    expect(await run(0.5)).toBeGreaterThan(0.1);
    expect(await run(0)).toBeLessThan(0.01);
  });

  it('learns from the newest that the buffer holds, repairs among them', async () => {
    const policy = pretrained();
    await learnToy(plan({ policy, rounds: 3, samples: 100, repaired: 30, config: { learner: 'expert-iteration', learning: { ...learning, bufferSize: 60 } } }));
    const texts = policy.requests.map(({ sequences }) => sequences.map(({ tokens }) => Buffer.from(tokens).toString()));
    expect(texts.map(({ length }) => length)).toEqual([expect.any(Number), 60, 60]);
    // Of a continued repair only what was written anew is learned.
    const continued = policy.requests.at(-1)!.sequences.filter(({ likelihood }) => likelihood[0] === 0);
    expect(continued.length).toBeGreaterThan(0);
    for (const { likelihood } of continued) expect(likelihood.at(-1)).toBe(1);
    for (const text of texts.flat()) expect(language.has(text.replace('\0', ''))).toBe(true);
  });
});

describe('latent gan', () => {
  // What it converges to: tests/models/latent.test.ts and gan.test.ts.
  it('asks for so many updates a round, of the discriminator alone first, and learns from no sample', async () => {
    const asked: LatentUpdateRequest[] = [];
    const updateLatent: MethodDeps['model']['updateLatent'] = async (request) => {
      asked.push(request);
      return {
        steps: request.steps - request.warmUpSteps, tokens: 9, rows: 4, corpusRows: 2, corpusTokens: 5, loss: 1, likelihoodLoss: 1, clipped: 0, gradNorm: 1,
        generatorLoss: 1, prefixedLoss: 1, plainLoss: 1, latentGradNorm: 1, discriminatorLoss: 1, realKnown: 1, generatedKnown: 1, length: 1,
      };
    };
    const events = new MemorySink();
    const config = parseConfig({ learner: 'latent-gan', budget: { rounds: 2 }, latent: { steps: 7 }, learning: { decay: 0.5, learningRate: 1e-3 } });
    const method = new LatentGan({ model: { updateLatent }, events, config } as unknown as MethodDeps);
    const outcome = { judged: [], rewards: [], repairs: [] };
    const reports = [await method.teach({ round: 1, ...outcome }), await method.teach({ round: 2, ...outcome })];
    expect(asked.map(({ steps, warmUpSteps }) => steps - warmUpSteps)).toEqual([7, 7]);
    expect(asked.map(({ warmUpSteps }) => warmUpSteps > 0)).toEqual([true, false]);
    expect(asked.map(({ learningRate }) => learningRate)).toEqual([1e-3, 5e-4]);
    expect(new Set(asked.map(({ key }) => key)).size).toBe(2);
    expect(Object.keys(reports[0]!).sort()).toEqual(['clipped', 'corpusRows', 'corpusTokens', 'gradNorm', 'likelihoodLoss', 'loss', 'rows', 'steps', 'tokens']);
    expect(events.of('latent.updated')).toEqual([1, 2].map((round) => ({ round, generatorLoss: 1, discriminatorLoss: 1, realKnown: 1, generatedKnown: 1, length: 1 })));
  });
});
