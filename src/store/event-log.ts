/**
 * The event log of a run, RUN/events.db: what happened, in order, each event once. It is the truth; the replay buffer, the
 * tables, the dashboard and the exports are queries over it. One EventLog writes; any number of EventLogReaders, in any
 * process, read. Not here: checkpoints and what the events mean.
 */
import { createHash } from 'node:crypto';
import type { EventSink, HashedEvent, LoggedEvent, RunEvent, UnhashedEvent } from '../contracts/events.ts';
import { canonicalJson, differences } from './canonical.ts';
import { Database, type Value } from './database.ts';
import { LogDivergence, StoreError } from './errors.ts';

/** Notes wait at most so many milliseconds for a record to be committed with. */
const noteDelay = 50;

export interface EventQuery<T extends RunEvent['type'] = RunEvent['type']> {
  /** Only these types; absent: all. */
  readonly types?: readonly T[];
  /** Only the steps of these keys. */
  readonly keys?: readonly string[];
  /** Only events of this round. A recorded event that names no round belongs to that of the one before it; a note that names none, to none. */
  readonly round?: number;
  /** Only events after this seq. */
  readonly after?: number;
  /** At most so many, the first ones. */
  readonly limit?: number;
}

/** The logged events of the types `T`. */
export type EventOf<T extends RunEvent['type']> = Extract<LoggedEvent, { type: T }>;

interface Row {
  readonly seq: number;
  readonly key: string;
  readonly type: string;
  readonly data: string;
  readonly hashed: number;
  readonly time: number;
}

/** The hash of a log that holds no hashed event. */
const emptyHash = createHash('sha256').update('ouroboros event log 1').digest('hex');

/** H(n) = SHA-256(H(n-1), type, key, data), each on a line of its own; JSON and keys hold no line breaks. */
function link(previous: string, type: string, key: string, data: string): string {
  return createHash('sha256').update(`${previous}\n${type}\n${key}\n${data}\n`).digest('hex');
}

/** Reads a log: another process's or one's own. Every call sees all that was committed before it. */
export class EventLogReader {
  readonly #database: Database;

  /** Throws StoreError when `runFolder` holds no log. */
  constructor(runFolder: string) {
    this.#database = new Database(runFolder, 'reader');
  }

