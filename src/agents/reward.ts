/**
 * Rewards: the trained-on scalar of each sample. Pure.
 *
 *     reward = 0                                   for an invalid sample, a copy of the corpus, or one that safety vetoes
 *            = min(oddsClip, (D / (1 - D))^power)  otherwise, times 1 - w + w * readability where readability has the weight w,
 *                                            divided by the number of valid samples of its shape to the power of shapePower
 *
 * D / (1 - D) estimates how much likelier people are to have written the sample's structure than the policy is (Goodfellow et al.
 * 2014, proposition 1), so valid samples count the more the nearer they are to real code: validity alone is won by ever
 * simpler programs. A power below 1 flattens that weight.
 */
import type { Judged } from '../contracts/agents.ts';
import type { Critique, Reward } from '../contracts/records.ts';
import { vetoed } from '../metrics/index.ts';

export interface RewardOptions {
  readonly oddsClip: number;
  /** Exponent of the odds, in [0, 1]; default 1. */
  readonly oddsPower?: number;
  /** In [0, 1]; 0 or absent: a shape is worth the same however many samples have it. */
  readonly shapePower?: number;
  /** Share in [0, 1] of the reward that readability decides; 0 or absent: none. */
  readonly readabilityWeight?: number;
  /** Categories or rules of the safety filter that keep a sample from being learned; absent: none. */
  readonly veto?: readonly string[];
}

/** `terms` names what was multiplied; `safe`, `readability` and `shape` only where they took part. */
export function rewardsOf(judged: readonly Judged[], critiques: readonly Critique[], { oddsClip, oddsPower = 1, shapePower = 0, readabilityWeight: weight = 0, veto = [] }: RewardOptions): Reward[] {
  const critiqueOf = new Map(critiques.map((critique) => [critique.sampleId, critique]));
  const shapes = new Map<string, number>();
  for (const { evaluation: { valid, shape } } of judged) if (valid) shapes.set(shape, (shapes.get(shape) ?? 0) + 1);
  return judged.map(({ sample, evaluation }) => {
    const valid = evaluation.valid ? 1 : 0;
    const original = evaluation.copy ? 0 : 1;
    const critique = critiqueOf.get(sample.id);
    const odds = Math.min(oddsClip, Math.exp(oddsPower * (critique?.logOdds ?? 0)));
    const readability = 1 - weight + weight * (critique?.readability ?? 0);
    const terms = { valid, original, odds, ...(vetoed(evaluation, { veto }) ? { safe: 0 } : {}), ...(weight > 0 ? { readability } : {}),
      ...(shapePower > 0 ? { shape: (shapes.get(evaluation.shape) ?? 1) ** -shapePower } : {}) };
    return { sampleId: sample.id, value: Object.values(terms).reduce((product, term) => product * term, 1), terms };
  });
}
