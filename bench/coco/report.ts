/** From what each seed came to, to tables and answers: does anything get beyond likelihood's curve, and where do the published figures lie? */
import { RandomStream } from '../../src/random/philox.ts';
import { mean, seedMean, type Interval } from '../../src/metrics/index.ts';
import { interval } from '../seeds.ts';
import { untempered } from '../oracle/curve.ts';
import type { MleEpoch } from '../oracle/mle.ts';
import type { SeqganIteration } from '../oracle/seqgan.ts';
import { bleuAt, gains, holds, ORDERS, PUBLISHED, TOLERANCE, type Point, type Sides } from './scores.ts';

interface ArmReport {
  readonly curve: readonly Point[];
}

export interface SeedReport {
  readonly seed: number;
  /** By likelihood: the published recipe, and the one that all others start from. `validation`: NLL, nats a token. */
  readonly published: ArmReport & { readonly epochs: readonly MleEpoch[]; readonly validation: number };
  readonly mle: ArmReport & { readonly epochs: readonly MleEpoch[]; readonly validation: number };
  readonly seqgan: ArmReport & { readonly iterations: readonly SeqganIteration[] };
  /** Seqgan's updates by likelihood alone. */
  readonly control: ArmReport & { readonly iterations: readonly SeqganIteration[] };
  /** The samples of `mle`, drawn again by a discriminator's odds. */
  readonly filtered: ArmReport;
}

/** The generators, by what tables call them. */
export const ARM_NAMES = { published: 'published recipe', mle: 'best MLE', seqgan: 'seqgan', control: 'control', filtered: 'filtered' } as const;
export type Arm = keyof typeof ARM_NAMES;
const ARMS = Object.keys(ARM_NAMES) as Arm[];

/** At each order. */
type Intervals = readonly Interval[];

export interface Summary {
  /** Means over seeds. */
  readonly curve: readonly Point[];
  /** At temperature 1. */
  readonly bleu: Intervals;
  readonly selfBleu: Intervals;
  /** BLEU where the curve's Self-BLEU is the training captions' own. */
  readonly level: Intervals;
}

/** One arm against another's curve. */
export interface Comparison {
  readonly arm: Arm;
  readonly reference: Arm;
  /** What the arm's point at temperature 1 gains in BLEU at no higher Self-BLEU. */
  readonly point: Intervals;
  /** What its curve gains at the training captions' own Self-BLEU. */
  readonly level: Intervals;
}

export interface CocoReport {
  readonly setting: string;
  readonly machine: string;
  /** Mean number of runnable processes over the last minute when the bench began. */
  readonly load: number;
  /** Captions of a generator that a point is taken over. */
  readonly samples: number;
  /** The training captions' own figures: over all of them, and over as many as a point is taken over. */
  readonly all: Sides;
  readonly own: Sides;
  readonly seeds: readonly SeedReport[];
  readonly arms: Readonly<Record<Arm, Summary>>;
  readonly comparisons: readonly Comparison[];
  /** What the training captions themselves gain on the curve of best MLE, at their own Self-BLEU: what is there to be won. */
  readonly headroom: Intervals;
  /** What the curve of best MLE gains on published points at their Self-BLEU; null where Self-BLEU is over another number of captions than theirs. */
  readonly onPublished: Readonly<Record<'MLE' | 'SeqGAN' | 'LeakGAN', Intervals>> | null;
  readonly verdicts: readonly string[];
}

/** Texygen's number of generated captions. */
const PUBLISHED_SAMPLES = 10_000;
const COMPARED: readonly (readonly [Arm, Arm])[] = [['seqgan', 'mle'], ['seqgan', 'control'], ['filtered', 'mle'], ['mle', 'published']];

