/**
 * The SQLite file of a run: opening, schema, transactions, and errors in our words. The only module that imports libsql.
 * Not here: what the rows mean (event-log.ts, commands.ts).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'libsql';
import { StoreError, toStoreError } from './errors.ts';

export type Value = string | number | null;

const schema = `
  CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    round INTEGER,
    data TEXT NOT NULL,
    hashed INTEGER NOT NULL,
    time INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS events_by_type ON events (type, round, seq);
  CREATE TABLE IF NOT EXISTS commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    command TEXT NOT NULL,
    time INTEGER NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS chain (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    hash TEXT NOT NULL,
    round INTEGER
  );
`;

/** Milliseconds that a connection waits for another process's transaction. */
const busyTimeout = 10_000;

/** Where a run folder keeps its log. */
export function databasePath(runFolder: string): string {
  return join(runFolder, 'events.db');
}

/**
 * One connection to RUN/events.db. `writer` makes the file and its tables where they are missing; `reader` refuses to write,
 * and a missing file is an error.
 */
export class Database {
  readonly path: string;
  readonly #connection: Sqlite.Database;
  readonly #statements = new Map<string, Sqlite.Statement<unknown[]>>();

  constructor(runFolder: string, mode: 'writer' | 'reader', mostPages?: number) {
    this.path = databasePath(runFolder);
    if (mode === 'reader' && !existsSync(this.path)) {
      throw new StoreError('missing', `${runFolder} has no event log (events.db). Name a run's folder; 'ouroboros runs' lists them.`);
    }
    try {
      this.#connection = new Sqlite(this.path);
      this.#connection.exec(`PRAGMA busy_timeout = ${busyTimeout}`);
      if (mode === 'writer') {
        this.#connection.exec('PRAGMA journal_mode = WAL');
        // In WAL mode a commit survives the death of the process; only a power cut can take the last ones.
        this.#connection.exec('PRAGMA synchronous = NORMAL');
        this.#connection.exec(schema);
        if (mostPages !== undefined) this.#connection.exec(`PRAGMA max_page_count = ${mostPages}`);
      } else {
        this.#connection.exec('PRAGMA query_only = ON');
      }
    } catch (error) {
      throw toStoreError(error, 'open', this.path);
    }
  }

  /** Runs one statement; statements are prepared once. */
  run(sql: string, ...values: readonly Value[]): void {
    this.#do('write', () => this.#prepare(sql).run(...values));
  }

  /** The first row, or null. */
  get<T>(sql: string, ...values: readonly Value[]): T | null {
    return this.#do('read', () => (this.#prepare(sql).get(...values) as T | undefined) ?? null);
  }

  all<T>(sql: string, ...values: readonly Value[]): T[] {
    return this.#do('read', () => this.#prepare(sql).all(...values) as T[]);
  }

  /** Rows one by one; nothing may be written through this connection until the last was taken. */
  *iterate<T>(sql: string, ...values: readonly Value[]): Generator<T> {
    // A statement of its own: a prepared one that is still being read must not be started again.
    for (const row of this.#do('read', () => this.#connection.prepare<unknown[]>(sql).iterate(...values))) yield row as T;
  }

  /** Runs `work` in one transaction that holds the write lock from its start; an error undoes all of it. */
  transaction<T>(work: () => T): T {
    return this.#do('write', () => {
      this.#connection.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#connection.exec('COMMIT');
        return result;
      } catch (error) {
        // SQLite itself has undone the transaction when the disk is full.
        if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK');
        throw error;
      }
    });
  }

  close(): void {
    this.#statements.clear();
    if (this.#connection.open) this.#connection.close();
  }

  #prepare(sql: string): Sqlite.Statement<unknown[]> {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#connection.prepare<unknown[]>(sql)));
    return statement;
  }

  #do<T>(doing: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      const code = (error as { code?: unknown } | null)?.code;
      throw typeof code === 'string' && code.startsWith('SQLITE') ? toStoreError(error, doing, this.path) : error;
    }
  }
}
