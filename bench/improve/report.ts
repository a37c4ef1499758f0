/**
 * The report's numbers, from the cells' figures alone: means over seeds with intervals, differences loop minus each other arm, coverage,
 * the verdict. The last round is what counts, never the best. Pure; not here: how it is written down (markdown.ts, charts.ts).
 */
import type { Guards } from '../../src/contracts/records.ts';
import { passAtK } from '../../src/evaluator/execution/index.ts';
import { alarmBounds, differenceInterval, isBroken, mean, seedInterval, seedMean, wilson, type Interval } from '../../src/metrics/index.ts';
import { hash32, philox } from '../../src/random/philox.ts';
import type { Coverage } from './audit.ts';
import type { CellFigures } from './figures.ts';
import { ARM_NAMES, isControl, type Arm } from './settings.ts';
import { targetsOf, type Target } from './targets.ts';
import { verdictOf, type Verdict } from './verdict.ts';

/** What is compared between arms. `at` gives one value, or one a sample where samples are resampled, too. */
interface Measure {
  readonly name: string;
  readonly unit: 'share' | 'number';
  readonly digits: number;
  /** Of the policy at round 0 (`first`) or of the last round; null where it was not taken. */
  readonly at: (cell: CellFigures, which: 'first' | 'last') => readonly number[] | null;
}

const one = (value: number | null | undefined): readonly number[] | null => (value === null || value === undefined ? null : [value]);
const guard = (name: keyof CellFigures['first']['measurement']['guards'], label: string, unit: Measure['unit'], digits: number): Measure => ({
  name: label, unit, digits, at: (cell, which) => one(cell[which].measurement.guards[name]),
});
/** Round 1 says how round 0's policy did in what only rounds take. */
const ofRound = (cell: CellFigures, which: 'first' | 'last'): CellFigures['rounds'][number] | undefined => (which === 'first' ? cell.rounds[1] : cell.rounds.at(-1));

export const MEASURES: readonly Measure[] = [
  { name: 'validity', unit: 'share', digits: 1, at: (cell, which) => cell[which].valid },
  { name: 'prompted validity', unit: 'share', digits: 1, at: (cell, which) => cell[which].coverage.solved.map((c) => c / cell[which].coverage.n) },
  { name: 'validity after refinement', unit: 'share', digits: 1, at: (cell, which) => one(ofRound(cell, which)?.refined) },
  guard('validCount', 'valid samples that the guards are taken on', 'number', 0),
  guard('bitsPerByte', 'bits a byte', 'number', 3),
  guard('divergence', 'structure divergence', 'number', 3),
  guard('tokens', 'tokens', 'number', 1),
  guard('codeTokens', 'code tokens', 'number', 1),
  guard('distinctShapes', 'distinct shapes in 200', 'number', 0),
  guard('repeatedLines', 'repeated lines', 'share', 2),
  guard('similarLines', 'lines alike but for names', 'share', 2),
  guard('bytesPerCodeToken', 'bytes a code token', 'number', 2),
  guard('empty', 'empty samples', 'share', 2),
  guard('copies', 'copies', 'share', 2),
  guard('renamedCopies', 'copies under other names', 'share', 2),
  guard('selfBleu', 'Self-BLEU', 'number', 3),
  guard('entropy', 'entropy', 'number', 3),
  { name: 'rules minus judge', unit: 'share', digits: 2, at: (cell, which) => one(cell[which].measurement.rulesGap) },
  { name: 'discriminator AUC', unit: 'number', digits: 2, at: (cell, which) => one(ofRound(cell, which)?.auc) },
  { name: 'prompts solved', unit: 'share', digits: 1, at: (cell, which) => cell[which].coverage.solved.map((c) => (c > 0 ? 1 : 0)) },
];

const ENDS_AT_ONE: ReadonlySet<string> = new Set(['structure divergence', 'Self-BLEU', 'discriminator AUC']);

export interface MeasureRow {
  readonly name: string;
  readonly unit: Measure['unit'];
  readonly digits: number;
  readonly start: Interval | null;
  readonly last: Readonly<Partial<Record<Arm, Interval>>>;
  /** The loop's last round minus round 0, and minus each control's last round, paired by seed (and sample where there are many). */
  readonly gain: Interval | null;
  readonly differences: Readonly<Partial<Record<Arm, Interval>>>;
}

export interface CurvePoint {
  readonly round: number;
  readonly error: Interval;
  readonly divergence: Interval;
}

export interface CoveragePoint {
  readonly k: number;
  readonly value: Interval;
}

/** One of a seed's fixed prompts, and of how many completions were valid at round 0 and after the last round. */
export interface PromptChange {
  readonly seed: number;
  /** Its place among them. */
  readonly prompt: number;
  /** Null where the cell's audits no longer lie beside its figures. */
  readonly text: string | null;
  readonly before: number;
  readonly now: number;
}

