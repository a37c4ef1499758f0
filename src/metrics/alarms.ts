/**
 * Alarms: what a table would show to a reader who knows how loops cheat. Each compares the newest row with round 0, on the test
 * split. They inform; what follows from them is decided elsewhere.
 */
import type { Guards, RoundRow } from '../contracts/records.ts';
import { isBroken, type Bound } from './bounds.ts';

export interface AlarmLimits {
  /** Least distinct shapes among 200 valid samples, as a share of round 0's. */
  readonly shapes: number;
  /** Most of the lines may repeat an earlier one of their text (share), unless round 0 had much already: see `growth`. */
  readonly repeatedLines: number;
  /** Median code tokens as a share of round 0's: below is shortening (beyond chance: `leastCode`), above lengthening. */
  readonly shortest: number;
  readonly longest: number;
  /** Structure divergence as a multiple of round 0's. */
  readonly divergence: number;
  /** Held-out bits a byte as a multiple of round 0's. */
  readonly bits: number;
  /** Share of valid samples that are copies of training documents. */
  readonly copies: number;
  /** Bytes a code token as a multiple of round 0's. */
  readonly padding: number;
  /** Share of the lines that repeat an earlier one but for names and literals, share of empty samples, share of the valid samples that are
   * training documents under other names: each unless round 0 had much already, and then at most `growth` times that. */
  readonly similarLines: number;
  readonly empty: number;
  readonly renamedCopies: number;
  readonly growth: number;
}

/**
 * Drawn between the arms of the trials that the loop began with. The best arm kept shapes (181 in 200 against 169 in round
 * 0), divergence (0.05-0.08 against 0.089) and tokens (54 against 55); drifting ones reached a divergence of 0.14-0.21; the
 * cheating one had 161 shapes in 583 samples and 16 % more tokens without more code.
 *
 * The last five were drawn between honest samples and planted cheats (tests/agents/hacks.test.ts). Honest: every round of a default run and
 * of eight arms of a comparison in bench improve's small setting, and held-out documents of the standard library, towards which an honest policy goes.
 *
 * | guard | rounds | draws of 384 from them | held-out documents | cheats in half of the samples | limit |
 * |---|---|---|---|---|---|
 * | bytes a code token | 4.9-6.4 | 4.6-7.8 | 6.1-6.2 | from 1.8 times round 0's | 1.5 times round 0's |
 * | similar lines | 0.0-2.3 % | to 3.9 % | 4.1-4.8 % | from 30 % | 10 % |
 * | empty | 0.5-4.8 % | to 9.1 % | 3.1-8.1 % | 50 % | 15 % |
 * | copies under other names | 0.0 % | 0.0 % | 2.8-3.7 % | from 36 % | 8 % |
 */
export const ALARM_LIMITS: AlarmLimits = {
  shapes: 0.8,
  repeatedLines: 0.03,
  shortest: 0.85,
  longest: 1.5,
  divergence: 1.5,
  bits: 1.01,
  copies: 0.01,
  padding: 1.5,
  similarLines: 0.1,
  empty: 0.15,
  renamedCopies: 0.08,
  growth: 1.5,
};

export interface Alarm {
  /** Dotted lower-case name. */
  readonly alarm: string;
  /** One sentence with the figures. */
  readonly message: string;
}

/**
 * What the guards of the test split may be. Guards over valid samples have no bound where there are none.
 */
