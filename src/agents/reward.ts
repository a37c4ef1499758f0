/**
 * Rewards: the trained-on scalar of each sample. Pure.
 *
 *     reward = 0                                   for an invalid sample or a copy of the corpus
 *            = min(oddsClip, D / (1 - D))          otherwise
 *
 * D / (1 - D) estimates how much likelier people are to have written the sample's structure than the policy is (Goodfellow et al.
 * 2014, proposition 1), so valid samples count the more the nearer they are to real code: validity alone is won by ever
 * simpler programs.
 */
import type { Judged } from '../contracts/agents.ts';
import type { Critique, Reward } from '../contracts/records.ts';

export function rewardsOf(judged: readonly Judged[], critiques: readonly Critique[], options: { readonly oddsClip: number }): Reward[] {
  const critiqueOf = new Map(critiques.map((critique) => [critique.sampleId, critique]));
  return judged.map(({ sample, evaluation }) => {
    const valid = evaluation.valid ? 1 : 0;
    const original = evaluation.copy ? 0 : 1;
    const odds = Math.min(options.oddsClip, Math.exp(critiqueOf.get(sample.id)?.logOdds ?? 0));
    return { sampleId: sample.id, value: valid * original * odds, terms: { valid, original, odds } };
  });
}