const figures = (values: readonly number[]): string => values.map((value) => value.toFixed(3)).join(' ');
const intervals = (values: Intervals): string => values.map(interval).join(', ');
const row = ({ bleu, selfBleu, copies }: Sides): string => `${figures(bleu)} | ${figures(selfBleu)} | ${(100 * copies).toFixed(1)} %`;
const HEAD = ['BLEU-2 to 5 on test | Self-BLEU-2 to 5 | copies |', '---|---|---|'] as const;

/** Whether these files, read like this, are the published benchmark. */
export function checkLines(all: Sides): string[] {
  const { bleu, selfBleu } = PUBLISHED['training captions'];
  return [`training captions: BLEU ${figures(all.bleu)}, Self-BLEU ${figures(all.selfBleu)}; published ${figures(bleu)}, ${figures(selfBleu)}, ± ${TOLERANCE}: ${holds(all) ? 'holds' : 'DOES NOT HOLD'}`];
}

function curveLines(arms: Readonly<Record<Arm, ArmReport>>): string[] {
  return [`| arm | T | ${HEAD[0]}`, `|---|---|${HEAD[1]}`, ...ARMS.flatMap((arm) => arms[arm].curve.map((point) => `| ${ARM_NAMES[arm]} | ${point.temperature} | ${row(point)} |`))];
}

export function seedLines(report: SeedReport): string[] {
  return [`seed ${report.seed}: validation NLL ${report.published.validation.toFixed(3)} of the published recipe, ${report.mle.validation.toFixed(3)} of best MLE`, ...curveLines(report)];
}

/** The means over seeds, and the answers. */
export function reportLines({ seeds, samples, own, all, arms, comparisons, headroom, onPublished, verdicts }: CocoReport): string[] {
  return [
    `means of ${seeds.length} seed${seeds.length === 1 ? '' : 's'}, ${samples} captions a point`,
    ...curveLines(arms),
    '',
    `| what | ${HEAD[0]}`, `|---|${HEAD[1]}`,
    `| training captions, ${samples} of them | ${row(own)} |`,
    ...(samples === PUBLISHED_SAMPLES ? [] : [`| training captions, all | ${row(all)} |`]),
    ...Object.entries(PUBLISHED).map(([name, { bleu, selfBleu }]) => `| published, over ${PUBLISHED_SAMPLES}: ${name} | ${figures(bleu)} | ${figures(selfBleu)} | |`),
    '',
    ...ARMS.map((arm) => `${ARM_NAMES[arm]}, T 1: BLEU ${intervals(arms[arm].bleu)}; Self-BLEU ${intervals(arms[arm].selfBleu)}`),
    ...ARMS.map((arm) => `${ARM_NAMES[arm]}, BLEU at the training captions' Self-BLEU: ${intervals(arms[arm].level)}`),
    ...comparisons.map(({ arm, reference, point, level }) => `${ARM_NAMES[arm]} beyond ${ARM_NAMES[reference]}: at T 1 by ${intervals(point)}; at the training captions' Self-BLEU by ${intervals(level)}`),
    `training captions beyond best MLE, at their own Self-BLEU: by ${intervals(headroom)}`,
    ...Object.entries(onPublished ?? {}).map(([name, on]) => `best MLE beyond Texygen's figures of ${name}, at its Self-BLEU: by ${intervals(on)}`),
    '',
    ...verdicts,
  ];
}

/** Whether differences at all orders lie on one side of 0, beyond chance. */
export function answerOf(differences: Intervals, seeds: number): string {
  if (seeds < 2) return 'cannot be said from one seed';
  if (differences.every(({ low }) => low > 0)) return 'yes';
  if (differences.every(({ high }) => high < 0)) return 'no, it is behind';
  const better = ORDERS.filter((_, i) => differences[i]!.low > 0), worse = ORDERS.filter((_, i) => differences[i]!.high < 0);
  const parts = [better.length > 0 ? `beyond at order ${better.join(', ')}` : '', worse.length > 0 ? `behind at order ${worse.join(', ')}` : ''].filter((part) => part !== '');
  return parts.length > 0 ? `no, not at every order: ${parts.join('; ')}` : 'no, not beyond chance';
}

