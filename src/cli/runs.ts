/** `ouroboros runs`: what lies in the runs' folder and how far each came. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { databasePath } from '../store/database.ts';
import { StoreError } from '../store/errors.ts';
import { EventLogReader } from '../store/event-log.ts';
import { listRunFolders, runOwner } from '../store/run-folder.ts';
import { folderSize } from '../store/system.ts';
import { exitCodes, writeJson, type CliContext, type ExitCode } from './context.ts';
import { defaultRunsFolder } from './options.ts';
import { bytesText, columns, harmless } from './text.ts';

interface RunSummary {
  readonly name: string;
  readonly folder: string;
  /** `interrupted`: no process works on it and it did not finish; it can be resumed, and so can one that `failed`. `damaged`: its log cannot be read. */
  readonly state: 'running' | 'finished' | 'failed' | 'interrupted' | 'damaged';
  /** Why it ended, failed or cannot be read. */
  readonly reason: string | null;
  /** Complete rounds, round 0 not counted. */
  readonly rounds: number;
  /** Unconditional validity on the test split, first and last row. */
  readonly firstValidity: number | null;
  readonly lastValidity: number | null;
  readonly bytes: number;
}

export function addRuns(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('runs')
    .summary('list the runs')
    .description('Lists the runs, oldest first: state, rounds, validity at the start and at the end, size.')
    .option('--out <folder>', 'folder in which the runs lie', defaultRunsFolder)
    .option('--json', 'one run a line')
    .addHelpText('after', '\nExamples:\n  ouroboros runs\n  ouroboros runs --out /data/runs --json\n')
    .action((flags: { out: string; json?: boolean }) => {
      const base = resolve(context.directory, flags.out);
      const runs = listRunFolders(base).map(summarise);
      if (flags.json) for (const run of runs) writeJson(context, run);
      else context.stdout.write(runs.length > 0 ? `${runsText(runs)}\n` : `No runs in ${base} yet. 'ouroboros run' starts one.\n`);
      done(exitCodes.ok);
    });
}

function summarise(folder: string): RunSummary {
  const running = runOwner(folder) !== null;
  const nothing = { name: basename(folder), folder, state: running ? 'running' : 'interrupted', reason: null, rounds: 0, firstValidity: null, lastValidity: null, bytes: folderSize(folder) } as const;
  if (!existsSync(databasePath(folder))) return nothing;
  try {
    const log = new EventLogReader(folder);
    try {
      const rows = log.query({ types: ['round.finished'] }).map((event) => event.data);
      const last = log.query({ types: ['run.started', 'run.resumed', 'run.finished', 'run.failed'] }).at(-1);
      return {
        ...nothing,
        ...(!running && last?.type === 'run.finished' && { state: 'finished', reason: last.data.reason }),
        ...(!running && last?.type === 'run.failed' && { state: 'failed', reason: last.data.message }),
        rounds: rows.filter((row) => row.round > 0).length,
        firstValidity: rows[0]?.test.unconditional.value ?? null,
        lastValidity: rows.at(-1)?.test.unconditional.value ?? null,
      };
    } finally {
      log.close();
    }
  } catch (error) {
    // One that cannot be read hides none of the others.
    if (!(error instanceof StoreError)) throw error;
    return { ...nothing, state: 'damaged', reason: error.message };
  }
}

function runsText(runs: readonly RunSummary[]): string {
  const percent = (value: number | null): string => (value === null ? '–' : `${(100 * value).toFixed(1)} %`);
  return columns(
    ['run', 'state', 'rounds', 'first', 'last', 'size', 'ended'],
    runs.map((run) => [run.name, run.state, String(run.rounds), percent(run.firstValidity), percent(run.lastValidity), bytesText(run.bytes), harmless(run.reason ?? '').split('\n')[0]!]),
    [0, 1, 6],
  );
}
