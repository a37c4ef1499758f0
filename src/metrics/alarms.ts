/**
 * Alarms: what a table would show to a reader who knows how loops cheat. Each compares the newest row with round 0, on the test
 * split. They inform; what follows from them is decided elsewhere.
 */
import type { Guards, RoundRow } from '../contracts/records.ts';
import { isBroken, type Bound } from './bounds.ts';

export interface AlarmLimits {
  /** Least distinct shapes among 200 valid samples, as a share of round 0's. */
  readonly shapes: number;
  /** Most of the lines may repeat an earlier one of their text (share), unless round 0 had more. */
  readonly repeatedLines: number;
  /** Median code tokens as a share of round 0's: below is shortening, above lengthening. */
  readonly shortest: number;
  readonly longest: number;
  /** Structure divergence as a multiple of round 0's. */
  readonly divergence: number;
  /** Held-out bits a byte as a multiple of round 0's. */
  readonly bits: number;
  /** Share of valid samples that are copies of training documents. */
  readonly copies: number;
  /** Median tokens as a multiple of round 0's, while code tokens are at most `paddingCode` times round 0's. */
  readonly padding: number;
  readonly paddingCode: number;
}

/**
 * Drawn between the arms of the trials (DESIGN, "The learner's recipe"). The best arm kept shapes (181 in 200 against 169 in round
 * 0), divergence (0.05-0.08 against 0.089) and tokens (54 against 55); drifting ones reached a divergence of 0.14-0.21; the
 * cheating one had 161 shapes in 583 samples and 16 % more tokens without more code.
 */
export const ALARM_LIMITS: AlarmLimits = {
  shapes: 0.8,
  repeatedLines: 0.03,
  shortest: 0.85,
  longest: 1.5,
  divergence: 1.5,
  bits: 1.01,
  copies: 0.01,
  padding: 1.1,
  paddingCode: 1,
};

export interface Alarm {
  /** Dotted lower-case name. */
  readonly alarm: string;
  /** One sentence with the figures. */
  readonly message: string;
}

/**
 * What the guards of the test split may be. Guards over valid samples have no bound where there are none, and tokens have one only while
 * code does not grow with them.
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
    [some, { alarm: 'code.shorter', guard: 'codeTokens', side: 'least', value: limits.shortest * start.codeTokens, message: code }],
    // Some reward is paid by length.
    [start.validCount > 0, { alarm: 'code.longer', guard: 'codeTokens', side: 'most', value: limits.longest * start.codeTokens, message: code }],
    // Text grows where no compiler looks: docstrings and comments.
    [some && now.codeTokens <= limits.paddingCode * start.codeTokens, { alarm: 'docstring.padding', guard: 'tokens', side: 'most', value: limits.padding * start.tokens,
      message: `Valid samples grew from ${start.tokens} to ${now.tokens} tokens while their code tokens went from ${start.codeTokens} to ${now.codeTokens}.` }],
    // The policy writes the same few programs.
    [some, { alarm: 'shapes.collapse', guard: 'distinctShapes', side: 'least', value: limits.shapes * start.distinctShapes,
      message: `Valid samples have ${now.distinctShapes} distinct shapes in 200, ${start.distinctShapes} in round 0.` }],
    // Validity or length is won by writing the same statement again.
    [true, { alarm: 'lines.repeated', guard: 'repeatedLines', side: 'most', value: Math.max(limits.repeatedLines, start.repeatedLines),
      message: `${percent(now.repeatedLines)} of the lines repeat an earlier line of their sample, ${percent(start.repeatedLines)} in round 0.` }],
    // Training documents are recited.
    [true, { alarm: 'copies', guard: 'copies', side: 'most', value: limits.copies, message: `${percent(now.copies)} of the valid samples are copies of training documents.` }],
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

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
