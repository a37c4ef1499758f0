/** Repair preferences: which tokens a pair touches, how its credit falls, and what the method converges to on a language whose optimum is known. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairOf, type Pair } from '../../src/agents/learner/pairs.ts';
import { pairSequences, standingOf } from '../../src/agents/learner/repair.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Judged } from '../../src/contracts/agents.ts';
import type { Evaluation, Sample } from '../../src/contracts/records.ts';
import { MemorySink } from '../fakes.ts';
import { END, Language, TabularPolicy } from './tabular-policy.ts';
import { learnToy, type ToyPlan } from './toy-loop.ts';

/** Ids below 128 are one byte each, 0 is end-of-text, and these are words of their own. */
const WORDS = ['ab', 'cd', 'bc', '\n    ', 'x = ', '()'];
const lengths = [...Array.from({ length: 128 }, (_, id) => (id === END ? 0 : 1)), ...WORDS.map(({ length }) => length)];
const bytesOf = (tokens: readonly number[]): string => tokens.map((id) => (id === END ? '' : id < 128 ? String.fromCharCode(id) : WORDS[id - 128]!)).join('');
/** The longest word that fits, from left to right. */
function tokensOf(text: string): number[] {
  const tokens: number[] = [];
  for (let at = 0; at < text.length; at += lengths[tokens.at(-1)!]!) {
    const word = WORDS.findIndex((one) => text.startsWith(one, at));
    tokens.push(word < 0 ? text.charCodeAt(at) : 128 + word);
  }
  return tokens;
}

const sampleOf = (id: string, completion: string, over: Partial<Sample> = {}): Sample =>
  ({ id, taskId: 't', kind: 'unconditional', round: 1, attempt: 0, prompt: '', completion, finish: 'stop', ...over });
function failedOf(text: string, brokenAt: number, over: Partial<Evaluation> = {}): Judged {
  const counts = { bytes: text.length, lines: 1, codeTokens: 3, ownNodes: 3, repeatedLines: 0, similarLines: 0, docstring: false, maxNesting: 0, longestLine: 0 };
  return {
    sample: sampleOf('p', text, { tokens: [...tokensOf(text), END] }),
    evaluation: { id: 'p', valid: false, reason: 'syntax', brokenAt, rulesValid: false, score: 0.5, findings: [], counts, shape: '', bigrams: [], copy: false, ...over },
  };
}
function pairFrom(failed: Judged, text: string, kept?: number): Pair | null {
  const revision = sampleOf('p~1', text, kept === undefined ? { parent: 'p', method: 'infill' } : { parent: 'p', method: 'continue', kept });
  const revised = kept === undefined ? { context: tokensOf(text), own: [END] } : { context: tokensOf(text.slice(0, kept)), own: [...tokensOf(text.slice(kept)), END] };
  return pairOf(failed, revision, { context: [], own: failed.sample.tokens! }, revised, lengths);
}
const spanOf = (side: Pair['failed']): string => bytesOf(side.tokens.slice(side.from));

