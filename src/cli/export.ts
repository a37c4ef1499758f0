/**
 * `ouroboros export RUN --samples`: the accepted samples of a run as JSON Lines, one object a sample. Accepted are valid
 * samples and the revisions that counted as repairs, as far as they are no copies of training documents. All of them are of
 * training tasks: what the gate and the table are measured on is not in the log.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { writeFileAtomic } from '../store/atomic.ts';
import { EventLogReader } from '../store/event-log.ts';
import { findRunFolder } from '../store/run-folder.ts';
import { exitCodes, UsageError, writeJson, type CliContext, type ExitCode } from './context.ts';
import { defaultRunsFolder } from './options.ts';
import { count } from './text.ts';

interface ExportedSample {
  readonly id: string;
  readonly round: number;
  readonly task: string;
  readonly kind: string;
  readonly prompt: string;
  readonly completion: string;
  /** The failed sample that this one repairs. */
  readonly parent: string | null;
  readonly method: string | null;
  readonly reward: number | null;
}

export function addExport(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('export')
    .summary('write the samples of a run as JSONL')
    .description('Writes accepted samples, one JSON object a line: valid samples and accepted repairs, copies of training documents left out.')
    .argument('<run>', 'folder of the run, or the beginning of its name')
    .option('--samples', 'export the accepted samples')
    .option('--out <file>', 'write to this file, whole or not at all (default: standard output)')
    .option('--runs <folder>', 'folder in which the runs lie', defaultRunsFolder)
    .addHelpText('after', '\nExamples:\n  ouroboros export 20260131-1200 --samples > samples.jsonl\n  ouroboros export runs/20260131-120000-1a2b --samples --out samples.jsonl\n')
    .action((name: string, flags: { samples?: boolean; out?: string; runs: string }) => {
      if (!flags.samples) throw new UsageError('Say what to export: --samples.');
      const folder = findRunFolder(flags.runs, name, context.directory);
      const log = new EventLogReader(folder);
      try {
        const samples = acceptedSamples(log);
        if (flags.out === undefined) for (const sample of samples) writeJson(context, sample);
        else {
          const lines = [...samples].map((sample) => `${JSON.stringify(sample)}\n`);
          const path = resolve(context.directory, flags.out);
          writeFileAtomic(path, lines.join(''));
          context.stderr.write(`${count(lines.length, 'sample')} written to ${path}.\n`);
        }
      } finally {
        log.close();
      }
      done(exitCodes.ok);
    });
}

function* acceptedSamples(log: EventLogReader): Generator<ExportedSample> {
  const original = new Set<string>();
  for (const { data } of log.query({ types: ['evaluation.recorded'] })) if (data.valid && !data.copy) original.add(data.id);
  const repairs = new Set(log.query({ types: ['refinement.finished'] }).flatMap(({ data }) => data.accepted));
  const rewards = new Map(log.query({ types: ['reward.recorded'] }).map(({ data }) => [data.sampleId, data.value]));
  for (const { data } of log.query({ types: ['sample.created'] })) {
    if (!original.has(data.id) || (data.parent !== undefined && !repairs.has(data.id))) continue;
    yield {
      id: data.id,
      round: data.round,
      task: data.taskId,
      kind: data.kind,
      prompt: data.prompt,
      completion: data.completion,
      parent: data.parent ?? null,
      method: data.method ?? null,
      reward: rewards.get(data.id) ?? null,
    };
  }
}
