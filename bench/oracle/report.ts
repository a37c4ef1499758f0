/** From what each seed came to, to the tables and the answer: does adversarial training get beyond its own likelihood's curve? */
import { RandomStream } from '../../src/random/philox.ts';
import { mean, seedInterval, seedMean, type Interval } from '../../src/metrics/index.ts';
import { interval } from '../seeds.ts';
import { bestSum, gain, untempered, type Point } from './curve.ts';
import type { Checks } from './generator.ts';
import type { MleEpoch } from './mle.ts';
import type { SeqganIteration } from './seqgan.ts';

export interface MleReport {
  readonly epochs: readonly MleEpoch[];
  /** The epoch whose weights are kept, and their validation NLL. */
  readonly best: { readonly epoch: number; readonly validation: number; readonly averaged: boolean };
  readonly curve: readonly Point[];
}

export interface AdversarialReport {
  readonly iterations: readonly SeqganIteration[];
  readonly curve: readonly Point[];
}

export interface SeedReport {
  readonly seed: number;
  /** The published recipe, and the one that seqgan starts from. */
  readonly published: MleReport;
  readonly mle: MleReport;
  readonly seqgan: AdversarialReport;
  /** Seqgan's updates by likelihood alone. */
  readonly control: AdversarialReport;
  /** The same three from where likelihood ends, as the paper starts. */
  readonly lateMle: Pick<MleReport, 'curve'>;
  readonly lateSeqgan: AdversarialReport;
  readonly lateControl: AdversarialReport;
}

/** The generators, by what tables call them. */
const ARM_NAMES = { published: 'published MLE', mle: 'best MLE', seqgan: 'seqgan', control: 'control', lateMle: 'late MLE', lateSeqgan: 'late seqgan', lateControl: 'late control' } as const;
type Arm = keyof typeof ARM_NAMES;
const ARMS = Object.keys(ARM_NAMES) as Arm[];
/** By adversarial training, the arm of the same updates by likelihood alone. */
const CONTROLS = { seqgan: 'control', lateSeqgan: 'lateControl' } as const;
type Adversarial = keyof typeof CONTROLS;
const ADVERSARIAL = Object.keys(CONTROLS) as Adversarial[];
const gainOf = (report: SeedReport, arm: Arm, reference: Arm): number => gain(untempered(report[arm].curve), report[reference].curve);

/** One generator over seeds: its mean curve; both sides at temperature 1 and its best sum, each with its interval. */
export interface Summary {
  readonly curve: readonly Point[];
  readonly oracle: Interval;
  readonly test: Interval;
  readonly sum: Interval;
}

export interface OracleReport {
  readonly setting: string;
  readonly machine: string;
  /** Mean number of runnable processes over the last minute when the bench began. */
  readonly load: number;
  readonly checks: Checks;
  readonly seeds: readonly SeedReport[];
  readonly arms: Readonly<Record<Arm, Summary>>;
  /** Of seqgan from best MLE, and from where likelihood ends. */
  readonly answers: Readonly<Record<Adversarial, Answer>>;
}

/** Over seeds, nats: what a point at temperature 1 gains on the curve of best MLE and of its control; what its best sum is lower by than best MLE's. */
export interface Answer {
  readonly gain: Interval;
  readonly gainOnControl: Interval;
  readonly sumDifference: Interval;
  readonly sentence: string;
}

/** Published values of the checks and how far they may be off. The last tolerance is our own. */
const PUBLISHED: Readonly<Record<keyof Checks, readonly [value: number, tolerance: number]>> = { own: [5.75, 0.02], uniform: [11.42, 0.03], cooled: [3.31, 0.03] };
const NAMES: Readonly<Record<keyof Checks, string>> = { own: "the oracle's own samples", uniform: 'uniform tokens', cooled: 'the oracle at temperature 0.5' };

export function checkLines(checks: Checks): string[] {
  return (Object.keys(PUBLISHED) as (keyof Checks)[]).map((name) => {
    const [value, tolerance] = PUBLISHED[name];
    return `${NAMES[name].padEnd(30)} NLL-oracle ${checks[name].toFixed(3)}, published ${value} ± ${tolerance}: ${Math.abs(checks[name] - value) <= tolerance ? 'holds' : 'DOES NOT HOLD'}`;
  });
}

/** Whether this is the published oracle. */
export function checksHold(checks: Checks): boolean {
  return (Object.keys(PUBLISHED) as (keyof Checks)[]).every((name) => Math.abs(checks[name] - PUBLISHED[name][0]) <= PUBLISHED[name][1]);
}

