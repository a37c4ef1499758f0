/**
 * What every agent is given, and the notes it makes around its work, from which the dashboard draws the agents' timeline.
 * The notes are unhashed: they hold seconds. Not here: hashed records, which each agent makes itself.
 */
import type { EventSink } from '../contracts/events.ts';

/** Milliseconds from any fixed point, never going backwards. */
export type Clock = () => number;

export interface ActivityDeps {
  readonly events: EventSink;
  readonly clock: Clock;
}

export interface Activity {
  readonly agent: string;
  readonly activity: string;
  /** null before the first round. */
  readonly round: number | null;
  /** How many samples, steps or texts the work is about. */
  readonly amount: number;
}

/** Runs `work` between `activity.started` and `activity.finished`; the latter is noted when the work fails, too. */
export async function during<T>(deps: ActivityDeps, activity: Activity, work: () => Promise<T>): Promise<T> {
  const begun = deps.clock();
  deps.events.note({ type: 'activity.started', data: activity });
  try {
    return await work();
  } finally {
    deps.events.note({ type: 'activity.finished', data: { ...activity, seconds: (deps.clock() - begun) / 1000 } });
  }
}