export interface Turnover {
  /** Prompts over all seeds that the last policy solved in n samples and round 0's did not, and the other way round. */
  readonly gained: readonly PromptChange[];
  readonly lost: readonly PromptChange[];
  /** Prompts whose completions are valid more often than round 0's, or less often, beyond the 95 % interval of the difference. */
  readonly raised: readonly PromptChange[];
  readonly lowered: readonly PromptChange[];
  readonly prompts: number;
}

export interface ArmReport {
  /** Under how many it was run. */
  readonly seeds: number;
  readonly curve: readonly CurvePoint[];
  readonly coverage: readonly CoveragePoint[];
  readonly turnover: Turnover;
  readonly steps: number;
  readonly tokens: number;
  readonly refused: number;
  readonly alarms: Readonly<Record<string, number>>;
}

export interface ImproveReport {
  readonly setting: string;
  readonly rounds: number;
  readonly seeds: readonly number[];
  /** N of the last measurement, and samples a prompt. */
  readonly samples: number;
  readonly perPrompt: number;
  readonly verdict: Verdict;
  readonly measures: readonly MeasureRow[];
  readonly arms: Readonly<Partial<Record<Arm, ArmReport>>>;
  readonly start: { readonly coverage: readonly CoveragePoint[]; /** Round 0 against itself, drawn again: what chance alone turns over. */ readonly turnover: Turnover };
  readonly targets: readonly Target[];
  /** Seeds whose arms did not begin from the same weights. */
  readonly unequalStarts: readonly number[];
}

/** Uniforms by position, four to a block, the last block kept: bootstraps draw millions. */
function uniforms(name: string): (position: number) => number {
  const key = [1, hash32(name)] as const;
  let block = -1;
  let words: readonly number[] = [];
  return (position) => {
    const wanted = Math.floor(position / 4);
    if (wanted !== block) {
      block = wanted;
      words = philox([wanted >>> 0, Math.floor(wanted / 0x100000000), 0, 0], key);
    }
    return words[position % 4]! / 0x100000000;
  };
}

/** An interval widened for few seeds may reach beyond what the value can be. */
const within = (low: number, high: number, interval: Interval): Interval => ({
  difference: interval.difference, low: Math.max(low, interval.low), high: Math.min(high, interval.high),
});

/** The texts of each seed's fixed prompts, where they are known. */
export type Prompts = ReadonlyMap<number, readonly string[]>;

type Sides = readonly (readonly [a: readonly number[] | null, b: readonly number[] | null])[];

/** Null unless every seed has both sides. */
function difference(name: string, sides: Sides): Interval | null {
  const pairs = sides.flatMap(([a, b]) => (a && b && a.length > 0 ? [{ a, b }] : []));
  return pairs.length === 0 || pairs.length < sides.length ? null : seedInterval(pairs, uniforms(name));
}

function average(name: string, values: readonly (readonly number[] | null)[]): Interval | null {
  const present = values.flatMap((value) => (value && value.length > 0 ? [value] : []));
  return present.length === 0 || present.length < values.length ? null : seedMean(present, uniforms(name));
}

function coverageOf(name: string, ks: readonly number[], all: readonly Coverage[]): CoveragePoint[] {
  return ks.map((k) => ({ k, value: within(0, 1, seedMean(all.map(({ n, solved }) => solved.map((c) => passAtK(n, c, k))), uniforms(`${name}/${k}`))) }));
}

function turnoverOf(pairs: readonly { readonly seed: number; readonly before: Coverage; readonly after: Coverage }[], prompts: Prompts): Turnover {
  const changes = pairs.flatMap(({ seed, before, after }) => before.solved.map((c, prompt) => {
    const now = after.solved[prompt]!;
    const change: PromptChange = { seed, prompt, text: prompts.get(seed)?.[prompt] ?? null, before: c, now };
    return { change, interval: differenceInterval(wilson(now, after.n), wilson(c, before.n)) };
  }));
  const where = (holds: (one: (typeof changes)[number]) => boolean): PromptChange[] => changes.filter(holds).map(({ change }) => change);
  return {
    gained: where(({ change }) => change.before === 0 && change.now > 0), lost: where(({ change }) => change.before > 0 && change.now === 0),
    raised: where(({ interval }) => interval.low > 0), lowered: where(({ interval }) => interval.high < 0), prompts: changes.length,
  };
}

/** Names of the alarms that an arm's last policy raises: means over its seeds against those of round 0. */
function brokenBy(cells: readonly CellFigures[]): string[] {
  const average = (which: 'first' | 'last'): Guards => {
    const names = Object.keys(cells[0]![which].measurement.guards) as (keyof Guards)[];
    return Object.fromEntries(names.map((name) => [name, mean(cells.map((cell) => cell[which].measurement.guards[name]))])) as unknown as Guards;
  };
  const now = average('last');
  return alarmBounds(now, average('first')).filter((bound) => isBroken(bound, now)).map(({ alarm }) => alarm);
}

