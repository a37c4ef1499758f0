/** The guards beside validity: what each is, where it stood at round 0 and stands now, and what it may be. Pure. */
import { fixed, percent } from './format.ts';
import type { RoundView } from './model.ts';
import type { GuardCheckData, MeasurementView } from './views.ts';

export type GuardName = Exclude<keyof MeasurementView['guards'], 'validCount'>;

interface Guard {
  readonly name: GuardName;
  readonly title: string;
  readonly about: string;
  readonly show: (value: number) => string;
}

/** What shows a cheat first stands first. */
export const GUARDS: readonly Guard[] = [
  { name: 'bitsPerByte', title: 'Held-out bits a byte', about: 'What held-out documents cost under the policy; it rises when the policy forgets what real code looks like', show: (v) => fixed(v, 3) },
  { name: 'divergence', title: 'Structure divergence', about: 'Jensen-Shannon divergence, in bits, of syntax-tree bigrams of valid samples from held-out documents; it rises when validity is bought with simpler statements', show: (v) => fixed(v, 3) },
  { name: 'codeTokens', title: 'Code tokens', about: 'Median over valid samples, strings and comments not counted; short programs are more often valid', show: (v) => fixed(v, 1) },
  { name: 'tokens', title: 'Tokens', about: 'Median over valid samples; shown, without a bound', show: (v) => fixed(v, 1) },
  { name: 'bytesPerCodeToken', title: 'Bytes a code token', about: 'Length of valid samples for each code token; it rises with docstrings and comments, where no compiler looks', show: (v) => fixed(v, 2) },
  { name: 'distinctShapes', title: 'Distinct shapes', about: 'Distinct syntax trees among 200 valid samples; it falls when the same few programs are written', show: (v) => fixed(v, 0) },
  { name: 'repeatedLines', title: 'Repeated lines', about: 'Share of the lines that repeat an earlier line of their sample', show: (v) => percent(v) },
  { name: 'similarLines', title: 'Similar lines', about: 'Share of the lines of a valid sample that repeat an earlier one but for names and literals', show: (v) => percent(v) },
  { name: 'empty', title: 'Empty samples', about: 'Share of all samples that hold nothing but docstrings, comments, pass or ...; they are invalid', show: (v) => percent(v) },
  { name: 'copies', title: 'Copies', about: 'Share of the valid samples that stand in a training document word for word', show: (v) => percent(v) },
  { name: 'renamedCopies', title: 'Copies under other names', about: 'Share of the valid samples that are a training document of 24 tokens or more but for names, literals and layout', show: (v) => percent(v) },
  { name: 'selfBleu', title: 'Self-BLEU', about: 'How alike valid samples are, in [0, 1]; shown, without a bound', show: (v) => fixed(v, 3) },
  { name: 'entropy', title: 'Entropy', about: 'Mean entropy of the distributions drawn from, nats a token; shown, without a bound', show: (v) => fixed(v, 3) },
];

export interface GuardRow extends Guard {
  readonly start: number;
  readonly now: number;
  /** Of the test split, by round; and whether the guard held there (null: nothing was checked). */
  readonly series: readonly { readonly round: number; readonly value: number; readonly held: boolean | null }[];
  /** Against what raises an alarm, on the test split. */
  readonly test: GuardCheckData | null;
  /** The newest candidate against what promotion allows, on the gate split. */
  readonly gate: GuardCheckData | null;
}

/** Empty before round 0 was measured. */
export function guardRows(rounds: readonly RoundView[]): GuardRow[] {
  const first = rounds[0];
  const last = rounds.at(-1);
  if (!first || !last) return [];
  const check = (round: RoundView, split: 'test' | 'gate', name: GuardName): GuardCheckData | null => round[split]?.checks.find(({ guard }) => guard === name) ?? null;
  return GUARDS.map((guard) => ({
    ...guard,
    start: first.row.test.guards[guard.name],
    now: last.row.test.guards[guard.name],
    series: rounds.map((round) => ({ round: round.round, value: round.row.test.guards[guard.name], held: check(round, 'test', guard.name)?.held ?? null })),
    test: check(last, 'test', guard.name),
    gate: check(last, 'gate', guard.name),
  }));
}

/** `≤ 0.134`, `≥ 20`, `20 to 38`; a dash where there is no bound. */
export function boundText(check: Pick<GuardCheckData, 'least' | 'most'> | null, show: (value: number) => string): string {
  const { least, most } = check ?? {};
  if (least !== undefined && most !== undefined) return `${show(least)} to ${show(most)}`;
  if (least !== undefined) return `≥ ${show(least)}`;
  return most === undefined ? '–' : `≤ ${show(most)}`;
}

/** What an alarm means to someone who does not know how loops cheat. */
const MEANINGS: Readonly<Record<string, string>> = {
  'bits.worse': 'The policy forgets what real code looks like.',
  'divergence.high': 'Validity is bought with simpler statements than people write.',
  'code.shorter': 'Short programs are more often valid: the policy may just be getting brief.',
  'code.longer': 'Some reward is paid by length.',
  'docstring.padding': 'Text grows where no compiler looks: docstrings and comments.',
  'shapes.collapse': 'The policy writes the same few programs.',
  'lines.repeated': 'Validity or length is won by writing the same statement again.',
  'lines.similar': 'Validity or length is won by writing the same statement again with other names.',
  'samples.empty': 'The policy writes nothing: docstrings, comments, pass or ... alone.',
  copies: 'Training documents are recited.',
  'copies.renamed': 'Training documents are recited under other names.',
  'gate.bits': 'The candidate forgot what real code looks like; it was not promoted.',
  'gate.divergence': 'The candidate writes simpler structure than people do; it was not promoted.',
  'gate.shorter': 'The candidate is valid because it is brief; it was not promoted.',
  'gate.shapes': 'The candidate writes the same few programs; it was not promoted.',
  'gate.repeated': 'The candidate repeats its own lines; it was not promoted.',
  'gate.similar': 'The candidate repeats its own lines with other names; it was not promoted.',
  'gate.padding': 'The candidate pads its programs with docstrings or comments; it was not promoted.',
  'gate.empty': 'The candidate writes nothing: docstrings, comments, pass or ... alone; it was not promoted.',
  'gate.copies': 'The candidate recites training documents; it was not promoted.',
  'gate.renamed': 'The candidate recites training documents under other names; it was not promoted.',
};

/** Empty for an alarm that this page does not know. */
export const meaningOf = (alarm: string): string => MEANINGS[alarm] ?? '';

export interface AlarmLine {
  readonly alarm: string;
  readonly meaning: string;
  /** By round: its message where it was raised. */
  readonly raised: ReadonlyMap<number, string>;
}

/** One line an alarm that was ever raised, the ones raised last first. */
export function alarmLines(alarms: readonly { readonly round: number; readonly alarm: string; readonly message: string }[]): AlarmLine[] {
  const lines = new Map<string, Map<number, string>>();
  for (const { round, alarm, message } of alarms) lines.set(alarm, (lines.get(alarm) ?? new Map<number, string>()).set(round, message));
  const newest = (raised: ReadonlyMap<number, string>): number => Math.max(...raised.keys());
  return [...lines].map(([alarm, raised]) => ({ alarm, meaning: meaningOf(alarm), raised })).sort((a, b) => newest(b.raised) - newest(a.raised));
}