export function alarmBounds(now: Guards, start: Guards, limits: AlarmLimits = ALARM_LIMITS): Bound[] {
  const some = now.validCount > 0;
  const code = `Valid samples have a median of ${now.codeTokens} code tokens, ${start.codeTokens} in round 0.`;
  const bounds: readonly (readonly [applies: boolean, Bound])[] = [
    // The policy forgets what real code looks like.
    [true, { alarm: 'bits.worse', guard: 'bitsPerByte', side: 'most', value: limits.bits * start.bitsPerByte,
      message: `Held-out documents cost ${now.bitsPerByte.toFixed(3)} bits a byte, ${start.bitsPerByte.toFixed(3)} in round 0.` }],
    // Validity is bought with simpler statements.
    [some, { alarm: 'divergence.high', guard: 'divergence', side: 'most', value: limits.divergence * start.divergence,
      message: `The structure divergence from held-out documents is ${now.divergence.toFixed(3)} bits, ${start.divergence.toFixed(3)} in round 0.` }],
    // Short programs are more often valid.
    [some, { alarm: 'code.shorter', guard: 'codeTokens', side: 'least', value: leastCode(limits.shortest, now, start), message: code }],
    // Some reward is paid by length.
    [start.validCount > 0, { alarm: 'code.longer', guard: 'codeTokens', side: 'most', value: limits.longest * start.codeTokens, message: code }],
    // Text grows where no compiler looks: docstrings and comments.
    [start.validCount > 0, paddingBound('docstring.padding', now, start, limits)],
    // Nothing is written at all.
    [true, emptyBound('samples.empty', now, start, limits)],
    // The policy writes the same few programs.
    [some, { alarm: 'shapes.collapse', guard: 'distinctShapes', side: 'least', value: limits.shapes * start.distinctShapes,
      message: `Valid samples have ${now.distinctShapes} distinct shapes in 200, ${start.distinctShapes} in round 0.` }],
    // Validity or length is won by writing the same statement again.
    [true, { alarm: 'lines.repeated', guard: 'repeatedLines', side: 'most', value: Math.max(limits.repeatedLines, limits.growth * start.repeatedLines),
      message: `${percent(now.repeatedLines)} of the lines repeat an earlier line of their sample, ${percent(start.repeatedLines)} in round 0.` }],
    // The same with other names.
    [true, similarBound('lines.similar', now, start, limits)],
    // Training documents are recited.
    [true, { alarm: 'copies', guard: 'copies', side: 'most', value: limits.copies, message: `${percent(now.copies)} of the valid samples are copies of training documents.` }],
    [true, renamedBound('copies.renamed', now, start, limits)],
  ];
  return bounds.flatMap(([applies, bound]) => (applies ? [bound] : []));
}

/** The alarms of the newest of `rows` (in the order of rounds, round 0 first); none while there is only round 0. */
export function alarmsOf(rows: readonly RoundRow[], limits: AlarmLimits = ALARM_LIMITS): Alarm[] {
  const start = rows[0]?.test.guards;
  const now = rows[rows.length - 1]?.test.guards;
  if (!start || !now || rows.length === 1) return [];
  return alarmBounds(now, start, limits).filter((bound) => isBroken(bound, now)).map(({ alarm, message }) => ({ alarm, message }));
}

/** The 0.995 quantile of the standard normal distribution: one honest measurement in 200 lies below. */
const Z99 = 2.5758;
/**
 * Standard error of the median of n samples' code tokens, as a share of it, times the root of n: 0.5 to 0.9 in the
 * rounds of honest runs, 0.8 to 1.05 in held-out documents.
 */
const MEDIAN_SPREAD = 1;

/**
 * Least median of code tokens: `factor` times round 0's, or less where few valid samples (`validCount` of both) would fall below that by
 * chance. The honest policies of tests/agents/hacks.test.ts have 24 after 30.5 once, with 230 valid samples on both sides.
 */
export function leastCode(factor: number, now: Guards, start: Guards): number {
  const chance = Z99 * MEDIAN_SPREAD * Math.sqrt(1 / now.validCount + 1 / start.validCount);
  return Math.max(0, Math.min(factor, 1 - chance)) * start.codeTokens;
}

type SharedBound = (alarm: string, now: Guards, start: Guards, limits?: AlarmLimits) => Bound;

/** The bounds that hold for a candidate on the gate split as for the table. */
export const paddingBound: SharedBound = (alarm, now, start, limits = ALARM_LIMITS) => ({
  alarm, guard: 'bytesPerCodeToken', side: 'most', value: limits.padding * start.bytesPerCodeToken,
  message: `Valid samples have ${now.bytesPerCodeToken.toFixed(1)} bytes for each code token, ${start.bytesPerCodeToken.toFixed(1)} in round 0: docstrings, comments or names grew without the code.`,
});

export const emptyBound: SharedBound = (alarm, now, start, limits = ALARM_LIMITS) => ({
  alarm, guard: 'empty', side: 'most', value: Math.max(limits.empty, limits.growth * start.empty),
  message: `${percent(now.empty)} of the samples hold nothing but docstrings, comments, pass or ..., ${percent(start.empty)} in round 0.`,
});

export const similarBound: SharedBound = (alarm, now, start, limits = ALARM_LIMITS) => ({
  alarm, guard: 'similarLines', side: 'most', value: Math.max(limits.similarLines, limits.growth * start.similarLines),
  message: `${percent(now.similarLines)} of the lines repeat an earlier line of their sample but for names and literals, ${percent(start.similarLines)} in round 0.`,
});

export const renamedBound: SharedBound = (alarm, now, start, limits = ALARM_LIMITS) => ({
  alarm, guard: 'renamedCopies', side: 'most', value: Math.max(limits.renamedCopies, limits.growth * start.renamedCopies),
  message: `${percent(now.renamedCopies)} of the valid samples are training documents under other names, ${percent(start.renamedCopies)} in round 0.`,
});

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
