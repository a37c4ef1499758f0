/**
 * Whether a candidate is promoted: a pure rule over gate measurements of the candidate, of the promoted policy and of round 0.
 * It refuses what is significantly less valid, and what won its validity by a cheat that a guard sees. Not here: measuring.
 */
import type { GuardCheck, GuardName, Guards, Measurement } from '../contracts/records.ts';
import { ALARM_LIMITS, checksOf, emptyBound, isBroken, leastCode, paddingBound, pairedInterval, proportionOf, renamedBound, similarBound, type Alarm, type Bound } from '../metrics/index.ts';

/**
 * Where a guard breaks. Factors are of round 0's value unless said otherwise; shares are of lines or of valid samples. Padding, similar lines,
 * empty samples and copies under other names have the limits of the alarms (src/metrics/alarms.ts).
 */
export const GATE_LIMITS = {
  /** Of the larger of round 0's and the promoted policy's, and never more than raises an alarm: small steps add up. */
  divergence: 1.25,
  bitsPerByte: 1.03,
  /** Or less, where few valid samples would fall below by chance. */
  codeTokens: 0.8,
  distinctShapes: 0.9,
  /** Most, unless round 0 itself has more (of repeated lines: two thirds of that). */
  repeatedLines: 0.05,
  copies: 0.02,
} as const;

export interface Verdict {
  readonly promoted: boolean;
  /** Sentences: why it was rejected; empty when it was promoted. */
  readonly reasons: readonly string[];
  readonly broken: readonly Alarm[];
  readonly checks: readonly GuardCheck[];
}

/** Two policies on the same draws: what became of each draw under the one and under the other. */
export interface Paired {
  readonly candidate: readonly boolean[];
  readonly promoted: readonly boolean[];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Guards over all samples or documents: they say something also where no sample is valid. */
const OVER_ALL: ReadonlySet<GuardName> = new Set(['bitsPerByte', 'empty']);
/** Guards with limits of their own, which round 0 can only raise: they say something also where none of its samples was valid. */
const BY_THEMSELVES: ReadonlySet<GuardName> = new Set(['repeatedLines', 'similarLines', 'copies', 'renamedCopies']);

/** What a candidate's guards may be. Guards over valid samples have no bound where the candidate has none, and those that compare with round 0 none where round 0 had none. */
export function gateBounds(candidate: Guards, promoted: Guards, baseline: Guards): Bound[] {
  const allowedDivergence = Math.min(GATE_LIMITS.divergence * Math.max(promoted.divergence, baseline.divergence), ALARM_LIMITS.divergence * baseline.divergence);
  const allowedLines = Math.max(GATE_LIMITS.repeatedLines, ALARM_LIMITS.growth * baseline.repeatedLines);
  const allowedCopies = Math.max(GATE_LIMITS.copies, baseline.copies);
  const bounds: readonly Bound[] = [
    { alarm: 'gate.divergence', guard: 'divergence', side: 'most', value: allowedDivergence,
      message: `The structure divergence is ${candidate.divergence.toFixed(3)} bits; ${allowedDivergence.toFixed(3)} are allowed.` },
    { alarm: 'gate.bits', guard: 'bitsPerByte', side: 'most', value: GATE_LIMITS.bitsPerByte * baseline.bitsPerByte,
      message: `Held-out documents cost ${candidate.bitsPerByte.toFixed(3)} bits a byte, ${baseline.bitsPerByte.toFixed(3)} at round 0.` },
    { alarm: 'gate.shorter', guard: 'codeTokens', side: 'least', value: leastCode(GATE_LIMITS.codeTokens, candidate, baseline),
      message: `Valid samples have a median of ${candidate.codeTokens} code tokens, ${baseline.codeTokens} at round 0.` },
    { alarm: 'gate.shapes', guard: 'distinctShapes', side: 'least', value: GATE_LIMITS.distinctShapes * baseline.distinctShapes,
      message: `Valid samples have ${candidate.distinctShapes} distinct shapes in 200, ${baseline.distinctShapes} at round 0.` },
    { alarm: 'gate.repeated', guard: 'repeatedLines', side: 'most', value: allowedLines,
      message: `${percent(candidate.repeatedLines)} of the lines repeat an earlier line of their sample; ${percent(allowedLines)} are allowed.` },
    { alarm: 'gate.copies', guard: 'copies', side: 'most', value: allowedCopies,
      message: `${percent(candidate.copies)} of the valid samples are copies of training documents; ${percent(allowedCopies)} are allowed.` },
    renamedBound('gate.renamed', candidate, baseline),
    similarBound('gate.similar', candidate, baseline),
    paddingBound('gate.padding', candidate, baseline),
    emptyBound('gate.empty', candidate, baseline),
  ];
  return bounds.filter(({ guard }) => OVER_ALL.has(guard) || (candidate.validCount > 0 && (baseline.validCount > 0 || BY_THEMSELVES.has(guard))));
}

/**
 * Rejects a candidate whose unconditional validity is significantly below the promoted policy's on the same draws (the 95 % interval of the difference
 * lies below 0) or that breaks a guard. The promoted policy is drawn anew: a figure that won an earlier round was a lucky one on average.
 */
export function judgeCandidate(candidate: Measurement, promoted: Measurement, baseline: Measurement, draws: Paired): Verdict {
  const reasons: string[] = [];
  if (pairedInterval(draws.candidate, draws.promoted).high < 0)
    reasons.push(`Validity on the gate split fell from ${percent(proportionOf(draws.promoted).value)} to ${percent(candidate.unconditional.value)} on the same draws, beyond the 95 % interval of the difference.`);
  const bounds = gateBounds(candidate.guards, promoted.guards, baseline.guards);
  const broken = bounds.filter((bound) => isBroken(bound, candidate.guards)).map(({ alarm, message }): Alarm => ({ alarm, message }));
  reasons.push(...broken.map(({ message }) => message));
  return { promoted: reasons.length === 0, reasons, broken, checks: checksOf(bounds, candidate.guards, baseline.guards) };
}
