/**
 * Runs every arm under every seed, one after the other, each in a folder of its own (a cell). A cell with a manifest is finished and
 * is not run again; one without is gone on with where it was cut off, or begun again where it cannot be. Not here: what a run is
 * (run-cell.ts), so that tests can bring one of their own.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { RunError } from '../../src/index.ts';
import { readJson, writeFileAtomic, writeJsonAtomic } from '../../src/store/atomic.ts';
import { listRunFolders } from '../../src/store/run-folder.ts';
import { canonicalHash } from '../../src/store/canonical.ts';
import { StoreError, type StoreErrorKind } from '../../src/store/errors.ts';
import { UsageError } from '../usage.ts';
import type { CellFigures } from './figures.ts';
import type { Arm, Cell } from './settings.ts';

/** Written last, so its existence means that the cell is complete; all that the report needs, so it can stand without the run. */
export interface Manifest {
  /** Of everything that the cell's figures depend on. */
  readonly settings: string;
  /** That the last stretch took, where the run was cut off. */
  readonly seconds: number;
  readonly figures: CellFigures;
}

/** Runs one cell to its end, or resumes `run`, an unfinished run's folder; `round` is called after every new round, round 0 included. */
export type CellRunner = (cell: Cell, options: { readonly run: string | null; readonly round: (round: number, validity: number) => void; readonly signal: AbortSignal }) => Promise<CellFigures>;

/** The command asks for something that the folder or the settings do not allow; the message says what to do. */
export class ImproveError extends UsageError {
  override readonly name = 'ImproveError';
}

const manifestFile = (folder: string): string => join(folder, 'cell.json');
export const readManifest = (cell: Cell): Manifest | null => readJson<Manifest>(manifestFile(cell.folder));

/** Cells in the order in which they are run: all arms of a seed, then the next seed, so that whole pairs are there early. */
export function cellsOf(out: string, arms: readonly Arm[], seeds: readonly number[]): Cell[] {
  return seeds.flatMap((seed) => arms.map((arm) => ({ arm, seed, folder: join(out, 'cells', `${arm}-seed-${seed}`) })));
}

/** Refuses a folder that holds figures of other settings: they cannot be compared. */
export function claimSettings(out: string, settings: unknown): string {
  const hash = canonicalHash(settings);
  const path = join(out, 'settings.json');
  const before = readJson<unknown>(path);
  if (before === null) writeJsonAtomic(path, settings);
  else if (canonicalHash(before) !== hash) throw new ImproveError(`${out} holds a comparison with other settings (${path}); name another folder with --out, or delete this one.`);
  return hash;
}

const minutes = (seconds: number): string => (seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`);

/** Returns the cells in order. `say` gets a line a cell and a round. Throws what a cell's run throws; finished cells stay finished. */
export async function runCells(
  cells: readonly Cell[],
  { settings, rounds, runner, say, now, signal }: {
    readonly settings: string; readonly rounds: number; readonly runner: CellRunner;
    readonly say: (line: string) => void; /** Milliseconds. */ readonly now: () => number; readonly signal: AbortSignal;
  },
): Promise<void> {
  const left = cells.filter((cell) => readManifest(cell)?.settings !== settings);
  if (left.length < cells.length) say(`${cells.length - left.length} of ${cells.length} runs are finished already.`);
  const begun = now();
  const total = left.length * (rounds + 1);
  /** Rounds that are behind us, and those of them that this call has waited for. */
  let done = 0, timed = 0;
  for (const [i, cell] of left.entries()) {
    signal.throwIfAborted();
    const name = `${cell.arm}, seed ${cell.seed} (${cells.length - left.length + i + 1} of ${cells.length})`;
    const started = now();
    let last = -1;
    const round = (finished: number, validity: number): void => {
      done += finished - last;
      timed++;
      last = finished;
      const seconds = ((now() - begun) / 1000 / timed) * (total - done);
      say(`${name}: round ${finished} of ${rounds}, ${(100 * validity).toFixed(1)} % valid; about ${minutes(seconds)} left`);
    };
    const figures = await runOrResume(cell, { runner, round, signal, say: (line) => say(`${name}: ${line}`) });
    done = (i + 1) * (rounds + 1);
    const manifest: Manifest = { settings, seconds: (now() - started) / 1000, figures };
    writeFileAtomic(manifestFile(cell.folder), `${JSON.stringify(manifest)}\n`);
  }
}

/** What no other attempt to resume a run mends. */
const LOST: ReadonlySet<StoreErrorKind> = new Set(['damaged', 'missing']);

async function runOrResume(cell: Cell, { runner, round, signal, say }: { readonly runner: CellRunner; readonly round: (round: number, validity: number) => void; readonly signal: AbortSignal; readonly say: (line: string) => void }): Promise<CellFigures> {
  const unfinished = listRunFolders(cell.folder).at(-1);
  if (unfinished !== undefined) {
    try {
      say('going on where it was cut off');
      return await runner(cell, { run: unfinished, round, signal });
    } catch (error) {
      // What the user stopped, and what a full disk or a killed process stopped, is hours of work that the same command goes on with.
      // A damaged checkpoint is met by an effect of the run, whose failure carries it.
      const cause = error instanceof RunError ? error.cause : error;
      if (signal.aborted || !(cause instanceof StoreError && LOST.has(cause.kind))) throw error;
      say(`cannot be gone on with (${cause.message}); it begins again`);
    }
  }
  rmSync(cell.folder, { recursive: true, force: true });
  return runner(cell, { run: null, round, signal });
}
