/**
 * Where the time of a run goes, out of its event log and, where the run was watched, out of samples of its processes. Pure functions:
 * events and samples in, numbers out. Not here: reading either (run.ts, processes.ts).
 */
import type { LoggedEvent } from '../src/contracts/events.ts';
import { median } from './figures.ts';
import { treeSeconds, type TreeSample } from './processes.ts';

/** What a round is made of, in the order it happens. Judging is of samples and revisions; gate and table judge for themselves. */
export const PARTS = ['sampling', 'judging', 'refining', 'learning', 'saving', 'gate', 'table', 'other'] as const;
export type Part = (typeof PARTS)[number];

/** Times are in seconds, shares are of the round's time. */
export interface RoundTime {
  readonly round: number;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
  /** Share of the time in which the part was at work; parts that overlap add up to more than 1. */
  readonly shares: Readonly<Record<Part, number>>;
  /** Share of the time in which no part was at work: machines, log, waiting. */
  readonly unaccounted: number;
}

interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Which part an activity belongs to. */
export function partOf(agent: string, activity: string): Part {
  if (agent === 'generator') return 'sampling';
  if (agent === 'critic') return 'judging';
  if (agent === 'refiner') return 'refining';
  if (agent === 'learner') return activity === 'save' ? 'saving' : 'learning';
  if (agent === 'gate') return activity.endsWith('test') ? 'table' : 'gate';
  return 'other';
}

/** How much of `window` the intervals cover, what overlaps counted once: milliseconds. */
export function covered(window: Interval, intervals: readonly Interval[]): number {
  let total = 0, end = window.from;
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    const begin = Math.max(from, end), last = Math.min(to, window.to);
    if (last <= begin) continue;
    total += last - begin;
    end = last;
  }
  return total;
}

/**
 * The rounds that are complete, round 0 left out. A round lasts from its start to the next one's, the last one (and the last one before
 * an interruption) to its own end.
 */
export function roundTimes(events: readonly LoggedEvent[]): RoundTime[] {
  const started = new Map<number, number>(), finished = new Map<number, number>();
  const activities: (Interval & { readonly part: Part })[] = [];
  const resumed: number[] = [];
  let learned: number | null = null;
  for (const event of events) {
    if (event.type === 'round.started') started.set(event.data.round, event.time);
    if (event.type === 'round.finished') finished.set(event.data.round, event.time);
    if (event.type === 'run.resumed') resumed.push(event.time);
    // A checkpoint is written right after the update, and no activity says how long that took.
    if (event.type === 'activity.finished' && event.data.agent === 'learner') learned = event.time;
    if (event.type === 'checkpoint.saved' && learned !== null) activities.push({ from: learned, to: event.time, part: 'saving' });
    if (event.type === 'checkpoint.saved') learned = null;
    if (event.type === 'activity.finished') activities.push({ from: event.time - event.data.seconds * 1000, to: event.time, part: partOf(event.data.agent, event.data.activity) });
  }
  return [...finished].flatMap(([round, end]) => {
    const from = started.get(round);
    if (round === 0 || from === undefined) return [];
    const next = started.get(round + 1);
    const to = next === undefined || resumed.some((time) => time >= end && time <= next) ? end : next;
    const window = { from, to };
    const share = (intervals: readonly Interval[]): number => covered(window, intervals) / Math.max(1, to - from);
    const shares = Object.fromEntries(PARTS.map((part) => [part, share(activities.filter((activity) => activity.part === part))])) as Record<Part, number>;
    return [{ round, from, to, seconds: (to - from) / 1000, shares, unaccounted: 1 - share(activities) }];
  });
}

/** A running total at a time, taken along the line between the samples around it; null outside of them. */
export function valueAt(samples: readonly TreeSample[], time: number, value: (sample: TreeSample) => number): number | null {
  const after = samples.findIndex((sample) => sample.time >= time);
  const b = samples[after];
  if (!b) return null;
  if (b.time === time) return value(b);
  const a = samples[after - 1];
  if (!a) return null;
  return value(a) + ((value(b) - value(a)) * (time - a.time)) / (b.time - a.time);
}

export interface Use {
  readonly seconds: number;
  /** Processor time of all processes of the run over cores times wall-clock time, in [0, 1]. */
  readonly utilisation: number;
  /** The same of everything else on the machine: what was not there to be used. */
  readonly others: number;
  /** Processor time of the main process (machines, agents, log) over wall-clock time: of one core. */
  readonly main: number;
  /** The dashboard's server, likewise. */
  readonly dashboard: number;
}

/** Use of the processors between two times (milliseconds since the epoch); null where the samples do not reach so far. */
export function useBetween(samples: readonly TreeSample[], from: number, to: number, cores: number): Use | null {
  const spent = (value: (sample: TreeSample) => number): number => (valueAt(samples, to, value) ?? Number.NaN) - (valueAt(samples, from, value) ?? Number.NaN);
  const seconds = (to - from) / 1000;
  const all = spent(treeSeconds);
  if (!(seconds > 0) || Number.isNaN(all)) return null;
  const of = (role: string) => (sample: TreeSample): number => sample.processes.filter((process) => process.role === role).reduce((sum, { own }) => sum + own, 0);
  return {
    seconds, utilisation: all / (cores * seconds), others: Math.max(0, spent(({ machineBusy }) => machineBusy) - all) / (cores * seconds),
    main: spent(of('main')) / seconds, dashboard: spent(of('dashboard')) / seconds,
  };
}

/** Median resident bytes of all processes together while a round lasted, and by role; null where no sample fell into it. */
export function residentOf(samples: readonly TreeSample[], { from, to }: Interval): { readonly all: number; readonly roles: Readonly<Record<string, number>> } | null {
  const within = samples.filter(({ time }) => time >= from && time <= to);
  if (within.length === 0) return null;
  const roles = [...new Set(within.flatMap(({ processes }) => processes.map(({ role }) => role)))].sort();
  const sum = (sample: TreeSample, role: string | null): number => sample.processes.filter((process) => role === null || process.role === role).reduce((total, { resident }) => total + resident, 0);
  return { all: median(within.map((sample) => sum(sample, null))), roles: Object.fromEntries(roles.map((role) => [role, median(within.map((sample) => sum(sample, role)))])) };
}

export interface Growth {
  readonly early: number;
  readonly late: number;
  /** late / early. */
  readonly ratio: number;
}

/** Rounds on either side of the one that stands for many: single rounds differ. */
const NEIGHBOURS = 2;

/**
 * A quantity around round `early` against the last rounds: medians over five rounds each (fewer where a value is missing). Null where
 * the run is too short for two windows that do not overlap.
 */
export function growth(rounds: readonly { readonly round: number; readonly value: number | null }[], early = 10): Growth | null {
  const last = Math.max(...rounds.map(({ round }) => round));
  const width = 2 * NEIGHBOURS + 1;
  if (!(last - width >= early + NEIGHBOURS)) return null;
  const values = (from: number, to: number): number[] => rounds.flatMap(({ round, value }) => (round >= from && round <= to && value !== null ? [value] : []));
  const before = median(values(early - NEIGHBOURS, early + NEIGHBOURS)), after = median(values(last - width + 1, last));
  return Number.isNaN(before) || Number.isNaN(after) ? null : { early: before, late: after, ratio: after / before };
}