export function reportOf(given: Pick<CocoReport, 'setting' | 'machine' | 'load' | 'samples' | 'all' | 'own' | 'seeds'>): CocoReport {
  const { seeds, own, samples } = given;
  const over = (name: string, value: (report: SeedReport) => readonly number[]): Interval[] => {
    const values = seeds.map(value);
    return ORDERS.map((n, i) => {
      const stream = new RandomStream(1, 'coco report', name, n);
      return seedMean(values.map((one) => [one[i]!]), (position) => stream.uniform(position));
    });
  };
  const levels = (curve: readonly Point[]): number[] => own.selfBleu.map((selfBleu, i) => bleuAt(curve, i, selfBleu));
  const summary = (arm: Arm): Summary => {
    const curves = seeds.map((report) => report[arm].curve);
    const averaged = (i: number, side: 'bleu' | 'selfBleu'): number[] => ORDERS.map((_, order) => mean(curves.map((curve) => curve[i]![side][order]!)));
    return {
      curve: curves[0]!.map(({ temperature }, i) => ({ temperature, bleu: averaged(i, 'bleu'), selfBleu: averaged(i, 'selfBleu'), copies: mean(curves.map((curve) => curve[i]!.copies)) })),
      bleu: over(`${arm} bleu`, (report) => untempered(report[arm].curve).bleu), selfBleu: over(`${arm} self`, (report) => untempered(report[arm].curve).selfBleu),
      level: over(`${arm} level`, (report) => levels(report[arm].curve)),
    };
  };
  const comparisons = COMPARED.map(([arm, reference]): Comparison => ({
    arm, reference,
    point: over(`${arm} ${reference} point`, (report) => gains(untempered(report[arm].curve), report[reference].curve)),
    level: over(`${arm} ${reference} level`, (report) => levels(report[arm].curve).map((level, i) => level - levels(report[reference].curve)[i]!)),
  }));
  const headroom = over('headroom', (report) => levels(report.mle.curve).map((level, i) => own.bleu[i]! - level));
  const beyond = (name: 'MLE' | 'SeqGAN' | 'LeakGAN'): Interval[] => over(name, (report) => PUBLISHED[name].bleu.map((bleu, i) => bleuAt(report.mle.curve, i, PUBLISHED[name].selfBleu[i]!) - bleu));
  const onPublished = samples === PUBLISHED_SAMPLES ? { MLE: beyond('MLE'), SeqGAN: beyond('SeqGAN'), LeakGAN: beyond('LeakGAN') } : null;
  const count = `${seeds.length} seed${seeds.length === 1 ? '' : 's'}`;
  const orders = `BLEU-2 to 5, ${count}`;
  const [onMle, onControl, filtered] = comparisons as [Comparison, Comparison, Comparison];
  const adversarial = answerOf(onMle.point, seeds.length), beyondControl = answerOf(onControl.point, seeds.length);
  const answer = adversarial === 'yes' && beyondControl !== 'yes' ? `it does, but so do the updates by likelihood alone: no` : adversarial;
  const verdicts = [
    `Does adversarial training get beyond its own best MLE's temperature curve? ${answer}: at T 1 by ${intervals(onMle.point)}, beyond the control's by ${intervals(onControl.point)} (${orders}).`,
    `Does drawing best MLE's samples again by a discriminator's odds, which is not adversarial training? ${answerOf(filtered.point, seeds.length)}: at T 1 by ${intervals(filtered.point)} (${orders}).`,
    ...Object.entries(onPublished ?? {}).map(([name, on]) => `Does best MLE's curve pass above Texygen's figures of ${name}? ${answerOf(on, seeds.length)}: at its Self-BLEU by ${intervals(on)} (${orders}).`),
  ];
  return { ...given, arms: { published: summary('published'), mle: summary('mle'), seqgan: summary('seqgan'), control: summary('control'), filtered: summary('filtered') }, comparisons, headroom, onPublished, verdicts };
}
