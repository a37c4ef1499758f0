/**
 * What may be said of the loop, in plain sentences: a pure rule over differences and their intervals. The word for getting better is
 * said only where round 0 and every control arm were beaten beyond the interval, over three seeds or more, by a policy whose guards hold. All of
 * them have to be beaten at once, so no correction for their number is needed (Berger, "Multiparameter hypothesis testing and acceptance
 * sampling", Technometrics 1982: the intersection-union test).
 *
 * Validity that breaks a guard does not count: the loop's never, and of the controls that of the one which is known to collapse upwards. The other controls have to be
 * beaten in validity whatever their guards say: a control that comes as far is a reason to doubt the feedback, also where it pays for it.
 */
import type { Interval } from '../../src/metrics/index.ts';
import { COLLAPSING, CONTROLS, type Arm, type Control } from './settings.ts';

/** Shares, not percent. */
export interface VerdictInput {
  readonly seeds: number;
  readonly rounds: number;
  /** Validity of the loop's last policy minus round 0's; null when the loop was not run. */
  readonly gain: Interval | null;
  /** Validity of the loop's last policy minus each control's. */
  readonly controls: Readonly<Partial<Record<Control, Interval>>>;
  /** Guards that the last policy of an arm breaks, by the names of their alarms; means over its seeds against those of round 0. */
  readonly broken: Readonly<Partial<Record<Arm, readonly string[]>>>;
}

export interface Verdict {
  readonly proven: boolean;
  readonly sentence: string;
}

export const LEAST_SEEDS = 3;

/** How the loop beat a control: more of it is valid beyond the interval, or the control has collapsed and its validity does not count. Null where it did not. */
export function beatenBy(arm: Control, { controls, broken }: Pick<VerdictInput, 'controls' | 'broken'>): 'validity' | 'guards' | null {
  const difference = controls[arm];
  if (!difference) return null;
  if (difference.low > 0) return 'validity';
  return arm === COLLAPSING && (broken[arm]?.length ?? 0) > 0 ? 'guards' : null;
}

const points = ({ difference, low, high }: Interval): string => {
  const one = (share: number): string => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)}`;
  return `${one(difference)} points (95 % interval ${one(low)} to ${one(high)})`;
};

const list = (names: readonly string[]): string => (names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`);

export function verdictOf({ seeds, rounds, gain, controls, broken }: VerdictInput): Verdict {
  const no = (sentence: string): Verdict => ({ proven: false, sentence });
  const missing = CONTROLS.filter((arm) => controls[arm] === undefined);
  const after = `After ${rounds} round${rounds === 1 ? '' : 's'} and over ${seeds} seed${seeds === 1 ? '' : 's'}`;
  if (gain === null) return no('No verdict: the loop itself was not run.');
  if (seeds < LEAST_SEEDS) return no(`No verdict: ${seeds === 1 ? 'one seed is' : `${seeds} seeds are`} too few; it takes ${LEAST_SEEDS} at least. Validity of the loop against round 0: ${points(gain)}.`);
  if (gain.high < 0) return no(`${after} the loop's policy is less often valid than round 0's: ${points(gain)}.`);
  if (gain.low <= 0) return no(`A null result. ${after} the loop's validity cannot be told from round 0's: ${points(gain)}.`);
  const own = broken.loop ?? [];
  if (own.length > 0) return no(`${after} the loop is more often valid than round 0 by ${points(gain)}, but its guards do not hold (${own.join(', ')}): what it gained was bought.`);
  const unbeaten = CONTROLS.filter((arm) => controls[arm] !== undefined && beatenBy(arm, { controls, broken }) === null);
  if (unbeaten.length > 0) return no(`Not shown. ${after} the loop is more often valid than round 0 by ${points(gain)}, but did not beat ${list(unbeaten.map((arm) => `${arm} (${points(controls[arm]!)})`))}: what it gained may not come from the feedback.`);
  if (missing.length > 0) return no(`No verdict: ${list(missing)} ${missing.length === 1 ? 'was' : 'were'} not run. Validity of the loop against round 0: ${points(gain)}; the controls that were run are beaten.`);
  const collapsed = beatenBy(COLLAPSING, { controls, broken }) === 'guards';
  const but = collapsed ? ` but ${COLLAPSING}, which has collapsed (the loop against it: ${points(controls[COLLAPSING]!)}; broken: ${broken[COLLAPSING]!.join(', ')})` : '';
  return { proven: true, sentence: `${after} the rounds improved the policy: ${points(gain)} of validity against round 0 with every guard held, and every control arm is beaten beyond the interval${but}.` };
}
