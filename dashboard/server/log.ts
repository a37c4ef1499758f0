/**
 * What the dashboard asks of a run folder: records by cursor, whether the run's process is alive, the planned rounds, and a
 * place to leave commands. `openRunFolder` is the real one; tests stand in for it. Not here: what the records mean.
 */
import { basename, resolve } from 'node:path';
import { requestCommand } from '../../src/store/commands.ts';
import { StoreError } from '../../src/store/errors.ts';
import { EventLogReader } from '../../src/store/event-log.ts';
import { readRunConfig, runOwner } from '../../src/store/run-folder.ts';
import type { WireCommand, WireEvent } from '../protocol.ts';

export interface RunSource {
  /** Name of the run, for people. */
  readonly name: string;
  /** Up to `limit` records with a position above `seq`, in order. */
  after(seq: number, limit: number): readonly WireEvent[];
  /** The records of these steps, in order; those that there are. */
  withKeys(keys: readonly string[]): readonly WireEvent[];
  /** Position of the newest record; 0 when there is none. */
  lastSeq(): number;
  /** Whether the process that owns the run is alive. */
  ownerAlive(): boolean;
  plannedRounds(): number | null;
  command(command: WireCommand): void;
  close(): void;
}

/** Reads the run in `folder`. A log that does not exist yet is an empty one; it is looked for again at every call. */
export function openRunFolder(folder: string): RunSource {
  let reader: EventLogReader | undefined;
  const read = <T>(ask: (reader: EventLogReader) => T, nothing: T): T => {
    try {
      return ask((reader ??= new EventLogReader(folder)));
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'missing') return nothing;
      throw error;
    }
  };
  return {
    name: basename(resolve(folder)),
    after: (seq, limit) => read<readonly WireEvent[]>((log) => log.after(seq, limit), []),
    withKeys: (keys) => read<readonly WireEvent[]>((log) => log.query({ keys }), []),
    lastSeq: () => read((log) => log.last(), 0),
    ownerAlive: () => runOwner(folder) !== null,
    plannedRounds: () => {
      try {
        const rounds = (readRunConfig(folder) as { budget?: { rounds?: unknown } }).budget?.rounds;
        return typeof rounds === 'number' ? rounds : null;
      } catch {
        // The number is a convenience; whatever is wrong with the file is the run's to report.
        return null;
      }
    },
    command: (command) => requestCommand(folder, command),
    close: () => reader?.close(),
  };
}
