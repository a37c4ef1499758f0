/**
 * `npm run bench -- breaks RUN`: how a run's samples fail, by kind, and which of that blame on alternatives could have seen: what limits
 * a policy once most of what it writes is valid. Of the unconditional samples that the run was taught with, judged anew by the judge of today.
 */
import { parseArgs } from 'node:util';
import type { Sample } from '../src/contracts/records.ts';
import { evaluateTexts, loadCPython, type CPython } from '../src/evaluator/index.ts';
import { median } from '../src/metrics/index.ts';
import { EventLogReader } from '../src/store/event-log.ts';
import { completedRows } from '../src/store/history.ts';
import { findRunFolder } from '../src/store/run-folder.ts';
import { UsageError, wholeNumber, wholeNumbers } from './usage.ts';

export interface BreakKind {
  /** The first finding's. */
  readonly kind: string;
  readonly count: number;
  /** So many of them no alternative could have shown: the judge lets stand whatever ends in the word that broke the text. */
  readonly unseen: number;
  readonly examples: readonly string[];
}

export interface BreaksReport {
  readonly samples: number;
  readonly valid: number;
  readonly broken: number;
  /** Cut off by the limit of tokens, and could have gone on; their median tokens since the last line began. */
  readonly runOn: number;
  readonly openLine: number;
  readonly empty: number;
  readonly other: number;
  /** The commonest first. */
  readonly kinds: readonly BreakKind[];
}

type Written = Pick<Sample, 'id' | 'prompt' | 'completion' | 'finish' | 'tokens'>;

const WORD = /\w/;

/** `tokenLengths`: bytes of every token. `examples`: how many texts of each kind are shown, unseen ones first. */
export function breaksOf(samples: readonly Written[], tokenLengths: readonly number[], cpython: CPython, examples = 0): BreaksReport {
  const evaluations = evaluateTexts(samples.map(({ id, prompt, completion, finish }) => ({ id, text: prompt + completion, promptLength: prompt.length, finish, locate: true })), { cpython });
  const kinds = new Map<string, { count: number; unseen: string[]; seen: string[] }>();
  const lines: number[] = [];
  let valid = 0, broken = 0, empty = 0, other = 0;
  for (const [i, sample] of samples.entries()) {
    const evaluation = evaluations[i]!;
    const text = Buffer.from(sample.prompt + sample.completion);
    const { brokenAt } = evaluation;
    if (evaluation.valid) valid++;
    else if (sample.finish === 'length' && (brokenAt === undefined || brokenAt >= text.length)) lines.push(tokensSinceLine(sample, tokenLengths));
    else if (brokenAt === undefined && evaluation.reason === 'empty') empty++;
    else if (brokenAt === undefined) other++;
    else {
      broken++;
      const finding = evaluation.findings.find(({ source }) => source === 'rule') ?? evaluation.findings[0];
      const kind = finding?.kind ?? 'unknown';
      const known = kinds.get(kind) ?? { count: 0, unseen: [], seen: [] };
      known.count++;
      const shown = `${JSON.stringify(text.subarray(Math.max(0, brokenAt - 50), brokenAt).toString())} + ${JSON.stringify(text.subarray(brokenAt, brokenAt + 25).toString())}`;
      known[isSeen(sample, text, brokenAt, tokenLengths, cpython) ? 'seen' : 'unseen'].push(shown);
      kinds.set(kind, known);
    }
  }
  return {
    samples: samples.length, valid, broken, runOn: lines.length, openLine: median(lines), empty, other,
    kinds: [...kinds].map(([kind, { count, unseen, seen }]) => ({ kind, count, unseen: unseen.length, examples: [...unseen, ...seen].slice(0, examples) })).sort((a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1)),
  };
}

/** Whether the judge says of some token, from the one that broke the text to the end of its word, that not everything can follow it. */
function isSeen({ prompt, tokens = [] }: Written, text: Buffer, brokenAt: number, tokenLengths: readonly number[], cpython: CPython): boolean {
  const beginnings: string[] = [];
  let end = Buffer.byteLength(prompt);
  for (const token of tokens) {
    end += tokenLengths[token] ?? 0;
    if (end <= brokenAt) continue;
    beginnings.push(text.subarray(0, end).toString());
    if (!WORD.test(String.fromCharCode(text[end] ?? 0))) break;
  }
  // Behind the last token there is its end, which the compiler judges itself.
  return beginnings.length === 0 || cpython.beginnings(beginnings).some((answer) => answer !== 'sound');
}

function tokensSinceLine({ completion, tokens = [] }: Written, tokenLengths: readonly number[]): number {
  const from = Buffer.byteLength(completion.slice(0, completion.lastIndexOf('\n') + 1));
  let at = 0;
  return tokens.filter((token) => (at += tokenLengths[token] ?? 0) > from).length;
}

const HELP = `npm run bench -- breaks RUN [--rounds A,B] [--examples N] [--json]

  RUN         a run's folder or the beginning of its name
  --rounds    whose samples are looked at; default: the last four
  --examples  how many of each kind are shown, those that no alternative shows first; default 0
`;

/** Prints a table, or the report as JSON. */
export async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { rounds: { type: 'string' }, examples: { type: 'string', default: '0' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } });
  if (values.help || positionals.length !== 1) {
    process.stdout.write(HELP);
    if (!values.help) process.exitCode = 2;
    return;
  }
  const log = new EventLogReader(findRunFolder('runs', positionals[0]!));
  try {
    const bytes = log.query({ types: ['vocabulary.ready'] }).at(-1)?.data.bytes;
    const last = completedRows(log).at(-1)?.round ?? 0;
    if (!bytes || last === 0) throw new UsageError('That run has no complete round yet, or was made before its log held the vocabulary.');
    const rounds = values.rounds === undefined ? Array.from({ length: Math.min(4, last) }, (_, i) => last - i) : wholeNumbers('--rounds', values.rounds);
    const samples = rounds.flatMap((round) => log.query({ types: ['sample.created'], round })).map(({ data }) => data).filter(({ kind, parent }) => kind === 'unconditional' && parent === undefined);
    const report = breaksOf(samples, bytes.map((digits) => digits.length / 2), await loadCPython(), wholeNumber('--examples', values.examples, 0));
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${textOf(report, rounds)}\n`);
  } finally {
    log.close();
  }
}

function textOf({ samples, valid, broken, runOn, openLine, empty, other, kinds }: BreaksReport, rounds: readonly number[]): string {
  const share = (count: number): string => `${count} (${((100 * count) / Math.max(1, samples)).toFixed(1)} %)`;
  const unseen = kinds.reduce((sum, kind) => sum + kind.unseen, 0);
  return [
    `${samples} unconditional samples of rounds ${rounds.toSorted((a, b) => a - b).join(', ')}: valid ${share(valid)}, broken ${share(broken)}, cut off unbroken ${share(runOn)} (a median of ${openLine} tokens since the line began), empty ${share(empty)}, other ${share(other)}`,
    '', '| what breaks | samples | unseen |', '|---|---|---|',
    ...kinds.map(({ kind, count, unseen: own }) => `| ${kind} | ${count} | ${own} |`),
    `| all | ${broken} | ${unseen} |`,
    ...kinds.flatMap(({ kind, examples }) => examples.map((example) => `${kind}: ${example}`)),
  ].join('\n');
}
