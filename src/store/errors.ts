/**
 * The one error type of the store, and the sentences it says. Every message names the path and tells what to do; the
 * system's own error stays available as `cause`.
 */

export type StoreErrorKind = 'full' | 'read-only' | 'missing' | 'busy' | 'damaged' | 'divergence' | 'invalid' | 'failed';

/** Something under a run folder or the cache could not be read or written. */
export class StoreError extends Error {
  override readonly name: string = 'StoreError';
  constructor(readonly kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A resumed run computed something else than the log holds: it did not repeat itself, so the log must not go on. */
export class LogDivergence extends StoreError {
  override readonly name = 'LogDivergence';
  /** Tried again, it would only come again. */
  readonly permanent = true;
  constructor(readonly key: string, readonly fields: readonly string[]) {
    super(
      'divergence',
      `The step '${key}' was logged before with other data; it differs in ${fields.join(', ')}. The run did not repeat itself: ` +
        'resume with the same backend, thread count, corpus and package versions (environment.json names them), or start a new run.',
    );
  }
}

/** Turns a file-system or SQLite error met while doing something to `path` into a StoreError. `doing` completes "Could not …". */
export function toStoreError(error: unknown, doing: string, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message } = describe(error);
  const say = (kind: StoreErrorKind, why: string): StoreError => new StoreError(kind, `Could not ${doing} ${path}: ${why}`, { cause: error });
  if (/ENOSPC|EDQUOT|SQLITE_FULL/.test(code)) return say('full', 'the disk is full. Free some space there, or choose another folder, and resume; what was committed is safe.');
  if (/EACCES|EPERM|EROFS|SQLITE_READONLY|SQLITE_PERM/.test(code)) return say('read-only', 'the place may not be written. Change its permissions, or choose another folder.');
  if (code === 'ENOTDIR' || code === 'EEXIST') return say('invalid', 'it, or a folder above it, is a file. Name another place.');
  if (code === 'ENOENT') return say('missing', 'it does not exist.');
  if (/SQLITE_BUSY|SQLITE_LOCKED/.test(code)) return say('busy', 'another process holds it. Wait until that process has ended, and try again.');
  if (/SQLITE_CORRUPT|SQLITE_NOTADB/.test(code)) return say('damaged', 'the file is damaged. Restore it from a copy, or start a new run.');
  if (/SQLITE_CANTOPEN/.test(code)) return say('read-only', 'it cannot be opened. See that its folder exists and may be written.');
  return say('failed', message);
}

function describe(error: unknown): { code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  // libsql reports a failed open as plain text that ends in SQLite's number (14: SQLITE_CANTOPEN).
  if (message.startsWith('ConnectionFailed')) return { code: 'SQLITE_CANTOPEN', message };
  return { code: typeof code === 'string' ? code : '', message };
}