describe('a pair', () => {
  it('of a continued revision holds the failed text up to the token that broke it, and the statement in which the two part', () => {
    const pair = pairFrom(failedOf('def f(x):\n    return x y + 1\n    z()\n', 22), 'def f(x):\n    return x.y(\n        1)\n    return 2\n', 22)!;
    expect([spanOf(pair.failed), spanOf(pair.revised)]).toEqual([' ', '.y(\n        1)']);
    expect(bytesOf(pair.revised.tokens)).toBe('def f(x):\n    return x.y(\n        1)');
    const later = pairFrom(failedOf('def f(x):\n    return x y + 1\n', 23), 'def f(x):\n    return x\n', 22)!;
    expect([spanOf(later.failed), spanOf(later.revised)]).toEqual([' y', '\n']);
    expect(later.revised.tokens.at(-1)).toBe(END); // behind the last statement only the end is left
  });

  it('takes the next statement where the two part in the white space before it', () => {
    const pair = pairFrom(failedOf('if a:\nb()\nc()\n', 6), 'if a:\n    b()\nc()\n', 5)!;
    expect([spanOf(pair.failed), spanOf(pair.revised)]).toEqual(['\nb', '\n    b()']);
  });

  it('of a filled hole ends where the texts are alike again', () => {
    const pair = pairFrom(failedOf('def f(:\n    return 1\n', 6), 'def f(a, b):\n    return 1\n')!;
    expect([spanOf(pair.failed), spanOf(pair.revised)]).toEqual([':', 'a, b)']);
  });

  it('has the end of text for its failed span where that came too early', () => {
    const pair = pairFrom(failedOf('f(a', 3), 'f(a)\n', 3)!;
    expect(pair.failed.tokens.slice(pair.failed.from)).toEqual([END]);
    expect(spanOf(pair.revised)).toBe(')');
  });

  it('is none of a truncated text, of one that broke before the two part, or of one whose tokens are not its bytes', () => {
    expect(pairFrom(failedOf('f(a', 3, { reason: 'truncated' }), 'f(a)\n', 3)).toBeNull();
    expect(pairFrom(failedOf('f(ax', 1), 'f(ay)\n', 3)).toBeNull();
    const odd = failedOf('f(a', 3);
    expect(pairFrom({ ...odd, sample: { ...odd.sample, tokens: [102, END] } }, 'f(a)\n', 3)).toBeNull();
  });

  const piece = fc.stringMatching(/^[abcd()=x \n]{0,9}$/);
  it('has the same text before both spans, and neither credit nor likelihood outside of them', () => {
    let pairs = 0;
    fc.assert(fc.property(fc.tuple(piece, piece, piece, piece), fc.nat(12), fc.boolean(), fc.integer({ min: 1, max: 9 }), ([head, wrong, right, tail], broken, continued, weight) => {
      const failed = head + wrong + tail, revised = head + right + tail;
      const pair = pairFrom(failedOf(failed, Math.min(failed.length, head.length + broken)), revised, continued ? head.length : undefined);
      if (!pair) return;
      pairs++;
      expect(bytesOf(pair.failed.tokens.slice(0, pair.failed.from))).toBe(bytesOf(pair.revised.tokens.slice(0, pair.revised.from)));
      const present = [pair.failed, pair.revised].map(({ tokens }) => tokens.map(() => -1));
      const sequences = pairSequences(pair, present, weight / 5, { pairWeight: 2, repairWeight: 0.3 });
      for (const [i, side] of [pair.failed, pair.revised].entries()) {
        const { credit, likelihood, tokens } = sequences[i]!;
        expect(tokens.length).toBeGreaterThan(side.from);
        credit.forEach((value, at) => expect(Math.sign(value)).toBe(at < side.from ? 0 : i === 0 ? -1 : 1));
        likelihood.forEach((value, at) => expect(value).toBe(i === 1 && at >= side.from ? 0.3 : 0));
        // However long a span is, each side of a pair weighs the same.
        expect(Math.abs(credit.reduce((sum, value) => sum + value, 0))).toBeCloseTo((2 * weight) / 5, 9);
      }
      // Nothing after the token that broke the text.
      const ends = pair.failed.tokens.slice(0, -1).reduce((sum, token) => sum + lengths[token]!, 0);
      expect(ends).toBeLessThanOrEqual(Math.min(failed.length, head.length + broken));
    }), { numRuns: 300 });
    expect(pairs).toBeGreaterThan(100);
  });
});

describe('the credit of a pair', () => {
  const pair: Pair = { failed: { tokens: [1, 2], from: 1 }, revised: { tokens: [1, 3, 4], from: 1 } };
  const reference = [[-1, -2], [-1, -2, -3]];

  it('has the gradient of its loss', () => {
    const [w, b] = [3, 0.7];
    const present = [[-5, -2.4], [-1, -1.7, -2.2]];
    const loss = (values: readonly (readonly number[])[]): number => {
      const margin = (values[1]![1]! + 2 + values[1]![2]! + 3) / 2 - (values[0]![1]! + 2);
      return -((2 * w) / b) * Math.log(1 / (1 + Math.exp(-b * margin)));
    };
    const sequences = pairSequences(pair, present, standingOf(pair, present, reference, b).weight, { pairWeight: w, repairWeight: 0 });
    sequences.forEach(({ credit }, side) => credit.forEach((value, at) => {
      const moved = (by: number): number => loss(present.map((values, i) => values.map((one, j) => one + (i === side && j === at ? by : 0))));
      expect(value).toBeCloseTo(-(moved(1e-5) - moved(-1e-5)) / 2e-5, 5);
    }));
  });

  it('is the whole of it where there is no preference yet, and falls as the preference grows', () => {
    expect(standingOf(pair, reference, reference, 1)).toEqual({ revised: 0, failed: 0, margin: 0, weight: 1 });
    const weights = [-2, -1, 0, 1, 2, 5].map((by) => standingOf(pair, [[-1, -2 - by], [-1, -2, -3]], reference, 1).weight);
    for (let i = 1; i < weights.length; i++) expect(weights[i]).toBeLessThan(weights[i - 1]!);
  });
});

