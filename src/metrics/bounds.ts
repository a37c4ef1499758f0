/** Guards and their bounds: which guards lie beyond them, and every guard with the bounds it has. Not here: what the bounds are. */
import type { GuardCheck, GuardName, Guards } from '../contracts/records.ts';

/** One end of what a guard may be; beyond it the alarm is raised. */
export interface Bound {
  /** Dotted lower-case name. */
  readonly alarm: string;
  readonly guard: GuardName;
  readonly side: 'least' | 'most';
  readonly value: number;
  /** One sentence with the figures, for when the guard lies beyond. */
  readonly message: string;
}

export function isBroken({ guard, side, value }: Bound, now: Guards): boolean {
  return side === 'least' ? now[guard] < value : now[guard] > value;
}

/** One check a guard that has a bound, in the order in which the bounds name them. */
export function checksOf(bounds: readonly Bound[], now: Guards, start: Guards): GuardCheck[] {
  return [...new Set(bounds.map(({ guard }) => guard))].map((guard): GuardCheck => {
    const own = bounds.filter((bound) => bound.guard === guard);
    const ends = Object.fromEntries(own.map(({ side, value }) => [side, value])) as Partial<Record<Bound['side'], number>>;
    return { guard, start: start[guard], now: now[guard], ...ends, held: !own.some((bound) => isBroken(bound, now)) };
  });
}
