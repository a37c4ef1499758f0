/**
 * Repair preferences: the refiner's work as the teacher. Of each failed sample and its accepted revision, alike up to the fault, the revision's
 * span is raised and the failed one's lowered until the policy prefers the one to the other clearly enough; nothing else is touched. Not here:
 * where the spans lie (pairs.ts). The corpus is mixed in as everywhere.
 *
 * The loss of a pair is DPO's, over its spans alone, with the policy at the start of the round as the reference:
 *
 *     loss = -(2 w / b) log sigma(b m),   m = mean over the revised span of d - mean over the failed span of d,   d = log p - log p_ref
 *
 * - Its gradient on the log-probability of a token of a span of n is +-2 w sigma(-b m) / n: credit, with the present probabilities as the old ones,
 *   so it goes through the update that all methods share. It is +-w / n where the policy has no preference yet. The weight is taken anew at each pass;
 *   within one the bounds of the ratio hold.
 * - Means, not sums as in eq. 7: a failed span is a token or two, a revised one a statement, and under sums nearly half of the margin is praise
 *   of the statement, so that after one pass a third of a pair's weight is left (docs/learners.md; Meng et al., "SimPO", 2024,
 *   section 2.2, divide by lengths as well).
 * - Such a loss is content when both sides fall and the failed one falls faster. A likelihood term on the revised span (`repairWeight`) holds that up.
 *
 * Sources: Rafailov et al., "Direct Preference Optimization" (2023), eq. 7; Pal et al., "Smaug: Fixing Failure Modes of Preference Optimisation with
 * DPO-Positive" (2024), section 3, for the failure; Pang et al., "Iterative Reasoning Preference Optimization" (2024), eq. 1, for the likelihood term.
 */
import type { TrainSequence, UpdateReport } from '../../contracts/model.ts';
import { mean } from '../../metrics/index.ts';
import { contextOf, textOf } from '../samples.ts';
import { vocabularyOf } from './alternatives.ts';
import { updateOf, type LearningMethod, type MethodDeps, type RoundOutcome } from './method.ts';
import { pairOf, type Pair, type Side } from './pairs.ts';

/** Where a pair stands: means over its spans, nats a token, against the reference. */
interface Standing {
  readonly revised: number;
  readonly failed: number;
  readonly margin: number;
  /** 2 sigma(-b m): share of the credit of a pair without a preference, in (0, 2). */
  readonly weight: number;
}

export class RepairPreference implements LearningMethod {
  #tokenLengths: readonly number[] | null = null;

  constructor(private readonly deps: MethodDeps) {}

  /** Records `pairs.learned`. */
  async teach(outcome: RoundOutcome, signal?: AbortSignal): Promise<UpdateReport> {
    const { model, events, config } = this.deps;
    const { round } = outcome;
    const { passes, pairSharpness } = config.learning;
    const pairs = await this.#pairs(outcome);
    const sides = pairs.flatMap(({ failed, revised }) => [failed.tokens, revised.tokens]);
    const reference = await model.logProbs(sides);
    const reports: UpdateReport[] = [];
    const standings: Standing[][] = [];
    for (let pass = 0; ; pass++) {
      signal?.throwIfAborted();
      const present = pass === 0 ? reference : await model.logProbs(sides);
      const standing = pairs.map((pair, i) => standingOf(pair, present.slice(2 * i, 2 * i + 2), reference.slice(2 * i, 2 * i + 2), pairSharpness));
      standings.push(standing);
      if (pass === passes) break;
      const sequences = pairs.flatMap((pair, i) => pairSequences(pair, present.slice(2 * i, 2 * i + 2), standing[i]!.weight, config.learning));
      const request = updateOf(config, round, sequences);
      reports.push(await model.update({ ...request, key: `${request.key}/${pass}`, passes: 1, warmupSteps: pass === 0 ? request.warmupSteps : 0 }));
    }
    const means = (name: keyof Standing): number[] => standings.map((standing) => mean(standing.map((one) => one[name])));
    events.record([{
      key: `pairs/${round}`,
      event: { type: 'pairs.learned', data: { round, pairs: pairs.length, margin: means('margin'), revised: means('revised'), failed: means('failed'), weight: means('weight') } },
    }]);
    return joined(reports);
  }

  async #pairs({ judged, repairs }: RoundOutcome): Promise<Pair[]> {
    const { model, endOfText, config } = this.deps;
    const lengths = (this.#tokenLengths ??= vocabularyOf(await model.tokenBytes(), endOfText).lengths);
    const samples = new Map(judged.map((one) => [one.sample.id, one]));
    const known = repairs.flatMap(({ parent, revision }) => {
      const failed = samples.get(parent);
      return failed?.sample.tokens ? [{ failed, own: failed.sample.tokens, revision }] : [];
    });
    const contexts = await model.encode(known.map(({ failed }) => contextOf(failed.sample)));
    // A revision that filled a hole has no tokens of its own: its text has.
    const before = await model.encode(known.map(({ revision }) => (revision.tokens ? contextOf(revision) : textOf(revision))));
    // Written anew in tokens, a text may take more of them than the policy can look back on.
    return known.flatMap(({ failed, own, revision }, i) =>
      pairOf(failed, revision, { context: contexts[i]!, own }, { context: before[i]!, own: revision.tokens ?? [endOfText] }, lengths) ?? [])
      .filter(({ failed, revised }) => Math.max(failed.tokens.length, revised.tokens.length) <= config.model.context);
  }
}

/** `present` and `reference`: log-probabilities of the failed tokens and of the revised ones. */
export function standingOf({ failed, revised }: Pair, present: readonly (readonly number[])[], reference: readonly (readonly number[])[], sharpness: number): Standing {
  const moved = (side: Side, i: number): number => mean(present[i]!.slice(side.from).map((logProb, at) => logProb - reference[i]![side.from + at]!));
  const [down, up] = [moved(failed, 0), moved(revised, 1)];
  const margin = up - down;
  return { revised: up, failed: down, margin, weight: 2 / (1 + Math.exp(sharpness * margin)) };
}

/** The training sequences of a pair, failed and revised: credit and likelihood on its spans, nothing before them. */
export function pairSequences({ failed, revised }: Pair, present: readonly (readonly number[])[], weight: number, { pairWeight, repairWeight }: { readonly pairWeight: number; readonly repairWeight: number }): TrainSequence[] {
  const sequence = ({ tokens, from }: Side, oldLogProbs: readonly number[], credit: number, likelihood: number): TrainSequence => ({
    tokens, oldLogProbs,
    credit: tokens.map((_, i) => (i < from ? 0 : credit / (tokens.length - from))),
    likelihood: tokens.map((_, i) => (i < from ? 0 : likelihood)),
  });
  return [sequence(failed, present[0]!, -pairWeight * weight, 0), sequence(revised, present[1]!, pairWeight * weight, repairWeight)];
}

/** The passes' reports as one: sums of what was used, means a step of the rest. */
function joined(reports: readonly UpdateReport[]): UpdateReport {
  const sum = (name: keyof UpdateReport): number => reports.reduce((total, report) => total + report[name], 0);
  const perStep = (name: keyof UpdateReport): number => reports.reduce((total, report) => total + report.steps * report[name], 0) / Math.max(1, sum('steps'));
  return {
    steps: sum('steps'), tokens: sum('tokens'), rows: sum('rows'), corpusRows: sum('corpusRows'), corpusTokens: sum('corpusTokens'),
    loss: perStep('loss'), likelihoodLoss: perStep('likelihoodLoss'), clipped: perStep('clipped'), gradNorm: perStep('gradNorm'),
  };
}