  /** Events with a seq greater than `seq`, in order, at most `limit`. */
  after(seq: number, limit = 1000): LoggedEvent[] {
    return select(this.#database, { after: seq, limit });
  }

  /** The greatest seq; 0 for an empty log. */
  last(): number {
    return lastSeq(this.#database);
  }

  /** Events in order of seq. */
  query<T extends RunEvent['type']>(query: EventQuery<T>): EventOf<T>[] {
    return select(this.#database, query);
  }

  /** The log's hash, computed again from every hashed event: equal to the writer's `hash()` unless the file was changed. */
  hash(): string {
    let hash = emptyHash;
    for (const row of this.#database.iterate<Row>('SELECT type, key, data FROM events WHERE hashed = 1 ORDER BY seq')) {
      hash = link(hash, row.type, row.key, row.data);
    }
    return hash;
  }

  close(): void {
    this.#database.close();
  }
}

/** Writes a log. A run has one writer at a time (run-folder.ts holds the lock). */
export class EventLog implements EventSink {
  readonly #database: Database;
  readonly #listeners = new Set<(lastSeq: number) => void>();
  #notes: { readonly event: UnhashedEvent; readonly time: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #last: number;
  #hash: string;
  #round: number | null;
  #closed = false;

  /**
   * Opens the log in `runFolder` and makes it where there is none. `mostPages` limits the file, in pages of 4 KiB: beyond it
   * the disk counts as full. Throws StoreError.
   */
  constructor(runFolder: string, limits: { readonly mostPages?: number } = {}) {
    this.#database = new Database(runFolder, 'writer', limits.mostPages);
    this.#last = lastSeq(this.#database);
    const head = this.#database.get<{ hash: string; round: number | null }>('SELECT hash, round FROM chain WHERE id = 1');
    this.#hash = head?.hash ?? emptyHash;
    this.#round = head?.round ?? null;
  }

  /**
   * Appends hashed events in one transaction, so all of them or none. An event whose key is stored already is left as it is
   * when its data is equal; otherwise nothing is stored and LogDivergence is thrown. Throws StoreError for numbers that are
   * not finite and when the disk is full; what was committed before stays.
   */
  record(events: readonly { readonly key: string; readonly event: HashedEvent }[]): void {
    this.#refuseClosed();
    this.#commit(events);
  }

  /** Appends an event that no hash covers; committed with the next record or within 50 ms. */
  note(event: UnhashedEvent): void {
    this.#refuseClosed();
    this.#notes.push({ event, time: Date.now() });
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // Nobody waits for a note: when the disk is full the notes stay buffered, and the next record tells its caller.
      try {
        this.#commit([]);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
    }, noteDelay);
    this.#timer.unref();
  }

  /** Commits the notes that still wait. */
  flush(): void {
    this.#refuseClosed();
    this.#commit([]);
  }

  /** Calls `listener` with the last seq after each commit; returns what ends that. */
  onNews(listener: (lastSeq: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * SHA-256 chain, in hexadecimal, over type, key and data of every hashed event in order. Notes, times and seq do not enter
   * it, so two runs of one seed have one hash.
   */
  hash(): string {
    return this.#hash;
  }

  /** The greatest committed seq; 0 for an empty log. */
  last(): number {
    return this.#last;
  }

  /** Events in order of seq, the notes that still wait included. */
  query<T extends RunEvent['type']>(query: EventQuery<T>): EventOf<T>[] {
    if (this.#notes.length > 0) this.flush();
    return select(this.#database, query);
  }

  /** Whether a step was recorded. */
  has(key: string): boolean {
    return this.#database.get('SELECT seq FROM events WHERE key = ?', key) !== null;
  }

  /** Commits the notes that wait and closes the file. */
  close(): void {
    if (this.#closed) return;
    try {
      this.#commit([]);
    } finally {
      this.#closed = true;
      this.#listeners.clear();
      this.#database.close();
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw new StoreError('failed', `The event log ${this.#database.path} was closed already.`);
  }

  #commit(events: readonly { readonly key: string; readonly event: HashedEvent }[]): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (events.length === 0 && this.#notes.length === 0) return;
    const time = Date.now();
    const before = this.#last;
    // Taken over only once the transaction is committed.
    let last = this.#last, hash = this.#hash, round = this.#round;
    const insert = (key: string, event: RunEvent, eventRound: number | null, data: string, hashed: 0 | 1, at: number): void => {
      this.#database.run('INSERT INTO events (seq, key, type, round, data, hashed, time) VALUES (?, ?, ?, ?, ?, ?, ?)', ++last, key, event.type, eventRound, data, hashed, at);
    };
    this.#database.transaction(() => {
      for (const note of this.#notes) {
        insert(`note:${last + 1}`, note.event, roundOf(note.event), JSON.stringify(note.event.data), 0, note.time);
      }
      for (const { key, event } of events) {
        if (/[\n\0]/.test(key) || key.startsWith('note:')) throw new StoreError('invalid', `${JSON.stringify(key)} cannot be a step key: line breaks and the prefix 'note:' are taken.`);
        const data = canonicalJson(event.data);
        round = roundOf(event) ?? round;
        const stored = this.#database.get<{ type: string; data: string }>('SELECT type, data FROM events WHERE key = ?', key);
        if (stored) {
          if (stored.type !== event.type) throw new LogDivergence(key, ['type']);
          if (stored.data !== data) throw new LogDivergence(key, differences(JSON.parse(stored.data), JSON.parse(data)));
          continue;
        }
        insert(key, event, round, data, 1, time);
        hash = link(hash, event.type, key, data);
      }
      if (hash !== this.#hash || round !== this.#round) {
        this.#database.run('INSERT INTO chain (id, hash, round) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, round = excluded.round', hash, round);
      }
    });
    this.#notes = [];
    [this.#last, this.#hash, this.#round] = [last, hash, round];
    if (last > before) for (const listener of this.#listeners) listener(last);
  }
}

function roundOf(event: RunEvent): number | null {
  const round = (event.data as { round?: unknown }).round;
  return typeof round === 'number' ? round : null;
}

function lastSeq(database: Database): number {
  return database.get<{ last: number | null }>('SELECT MAX(seq) AS last FROM events')?.last ?? 0;
}

function select<T extends RunEvent['type']>(database: Database, query: EventQuery<T>): EventOf<T>[] {
  const where: string[] = [];
  const values: Value[] = [];
  if (query.types) {
    where.push(`type IN (${query.types.map(() => '?').join(', ')})`);
    values.push(...query.types);
  }
  if (query.keys) {
    // One parameter however many keys there are: SQLite limits their number.
    where.push('key IN (SELECT value FROM json_each(?))');
    values.push(JSON.stringify(query.keys));
  }
  if (query.round !== undefined) {
    where.push('round = ?');
    values.push(query.round);
  }
  if (query.after !== undefined) {
    where.push('seq > ?');
    values.push(query.after);
  }
  let sql = 'SELECT seq, key, type, data, hashed, time FROM events';
  if (where.length > 0) sql += ` WHERE ${where.join(' AND ')}`;
  sql += ' ORDER BY seq';
  if (query.limit !== undefined) {
    sql += ' LIMIT ?';
    values.push(query.limit);
  }
  return database.all<Row>(sql, ...values).map((row) => ({
    type: row.type,
    data: JSON.parse(row.data) as unknown,
    seq: row.seq,
    key: row.key,
    hashed: row.hashed === 1,
    time: row.time,
  })) as EventOf<T>[];
}
