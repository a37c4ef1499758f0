/**
 * What users tell a run, as rows of RUN/events.db: any process asks, the run takes. A table outlives both, so a request made
 * while the run is busy, or just before it is resumed, is not lost.
 */
import type { Command } from '../contracts/events.ts';
import { Database } from './database.ts';
import { StoreError } from './errors.ts';

const known: readonly Command[] = ['pause', 'resume', 'stop-after-round', 'stop-now'];

/** Asks the run in `runFolder` to do `command`. Throws StoreError where there is no run. */
export function requestCommand(runFolder: string, command: Command): void {
  if (!known.includes(command)) throw new StoreError('invalid', `'${String(command)}' is no command. There are: ${known.join(', ')}.`);
  // Opened as a reader first: asking must not make a log where there is none.
  new Database(runFolder, 'reader').close();
  const database = new Database(runFolder, 'writer');
  try {
    database.run('INSERT INTO commands (command, time) VALUES (?, ?)', command, Date.now());
  } finally {
    database.close();
  }
}

/** The run's end of the table. */
export class CommandQueue {
  readonly #database: Database;

  constructor(runFolder: string) {
    this.#database = new Database(runFolder, 'writer');
  }

  /** Commands that nobody took yet, oldest first; each is returned once. Cheap enough to call several times a second. */
  takeCommands(): Command[] {
    if (!this.#database.get('SELECT id FROM commands WHERE taken = 0 LIMIT 1')) return [];
    return this.#database.transaction(() => {
      const rows = this.#database.all<{ command: Command }>('SELECT command FROM commands WHERE taken = 0 ORDER BY id');
      this.#database.run('UPDATE commands SET taken = 1 WHERE taken = 0');
      return rows.map((row) => row.command);
    });
  }

  close(): void {
    this.#database.close();
  }
}
