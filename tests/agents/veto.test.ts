/** A veto of the safety filter in the loop: what it keeps out of the corpus, and out of what the learner raises. */
import { describe, expect, it } from 'vitest';
import { RoundLearner } from '../../src/agents/learner/learner.ts';
import { RunPreparer, type PreparerDeps } from '../../src/agents/preparer.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Judged } from '../../src/contracts/agents.ts';
import type { TrainSequence, UpdateRequest } from '../../src/contracts/model.ts';
import type { Evaluation, Repair, SafetyCounts, Sample } from '../../src/contracts/records.ts';
import { LEAST_BYTES, splitOf, withoutFiles, type Corpus } from '../../src/tasks/index.ts';

const tokensOf = (text: string): number[] => [...Buffer.from(text), 0];

function judged(id: string, completion: string, safety?: SafetyCounts): Judged {
  const sample: Sample = { id, taskId: id, kind: 'unconditional', round: 1, attempt: 0, prompt: '', completion, finish: 'stop', tokens: tokensOf(completion), logProbs: tokensOf(completion).map(() => -1) };
  const evaluation: Evaluation = {
    id, valid: true, rulesValid: true, score: 1, findings: [], shape: id, bigrams: [1], copy: false, ...(safety ? { safety } : {}),
    counts: { bytes: completion.length, lines: 1, codeTokens: 5, ownNodes: 3, repeatedLines: 0, similarLines: 0, docstring: false, maxNesting: 0, longestLine: 0 },
  };
  return { sample, evaluation };
}

/** What the learner hands to the model for these samples and repairs. */
async function trainedOn(all: readonly Judged[], repaired: readonly Judged[]): Promise<readonly TrainSequence[]> {
  let request: UpdateRequest | undefined;
  const learner = new RoundLearner({
    config: parseConfig({}), clock: () => 0, events: { record: () => {}, note: () => {} }, endOfText: 0, real: () => [], replay: async () => [], accepted: async () => [], save: async () => '',
    evaluator: { evaluateMany: async () => [], close: async () => {} },
    model: {
      encode: async (texts) => texts.map((text) => [...Buffer.from(text)]),
      tokenBytes: async () => Array.from({ length: 256 }, (_, id) => (id === 0 ? '' : id.toString(16).padStart(2, '0'))),
      alternatives: async () => [],
      logProbs: async () => [],
      generate: async () => [],
      scoreDiscriminator: async () => [],
      updateLatent: () => Promise.reject(new Error('not asked for')),
      updateDiscriminator: async () => ({ loss: 0, heldOutReal: [], heldOutFake: [] }),
      update: async (given) => {
        request = given;
        return { steps: 1, tokens: 1, rows: 1, corpusRows: 0, corpusTokens: 0, loss: 0, likelihoodLoss: 0, clipped: 0, gradNorm: 0 };
      },
    },
  });
  const repairs = repaired.map(({ sample, evaluation }): Repair => ({ parent: 'p', revision: sample, evaluation }));
  await learner.learn({ round: 1, judged: all, critiques: [], repairs });
  return request!.sequences;
}

describe('the learner', () => {
  const text = ({ tokens }: TrainSequence): string => Buffer.from(tokens.filter((token) => token !== 0)).toString();
  const raised = (sequences: readonly TrainSequence[]): string[] =>
    sequences.filter(({ credit, likelihood }) => [...credit, ...likelihood].some((value) => value > 0)).map(text);

  it('never raises a vetoed sample or repair', async () => {
    const samples = [judged('a', 'good'), judged('b', 'leak', { secret: 1 }), judged('c', 'calls', { danger: 1 })];
    const sequences = await trainedOn(samples, [judged('d', 'mended'), judged('e', 'worse', { slur: 1 })]);
    expect([...new Set(raised(sequences))].sort()).toEqual(['calls', 'good', 'mended']);
  });

  it('raises nothing at all when all is vetoed', async () => {
    expect(raised(await trainedOn([judged('a', 'one', { secret: 1 }), judged('b', 'two', { slur: 2 })], [judged('c', 'three', { secret: 1 })]))).toEqual([]);
  });
});

describe('the corpus', () => {
  /** Files of every split, large enough together. */
  const files = Array.from({ length: 60 }, (_, i) => ({ path: `file${i}.py`, text: `x_${i} = 1\n${'# filling\n'.repeat(120)}`, split: splitOf(`file${i}.py`) }));
  const corpus: Corpus = { files, rejected: [], licence: 'MIT', bytes: files.reduce((sum, { text }) => sum + text.length, 0), hash: 'all' };

  it('loses vetoed files, with the reason, and is another corpus by its hash', () => {
    expect(corpus.bytes).toBeGreaterThan(LEAST_BYTES);
    const less = withoutFiles(corpus, ['file1.py', 'file2.py'], 'vetoed');
    expect(less.files).toHaveLength(58);
    expect(less.rejected).toEqual([{ path: 'file1.py', reason: 'vetoed' }, { path: 'file2.py', reason: 'vetoed' }]);
    expect(less.bytes).toBe(less.files.reduce((sum, { text }) => sum + text.length, 0));
    expect(new Set([less.hash, withoutFiles(corpus, ['file1.py'], 'vetoed').hash, corpus.hash]).size).toBe(3);
    expect(withoutFiles(corpus, [], 'vetoed')).toBe(corpus);
    expect(() => withoutFiles(corpus, files.slice(3).map(({ path }) => path), 'vetoed')).toThrow(/are left/);
  });

  it('is scanned before anything is made of it, once for the same corpus and policy, and not without a veto', async () => {
    const scanned: number[] = [];
    const keys: unknown[] = [];
    const prepare = async (veto: string[]): Promise<void> => {
      const deps = {
        config: parseConfig({ corpus: [], safety: { veto } }), clock: () => 0, events: { record: () => {}, note: () => {} },
        finder: {
          scanSafety: async (texts: readonly string[]) => {
            scanned.push(texts.length);
            return texts.map((_, i) => ({ findings: [], ...(i === 0 ? { safety: { secret: 1 } } : {}) }));
          },
        },
        kept: {
          json: async (kind: string, key: unknown, make: () => Promise<unknown>) => {
            if (kind !== 'vetoed') throw new Error('far enough');
            keys.push(key);
            return make();
          },
        },
      } as unknown as PreparerDeps;
      await expect(new RunPreparer(deps).prepare()).rejects.toThrow('far enough');
    };
    await prepare(['secret']);
    await prepare([]);
    expect(scanned).toHaveLength(1);
    expect(keys).toEqual([expect.objectContaining({ safety: { veto: ['secret'], disable: [], add: [] } })]);
  });
});