/** `cells` of one setting; arms that lack a seed which another arm has are compared over the seeds that both have. */
export function reportOf(cells: readonly CellFigures[], { setting, rounds, prompts }: { readonly setting: string; readonly rounds: number; readonly prompts: Prompts }): ImproveReport {
  const of = (arm: Arm): CellFigures[] => cells.filter((cell) => cell.arm === arm).sort((a, b) => a.seed - b.seed);
  const seeds = [...new Set(cells.map(({ seed }) => seed))].sort((a, b) => a - b);
  /** Any arm's cell serves for round 0, since they share it. */
  const starts = seeds.map((seed) => cells.find((cell) => cell.seed === seed)!);
  const present = ARM_NAMES.filter((arm) => of(arm).length > 0);
  const loop = of('loop');
  const pairsWith = (arm: Arm): [CellFigures, CellFigures][] => of(arm).flatMap((other) => loop.filter(({ seed }) => seed === other.seed).map((own): [CellFigures, CellFigures] => [own, other]));

  const measures = MEASURES.map(({ name, unit, digits, at }): MeasureRow => {
    const share = unit === 'share';
    // Nothing that is measured is negative; shares, divergence, Self-BLEU and AUC end at 1.
    const bound = (value: Interval | null): Interval | null => value && within(0, share || ENDS_AT_ONE.has(name) ? 1 : Infinity, value);
    const boundDifference = (value: Interval | null): Interval | null => (value && share ? within(-1, 1, value) : value);
    const last: Partial<Record<Arm, Interval>> = {};
    const differences: Partial<Record<Arm, Interval>> = {};
    for (const arm of present) {
      const value = bound(average(`${name}/${arm}`, of(arm).map((cell) => at(cell, 'last'))));
      if (value) last[arm] = value;
    }
    for (const arm of present.filter((other) => other !== 'loop')) {
      const value = boundDifference(difference(`${name}/loop-${arm}`, pairsWith(arm).map(([own, other]) => [at(own, 'last'), at(other, 'last')] as const)));
      if (value) differences[arm] = value;
    }
    return {
      name, unit, digits, last, differences,
      start: bound(average(`${name}/start`, starts.map((cell) => at(cell, 'first')))),
      gain: boundDifference(difference(`${name}/gain`, loop.map((cell) => [at(cell, 'last'), at(cell, 'first')] as const))),
    };
  });

  const perPrompt = starts[0]?.first.coverage.n ?? 0;
  const ks = Array.from({ length: 32 }, (_, i) => 2 ** i).filter((k) => k <= perPrompt);
  const arms: Partial<Record<Arm, ArmReport>> = {};
  for (const arm of present) {
    const own = of(arm);
    const alarms: Record<string, number> = {};
    for (const cell of own) for (const [alarm, count] of Object.entries(cell.alarms)) alarms[alarm] = (alarms[alarm] ?? 0) + count;
    arms[arm] = {
      seeds: own.length,
      curve: Array.from({ length: rounds + 1 }, (_, round) => round).flatMap((round) => {
        const rows = own.flatMap((cell) => cell.rounds.filter((row) => row.round === round));
        if (rows.length === 0) return [];
        return [{
          round,
          error: within(0, 1, seedMean(rows.map(({ validity }) => [1 - validity.value]), uniforms(`error/${arm}/${round}`))),
          divergence: within(0, 1, seedMean(rows.map(({ guards }) => [guards.divergence]), uniforms(`divergence/${arm}/${round}`))),
        }];
      }),
      coverage: coverageOf(`coverage/${arm}`, ks, own.map(({ last }) => last.coverage)),
      turnover: turnoverOf(own.map(({ seed, first, last }) => ({ seed, before: first.coverage, after: last.coverage })), prompts),
      steps: mean(own.map(({ steps }) => steps)),
      tokens: mean(own.map(({ tokens }) => tokens)),
      refused: own.reduce((sum, { refused }) => sum + refused, 0),
      alarms,
    };
  }

  const validity = measures.find(({ name }) => name === 'validity')!;
  const broken = Object.fromEntries(present.map((arm) => [arm, brokenBy(of(arm))]));
  // No comparison counts for more seeds than its control has.
  const fewest = Math.min(loop.length, ...present.filter(isControl).map((arm) => pairsWith(arm).length));
  const verdict = verdictOf({ seeds: fewest, rounds, gain: validity.gain, controls: validity.differences, broken });
  return {
    setting, rounds, seeds, samples: starts[0]?.first.valid.length ?? 0, perPrompt, verdict, measures, arms,
    start: {
      coverage: coverageOf('coverage/start', ks, starts.map(({ first }) => first.coverage)),
      turnover: turnoverOf(starts.flatMap(({ seed, first }) => (first.again ? [{ seed, before: first.coverage, after: first.again }] : [])), prompts),
    },
    targets: targetsOf(loop, of('no-feedback'), { controls: validity.differences, broken }),
    // What latent-gan saves is the same policy and its generator from noise as well.
    unequalStarts: seeds.filter((seed) => new Set(cells.filter((cell) => cell.seed === seed && cell.arm !== 'latent-gan').map(({ start }) => start)).size > 1),
  };
}
