/**
 * What a run has to show at its end, read from its log: the table, samples of its first and its last round side by side, and
 * accepted repairs. Samples are the first of their round, not chosen.
 */
import { focusOf } from '../agents/samples.ts';
import type { LoggedEvent } from '../contracts/events.ts';
import type { Finding, Sample, Timing } from '../contracts/records.ts';
import type { EventLogReader, EventOf } from '../store/event-log.ts';
import { roundTable, type TimedRow } from './table.ts';
import { harmless, indent } from './text.ts';

const samplesShown = 3;
const repairsShown = 3;
const sampleLines = 16;

/** The rows of the table so far, with the latest time that each round took. */
export function timedRows(log: EventLogReader): TimedRow[] {
  const timings = new Map<number, Timing>();
  for (const event of log.query({ types: ['round.timed'] })) timings.set(event.data.round, event.data);
  return log.query({ types: ['round.finished'] }).map(({ data: row }) => ({ row, timing: timings.get(row.round) }));
}

/** Everything below the run's last line, `width` columns wide. */
export function summaryText(log: EventLogReader, width: number): string {
  const rows = timedRows(log);
  const sections = [roundTable(rows, width)];
  const rounds = sampledRounds(log);
  const first = rounds[0], last = rounds.at(-1);
  if (first !== undefined && last !== undefined) {
    sections.push(samplesText(log, first));
    if (last !== first) sections.push(samplesText(log, last));
    const repairs = repairsText(log, rounds);
    if (repairs) sections.push(repairs);
  }
  return sections.join('\n\n');
}

function sampledRounds(log: EventLogReader): number[] {
  const rounds = new Set([0, ...log.query({ types: ['round.started'] }).map((event) => event.data.round)]);
  return [...rounds].sort((a, b) => a - b).filter((round) => log.query({ types: ['sample.created'], round, limit: 1 }).length > 0);
}

function samplesText(log: EventLogReader, round: number): string {
  const events = log.query({ types: ['sample.created', 'evaluation.recorded'], round });
  const evaluations = evaluationsById(events);
  const samples = samplesOf(events).filter((sample) => sample.parent === undefined).slice(0, samplesShown);
  const texts = samples.map((sample) => {
    const evaluation = evaluations.get(sample.id);
    const verdict = !evaluation ? 'not judged' : evaluation.valid ? 'valid' : `not valid: ${evaluation.reason ?? 'unknown'}`;
    return `  ${verdict}\n${indent(harmless(sample.prompt + sample.completion), '    │ ', sampleLines)}`;
  });
  return [`The first samples of round ${round}:`, ...texts].join('\n');
}

function repairsText(log: EventLogReader, rounds: readonly number[]): string | null {
  const texts: string[] = [];
  // The newest first.
  for (const round of [...rounds].reverse()) {
    const accepted = new Set(log.query({ types: ['refinement.finished'], round }).flatMap(({ data }) => data.accepted));
    if (accepted.size === 0) continue;
    const events = log.query({ types: ['sample.created', 'evaluation.recorded'], round });
    const evaluations = evaluationsById(events);
    const samples = samplesOf(events);
    const byId = new Map(samples.map((sample) => [sample.id, sample]));
    for (const revision of samples) {
      const parent = revision.parent === undefined ? undefined : byId.get(revision.parent);
      if (!parent || !accepted.has(revision.id)) continue;
      const finding = focusOf({ findings: evaluations.get(parent.id)?.findings ?? [] });
      if (!finding) continue;
      texts.push(repairText(parent, finding, revision));
      if (texts.length === repairsShown) break;
    }
    if (texts.length > 0) return [`Repairs of round ${round}:`, ...texts].join('\n');
  }
  return null;
}

function repairText(parent: Sample, finding: Finding, revision: Sample): string {
  const text = parent.prompt + parent.completion;
  const lines = text.replace(/\n+$/, '').split('\n');
  const before = indent(harmless(lines.slice(Math.max(0, finding.line - 6), Math.max(0, finding.line - 1)).join('\n')), '    - ');
  const fault = indent([harmless(lines[finding.line - 1] ?? ''), `${' '.repeat(finding.column)}^ ${harmless(finding.message)}`].join('\n'), '    ! ');
  const after = indent(harmless(revision.prompt + revision.completion), '    + ', sampleLines);
  return [`  by ${revision.method ?? 'revision'}:`, ...(finding.line > 1 ? [before] : []), fault, after].join('\n');
}

type Events = readonly EventOf<'sample.created' | 'evaluation.recorded'>[];

function samplesOf(events: Events): Sample[] {
  return events.flatMap((event: LoggedEvent) => (event.type === 'sample.created' ? [event.data] : []));
}

function evaluationsById(events: Events): Map<string, EventOf<'evaluation.recorded'>['data']> {
  return new Map(events.flatMap((event) => (event.type === 'evaluation.recorded' ? [[event.data.id, event.data] as const] : [])));
}
