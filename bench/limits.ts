/**
 * Hostile texts through the process boundary: how long each kind takes and how large the judge grows, in one judge that is replaced
 * as it would be in a run. Peaks are read from /proc, so they are known on Linux alone. The texts are in hostile.ts.
 */
import { readFileSync } from 'node:fs';
import type { InvalidReason } from '../src/contracts/records.ts';
import { JudgePool } from '../src/processes/judges.ts';
import { hostileTexts } from './hostile.ts';

export interface LimitRow {
  readonly kind: string;
  readonly bytes: number;
  /** Wall clock, and the judge's processor time for the same text (null where it cannot be read), of the size that took most of it. */
  readonly milliseconds: number;
  readonly processor: number | null;
  /** Largest resident set of the judge so far, in MB; null where it cannot be read. */
  readonly megabytes: number | null;
  readonly answer: InvalidReason | 'valid';
  readonly finding: string;
}

export interface LimitsBench {
  readonly rows: readonly LimitRow[];
  /** Peak of a judge that has judged nothing yet, in MB; null where it cannot be read. */
  readonly initial: number | null;
  /** Times that the judge was replaced, and times that it crashed. */
  readonly replaced: number;
  readonly crashed: number;
}

/** `sizes`: the parts of each text that are judged (1: all of its megabyte); the most expensive one is reported. */
export async function benchLimits(sizes: readonly number[] = [1, 0.295, 0.03, 0.0049]): Promise<LimitsBench> {
  let pid: number | null = null, replaced = 0, crashed = 0;
  const pool = new JudgePool({
    judges: 1, limitMs: 20_000,
    onProcess: (change) => {
      if (change.state === 'started') pid = change.pid;
      if (change.state === 'stopped') replaced++;
      if (change.state === 'crashed') crashed++;
    },
  });
  const rows: LimitRow[] = [];
  let initial: number | null = null;
  try {
    await pool.ready();
    initial = peakOf(pid);
    for (const [kind, whole] of hostileTexts()) {
      let slowest: LimitRow | null = null;
      for (const size of sizes) {
        const text = whole.slice(0, Math.floor(whole.length * size));
        // A judge that is worn is replaced here, not while the clock runs.
        await pool.evaluateMany([{ id: '', text: 'x = f(y)\n', promptLength: 0, finish: 'stop' }]);
        const start = performance.now(), used = processorOf(pid);
        const [evaluation] = await pool.evaluateMany([{ id: kind, text, promptLength: 0, finish: 'stop' }]);
        const milliseconds = performance.now() - start, after = processorOf(pid);
        const finding = evaluation!.findings.find(({ source }) => source === 'cpython') ?? evaluation!.findings[0];
        const row: LimitRow = {
          kind, bytes: typeof text === 'string' ? Buffer.byteLength(text) : text.length, milliseconds,
          processor: used !== null && after !== null && after >= used ? after - used : null, megabytes: peakOf(pid),
          answer: evaluation!.reason ?? 'valid', finding: finding ? `${finding.kind}: ${finding.message}` : '',
        };
        if (!slowest || costOf(row) > costOf(slowest)) slowest = row;
      }
      rows.push(slowest!);
    }
  } finally {
    const before = replaced;
    await pool.close();
    replaced = before;
  }
  return { rows, initial, replaced, crashed };
}

/** Processor time, which others on the machine do not lengthen, where it is known. */
function costOf({ processor, milliseconds }: LimitRow): number {
  return processor ?? milliseconds;
}

/** Processor time of a process so far in milliseconds, to 10 of them (Linux counts hundredths of a second). */
function processorOf(pid: number | null): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return null;
  }
}

function peakOf(pid: number | null): number | null {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return peak ? Math.round((Number(peak[1]) * 1024) / 1e6) : null;
  } catch {
    return null;
  }
}

export function formatLimits({ rows, initial, replaced, crashed }: LimitsBench): string {
  const slowest = rows.reduce((most, row) => (row.milliseconds > most.milliseconds ? row : most));
  const largest = rows.reduce((most, row) => ((row.megabytes ?? 0) > (most.megabytes ?? 0) ? row : most));
  return [
    '| kind of text | bytes | ms | of them processor | judge\'s peak, MB | answer | finding |', '|---|---|---|---|---|---|---|',
    ...[...rows].sort((a, b) => costOf(b) - costOf(a)).map(({ kind, bytes, milliseconds, processor, megabytes, answer, finding }) => `| ${kind} | ${bytes} | ${Math.round(milliseconds)} | ${processor ?? '-'} | ${megabytes ?? '-'} | ${answer} | ${finding.slice(0, 70).replaceAll('|', '\\|')} |`),
    '', `Slowest: ${slowest.kind}, ${Math.round(slowest.milliseconds)} ms; most processor time ${Math.max(...rows.map((row) => row.processor ?? 0))} ms. Largest: ${largest.megabytes ?? '-'} MB (${largest.kind}). The judge took ${initial ?? '-'} MB before the first text; it was replaced ${replaced} times and crashed ${crashed} times.`,
  ].join('\n');
}
