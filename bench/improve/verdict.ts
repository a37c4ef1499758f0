/**
 * What may be said of the loop, in plain sentences: a pure rule over differences and their intervals. The word for getting better is
 * said only where round 0 and every control arm were beaten beyond the interval, over three seeds or more, at a structure
 * divergence that does not explain it. All of them have to be beaten at once, so no correction for their number is needed (Berger,
 * "Multiparameter hypothesis testing and acceptance sampling", Technometrics 1982: the intersection-union test).
 */
import type { Interval } from '../../src/metrics/index.ts';
import { CONTROLS, type Arm } from './settings.ts';

/** Shares, not percent. */
export interface VerdictInput {
  readonly seeds: number;
  readonly rounds: number;
  /** Validity of the loop's last policy minus round 0's; null when the loop was not run. */
  readonly gain: Interval | null;
  /** Validity of the loop's last policy minus each control's. */
  readonly controls: Readonly<Partial<Record<Arm, Interval>>>;
  /** Structure divergence of the loop's last policy as a multiple of round 0's. */
  readonly divergence: number;
}

export interface Verdict {
  readonly proven: boolean;
  readonly sentence: string;
}

export const LEAST_SEEDS = 3;
/** DESIGN's outer bound; beyond it validity counts as bought with simpler programs. */
export const MOST_DIVERGENCE = 1.5;

const points = ({ difference, low, high }: Interval): string => {
  const one = (share: number): string => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)}`;
  return `${one(difference)} points (95 % interval ${one(low)} to ${one(high)})`;
};

const list = (names: readonly string[]): string => (names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`);

export function verdictOf({ seeds, rounds, gain, controls, divergence }: VerdictInput): Verdict {
  const no = (sentence: string): Verdict => ({ proven: false, sentence });
  const missing = CONTROLS.filter((arm) => controls[arm] === undefined);
  const after = `After ${rounds} round${rounds === 1 ? '' : 's'} and over ${seeds} seed${seeds === 1 ? '' : 's'}`;
  if (gain === null) return no('No verdict: the loop itself was not run.');
  if (seeds < LEAST_SEEDS) return no(`No verdict: ${seeds === 1 ? 'one seed is' : `${seeds} seeds are`} too few; it takes ${LEAST_SEEDS} at least. Validity of the loop against round 0: ${points(gain)}.`);
  if (gain.high < 0) return no(`${after} the loop's policy is less often valid than round 0's: ${points(gain)}.`);
  if (gain.low <= 0) return no(`A null result. ${after} the loop's validity cannot be told from round 0's: ${points(gain)}.`);
  const unbeaten = CONTROLS.filter((arm) => controls[arm] !== undefined && controls[arm].low <= 0);
  if (unbeaten.length > 0) return no(`Not shown. ${after} the loop is more often valid than round 0 by ${points(gain)}, but did not beat ${list(unbeaten.map((arm) => `${arm} (${points(controls[arm]!)})`))}: what it gained may not come from the feedback.`);
  if (missing.length > 0) return no(`No verdict: ${list(missing)} ${missing.length === 1 ? 'was' : 'were'} not run. Validity of the loop against round 0: ${points(gain)}; the controls that were run are beaten.`);
  if (!(divergence <= MOST_DIVERGENCE)) return no(`${after} every control is beaten on validity (round 0 by ${points(gain)}), but the structure divergence is ${divergence.toFixed(2)} times round 0's: validity was bought with simpler programs.`);
  return { proven: true, sentence: `${after} the rounds improved the policy: ${points(gain)} of validity against round 0, every control arm beaten beyond the interval, at ${divergence.toFixed(2)} times round 0's structure divergence.` };
}