function point({ temperature, oracle, test }: Point): string {
  return `T ${temperature.toFixed(2)}: ${oracle.toFixed(3)} / ${test.toFixed(3)}, sum ${(oracle + test).toFixed(3)}`;
}

/** Curves side by side, NLL-oracle / NLL-test. */
function curveLines(arms: Readonly<Record<Arm, { readonly curve: readonly Point[] }>>): string[] {
  const cell = ({ oracle, test }: Point): string => `${oracle.toFixed(3)} / ${test.toFixed(3)}`.padEnd(17);
  return [
    `  T    ${ARMS.map((arm) => ARM_NAMES[arm].padEnd(17)).join('')}`,
    ...arms.mle.curve.map(({ temperature }, i) => `  ${temperature.toFixed(2)} ${ARMS.map((arm) => cell(arms[arm].curve[i]!)).join('')}`),
  ];
}

/** One seed's curves and best sums. */
export function seedLines(report: SeedReport): string[] {
  return [
    `seed ${report.seed}, NLL-oracle / NLL-test`,
    ...curveLines(report),
    ...ARMS.map((arm) => `  best sum, ${ARM_NAMES[arm].padEnd(14)} ${point(bestSum(report[arm].curve))}`),
    ...ADVERSARIAL.map((arm) => `  ${ARM_NAMES[arm]} at T 1 beyond the curve of best MLE by ${gainOf(report, arm, 'mle').toFixed(3)}, of the ${ARM_NAMES[CONTROLS[arm]]} by ${gainOf(report, arm, CONTROLS[arm]).toFixed(3)}`),
  ];
}

/** The means over seeds, and the answer. */
export function reportLines({ seeds, arms, answers }: OracleReport): string[] {
  return [
    `means of ${seeds.length} seed${seeds.length === 1 ? '' : 's'}, NLL-oracle / NLL-test`,
    ...curveLines(arms),
    ...ARMS.map((arm) => `  ${ARM_NAMES[arm].padEnd(14)} at T 1 ${interval(arms[arm].oracle)} / ${interval(arms[arm].test)}, best sum ${interval(arms[arm].sum)}`),
    "Does adversarial training get beyond its own best MLE's temperature curve?",
    ...ADVERSARIAL.map((arm) => answers[arm].sentence),
  ];
}

export function reportOf(given: Pick<OracleReport, 'setting' | 'machine' | 'load' | 'checks' | 'seeds'>): OracleReport {
  const { seeds } = given;
  const random = (name: string): ((position: number) => number) => {
    const stream = new RandomStream(1, 'oracle report', name);
    return (position) => stream.uniform(position);
  };
  const sum = (curve: readonly Point[]): number => bestSum(curve).oracle + bestSum(curve).test;
  const summary = (arm: Arm): Summary => {
    const curves = seeds.map((report) => report[arm].curve);
    const over = (value: (curve: readonly Point[]) => number): Interval => seedMean(curves.map((curve) => [value(curve)]), random(arm));
    return {
      curve: curves[0]!.map(({ temperature }, i) => ({ temperature, oracle: mean(curves.map((curve) => curve[i]!.oracle)), test: mean(curves.map((curve) => curve[i]!.test)) })),
      oracle: over((curve) => untempered(curve).oracle), test: over((curve) => untempered(curve).test), sum: over(sum),
    };
  };
  const arms = Object.fromEntries(ARMS.map((arm) => [arm, summary(arm)])) as Record<Arm, Summary>;
  const answer = (arm: Adversarial): Answer => {
    const control = CONTROLS[arm];
    const sumDifference = seedInterval(seeds.map((report) => ({ a: [sum(report.mle.curve)], b: [sum(report[arm].curve)] })), random(`${arm} sum`));
    const over = (reference: Arm): Interval => seedMean(seeds.map((report) => [gainOf(report, arm, reference)]), random(`${arm} ${reference}`));
    const onMle = over('mle');
    const onControl = over(control);
    const said = seeds.length < 2 ? 'that cannot be said from one seed'
      : onMle.low <= 0 ? (onMle.high < 0 ? 'no, it is behind it' : 'no, not beyond chance')
      : onControl.low <= 0 ? 'it does, but so do the updates by likelihood alone: no' : 'yes';
    const sentence = `${ARM_NAMES[arm]}: ${said}; at T 1 by ${interval(onMle)}, beyond the ${ARM_NAMES[control]}'s by ${interval(onControl)}, best sum lower by ${interval(sumDifference)}, nats, ${seeds.length} seed${seeds.length === 1 ? '' : 's'}.`;
    return { gain: onMle, gainOnControl: onControl, sumDifference, sentence };
  };
  return { ...given, arms, answers: { seqgan: answer('seqgan'), lateSeqgan: answer('lateSeqgan') } };
}
