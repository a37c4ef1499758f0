/** What follows from the safety filter's findings: whether a text may be learned from, and the sums that are shown. Pure. */
import type { Evaluation, SafetyCategory, SafetyCounts } from '../contracts/records.ts';

export interface SafetyPolicy {
  /** Categories (`secret`) or rules (`danger.pickle`) of which one finding keeps a text out of training. */
  readonly veto: readonly string[];
}

/** Does the policy keep this text out of training? Decided by the counts for a category, by the findings for a single rule. */
export function vetoed({ safety, findings }: Pick<Evaluation, 'safety' | 'findings'>, { veto }: SafetyPolicy): boolean {
  if (!safety) return false;
  return veto.some((name) => (name.includes('.') ? findings.some(({ kind }) => kind === `safety.${name}`) : (safety[name as SafetyCategory] ?? 0) > 0));
}

/** Findings by category over many texts. */
export function safetyTotals(evaluations: readonly Pick<Evaluation, 'safety'>[]): SafetyCounts {
  const totals: Partial<Record<SafetyCategory, number>> = {};
  for (const { safety } of evaluations) {
    for (const [category, count] of Object.entries(safety ?? {})) totals[category as SafetyCategory] = (totals[category as SafetyCategory] ?? 0) + count;
  }
  return totals;
}
