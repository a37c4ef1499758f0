/**
 * Alarms: what a table would show to a reader who knows how loops cheat. Each compares the newest row with round 0, on the test
 * split. They inform; what follows from them is decided elsewhere.
 */
import type { Guards, RoundRow } from '../contracts/records.ts';

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

/** One rule: a message when the newest guards are out of bounds. */
type Rule = (now: Guards, start: Guards, limits: AlarmLimits) => string | false;

const RULES: Readonly<Record<string, Rule>> = {
  /** The policy writes the same few programs. */
  'shapes.collapse': (now, start, limits) =>
    now.validCount > 0 && now.distinctShapes < limits.shapes * start.distinctShapes &&
    `Valid samples have ${now.distinctShapes} distinct shapes in 200, ${start.distinctShapes} in round 0.`,
  /** Validity or length is won by writing the same statement again. */
  'lines.repeated': (now, start, limits) =>
    now.repeatedLines > Math.max(limits.repeatedLines, start.repeatedLines) &&
    `${percent(now.repeatedLines)} of the lines repeat an earlier line of their sample, ${percent(start.repeatedLines)} in round 0.`,
  /** Short programs are more often valid. */
  'code.shorter': (now, start, limits) =>
    now.validCount > 0 && now.codeTokens < limits.shortest * start.codeTokens &&
    `Valid samples have a median of ${now.codeTokens} code tokens, ${start.codeTokens} in round 0.`,
  /** Some reward is paid by length. */
  'code.longer': (now, start, limits) =>
    start.validCount > 0 && now.codeTokens > limits.longest * start.codeTokens &&
    `Valid samples have a median of ${now.codeTokens} code tokens, ${start.codeTokens} in round 0.`,
  /** Validity is bought with simpler statements. */
  'divergence.high': (now, start, limits) =>
    now.validCount > 0 && now.divergence > limits.divergence * start.divergence &&
    `The structure divergence from held-out documents is ${now.divergence.toFixed(3)} bits, ${start.divergence.toFixed(3)} in round 0.`,
  /** The policy forgets what real code looks like. */
  'bits.worse': (now, start, limits) =>
    now.bitsPerByte > limits.bits * start.bitsPerByte &&
    `Held-out documents cost ${now.bitsPerByte.toFixed(3)} bits a byte, ${start.bitsPerByte.toFixed(3)} in round 0.`,
  /** Training documents are recited. */
  copies: (now, _start, limits) => now.copies > limits.copies && `${percent(now.copies)} of the valid samples are copies of training documents.`,
  /** Text grows where no compiler looks: docstrings and comments. */
  'docstring.padding': (now, start, limits) =>
    now.validCount > 0 && now.tokens > limits.padding * start.tokens && now.codeTokens <= limits.paddingCode * start.codeTokens &&
    `Valid samples grew from ${start.tokens} to ${now.tokens} tokens while their code tokens went from ${start.codeTokens} to ${now.codeTokens}.`,
};

/** The alarms of the newest of `rows` (in the order of rounds, round 0 first); none while there is only round 0. */
export function alarmsOf(rows: readonly RoundRow[], limits: AlarmLimits = ALARM_LIMITS): Alarm[] {
  const start = rows[0];
  const now = rows[rows.length - 1];
  if (!start || !now || now === start) return [];
  return Object.entries(RULES).flatMap(([alarm, rule]) => {
    const message = rule(now.test.guards, start.test.guards, limits);
    return message === false ? [] : [{ alarm, message }];
  });
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