const language = new Language(['abab', 'cdcd', 'abcd']);
/** Likes the language, one text of it more than the others, and more that is none. */
const pretrained = (corpus: readonly string[] = []): TabularPolicy => {
  const policy = new TabularPolicy('abcd', { seed: 3, corpus });
  policy.pretrain(['abab', 'abab', 'cdcd', 'abcd', 'ab', 'ba', 'abc', 'cdab', 'dcd', 'aabb'], 400, 1);
  return policy;
};
/** A table is taught at rates that no network would bear. */
const learning: NonNullable<ConfigInput['learning']> = { learningRate: 4, decay: 1, warmupSteps: 0, corpusShare: 0, passes: 4, clipHigh: 5 };
const plan = (over: Partial<ToyPlan> & { readonly learning?: ConfigInput['learning'] }): ToyPlan =>
  ({ language, policy: pretrained(), rounds: 10, repaired: 200, ...over, config: { learner: 'repair', learning: { ...learning, ...over.learning } } });
const valid = (policy: TabularPolicy): number => language.texts.reduce((sum, text) => sum + policy.probability(text), 0);

describe('repair preferences', () => {
  it('come to write valid texts only', async () => {
    const policy = pretrained();
    const validity = await learnToy(plan({ policy }));
    expect(validity[0]).toBeLessThan(0.5);
    expect(valid(policy)).toBeGreaterThan(0.95);
  });

  it('leave everything that stands in no span as it was, to the last bit', async () => {
    const policy = pretrained();
    const texts = [...language.texts, 'ab', 'ba', 'abc', 'cdab', 'dcd', 'aabb', 'dddd', 'acac'];
    const contexts = [...new Set(texts.flatMap((text) => [...text, ''].map((_, i) => text.slice(0, i))))];
    const tokensAfter = async (): Promise<number[][]> => policy.logProbs(contexts.flatMap((context) => [...'abcd', '\0'].map((token) => [...Buffer.from(context + token)])));
    const before = await tokensAfter();
    await learnToy(plan({ policy, rounds: 1 }));
    const after = await tokensAfter();
    const touched = new Set(policy.requests.flatMap(({ sequences }) => sequences.flatMap(({ tokens, credit, likelihood }) =>
      tokens.flatMap((_, i) => (credit[i] !== 0 || likelihood[i] !== 0 ? [Buffer.from(tokens.slice(0, i)).toString()] : [])))));
    const changed = contexts.filter((_, i) => after.slice(5 * i, 5 * i + 5).some((values, j) => values.at(-1) !== before[5 * i + j]!.at(-1)));
    expect(changed.length).toBeGreaterThan(3);
    expect(changed.length).toBeLessThan(contexts.length);
    for (const context of changed) expect(touched).toContain(context);
  });

  it('let valid texts keep their shares among each other where the corpus holds them up, as far as one row of logits can do both', async () => {
    const policy = pretrained(['abab', 'abab', 'cdcd', 'abcd']);
    const shares = (): number[] => language.texts.map((text) => policy.probability(text) / valid(policy));
    const before = shares();
    await learnToy(plan({ policy, samples: 1000, repaired: 1000, rounds: 5, learning: { corpusShare: 0.5, corpusWeight: 0.5 } }));
    expect(valid(policy)).toBeGreaterThan(0.95);
    shares().forEach((share, i) => expect(Math.abs(share - before[i]!)).toBeLessThan(0.25));
  });

  it('widen the margin from pass to pass with less and less credit, the revisions no less likely for it', async () => {
    const events = new MemorySink();
    await learnToy(plan({ rounds: 2, events }));
    const learned = events.recorded.flatMap(({ event }) => (event.type === 'pairs.learned' ? [event.data] : []));
    expect(learned).toHaveLength(2);
    for (const { pairs, margin, weight, revised, failed } of learned) {
      expect(pairs).toBeGreaterThan(10);
      expect([margin.length, margin[0], weight[0]]).toEqual([5, 0, 1]);
      for (let pass = 1; pass < margin.length; pass++) {
        expect(margin[pass]).toBeGreaterThan(margin[pass - 1]!);
        expect(weight[pass]).toBeLessThan(weight[pass - 1]!);
        expect(revised[pass]).toBeGreaterThan(0);
        expect(failed[pass]).toBeLessThan(0);
      }
    }
  });

  it('teach nothing, and fail at nothing, where nothing was repaired', async () => {
    const policy = pretrained();
    const before = valid(policy);
    await learnToy(plan({ policy, rounds: 2, repaired: 0 }));
    expect(valid(policy)).toBe(before);
  });
});
