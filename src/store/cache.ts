/**
 * The content-addressed cache that all runs of a user share: tokenizers, dedup indices, pretrained weights. An entry is a
 * folder named by the hash of everything it was made from; it appears whole or not at all, and never changes afterwards.
 * Losing the cache costs time and nothing else.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readJson, writeJsonAtomic } from './atomic.ts';
import { canonicalHash } from './canonical.ts';
import { StoreError, toStoreError } from './errors.ts';
import { folderSize, isProcessAlive } from './system.ts';

export interface CacheEntry {
  readonly kind: string;
  readonly hash: string;
  /** What the entry was made from. */
  readonly key: unknown;
  readonly folder: string;
  readonly bytes: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly usedAt: string;
}

interface Label {
  readonly key: unknown;
  readonly createdAt: string;
  readonly bytes: number;
}

const labelName = 'cache-entry.json';

/** OUROBOROS_CACHE, or the place where the system keeps caches. */
export function defaultCacheFolder(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env.OUROBOROS_CACHE) return resolve(env.OUROBOROS_CACHE);
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'ouroboros', 'cache');
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ouroboros');
}

/** Safe for any number of processes at once: entries are made in a folder of their own and renamed into place. */
export class Cache {
  readonly #entries: string;
  readonly #temporary: string;

  constructor(readonly folder: string = defaultCacheFolder()) {
    this.#entries = join(folder, 'entries');
    this.#temporary = join(folder, 'tmp');
  }

  /** The folder of the entry made from `key`, or null. Its files are read-only by agreement. */
  get(kind: string, key: unknown): string | null {
    const folder = this.#place(kind, key);
    const label = readLabel(folder);
    if (!label) return null;
    if (folderSize(folder) - sizeOf(join(folder, labelName)) !== label.bytes) {
      // Truncated by a full disk or edited by hand: as good as not there.
      this.#discard(folder);
      return null;
    }
    const now = new Date();
    // Only `list` shows it; a cache that may be read but not written still serves.
    try {
      utimesSync(join(folder, labelName), now, now);
    } catch {}
    return folder;
  }

  /**
   * Makes the entry of `key` with `write`, which fills an empty folder, and returns the entry's folder. Where another process
   * was faster its entry is returned. When `write` throws, nothing is left behind. Throws StoreError.
   */
  async put(kind: string, key: unknown, write: (folder: string) => Promise<void>): Promise<string> {
    const place = this.#place(kind, key);
    this.#sweep();
    const temporary = join(this.#temporary, `${process.pid}-${randomBytes(6).toString('hex')}`);
    try {
      mkdirSync(temporary, { recursive: true });
      await write(temporary);
      writeJsonAtomic(join(temporary, labelName), { key, createdAt: new Date().toISOString(), bytes: folderSize(temporary) } satisfies Label);
      mkdirSync(join(place, '..'), { recursive: true });
      try {
        renameSync(temporary, place);
      } catch {
        if (!readLabel(place)) {
          // What is in the way has no label, so it is no entry, or no longer.
          this.#discard(place);
          renameSync(temporary, place);
        }
      }
      return place;
    } catch (error) {
      throw isSystemError(error) ? toStoreError(error, 'write into the cache', this.folder) : error;
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }

  /** Every entry, largest first. */
  list(): CacheEntry[] {
    const entries = this.#folders().flatMap(({ kind, hash, folder }): CacheEntry[] => {
      const label = readLabel(folder);
      if (!label) return [];
      const used = statSync(join(folder, labelName), { throwIfNoEntry: false });
      return [{ kind, hash, key: label.key, folder, bytes: label.bytes, createdAt: label.createdAt, usedAt: used?.mtime.toISOString() ?? label.createdAt }];
    });
    return entries.sort((a, b) => b.bytes - a.bytes);
  }

  /** Entries, and folders in their place that have lost their label. */
  #folders(): { readonly kind: string; readonly hash: string; readonly folder: string }[] {
    return foldersIn(this.#entries).flatMap((kind) => foldersIn(join(this.#entries, kind)).map((hash) => ({ kind, hash, folder: join(this.#entries, kind, hash) })));
  }

  /** Deletes every entry; returns how many bytes that freed. Entries that others are writing are left alone. */
  clear(): number {
    let bytes = 0;
    for (const { folder } of this.#folders()) {
      bytes += readLabel(folder)?.bytes ?? folderSize(folder);
      this.#discard(folder);
    }
    this.#sweep();
    return bytes;
  }

  #place(kind: string, key: unknown): string {
    if (!/^[a-z0-9-]+$/.test(kind)) throw new StoreError('invalid', `'${kind}' cannot name a kind of cache entry: small letters, digits and '-' can.`);
    return join(this.#entries, kind, canonicalHash({ kind, key }));
  }

  /** Out of sight in one step, then deleted: nobody sees half an entry. */
  #discard(folder: string): void {
    const out = join(this.#temporary, `${process.pid}-${randomBytes(6).toString('hex')}`);
    try {
      mkdirSync(this.#temporary, { recursive: true });
      renameSync(folder, out);
      rmSync(out, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw toStoreError(error, 'delete the cache entry', folder);
    }
  }

  /** Deletes what processes that are gone left half made. */
  #sweep(): void {
    for (const name of foldersIn(this.#temporary)) {
      const pid = Number.parseInt(name, 10);
      if (pid === process.pid || isProcessAlive(pid)) continue;
      rmSync(join(this.#temporary, name), { recursive: true, force: true });
    }
  }
}

function readLabel(folder: string): Label | null {
  try {
    return readJson<Label>(join(folder, labelName));
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'damaged') return null;
    throw error;
  }
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
