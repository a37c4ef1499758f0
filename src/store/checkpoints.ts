/**
 * The checkpoints of a run: folders under RUN/checkpoints whose files somebody else writes. A checkpoint exists once it has
 * a manifest, which is written last; a folder without one is the rest of a crash. Not here: what the files hold.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readJson, syncFile, syncFolder, writeJsonAtomic } from './atomic.ts';
import { StoreError, toStoreError } from './errors.ts';

export interface Manifest {
  readonly name: string;
  /** 1, 2, 3, … in the order in which the run's checkpoints were completed. */
  readonly sequence: number;
  /** The round it was saved in; null before the first. */
  readonly round: number | null;
  /** Hash of everything that training needs, as the model host gave it. */
  readonly weightsHash: string;
  /** Whatever the saver wants back: counters, the replay buffer's watermark. */
  readonly state: unknown;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

const manifestName = 'manifest.json';

/** Whether a run has saved any weights. */
export const hasCheckpoints = (runFolder: string): boolean => existsSync(join(runFolder, 'checkpoints')) && new Checkpoints(runFolder).list().length > 0;

export class Checkpoints {
  readonly folder: string;

  /** Makes RUN/checkpoints where it is missing. */
  constructor(runFolder: string) {
    this.folder = resolve(runFolder, 'checkpoints');
    try {
      mkdirSync(this.folder, { recursive: true });
    } catch (error) {
      throw toStoreError(error, 'make the folder', this.folder);
    }
  }

  /** The path of a checkpoint's folder, whether it exists or not. */
  path(name: string): string {
    if (!/^[a-z0-9][a-z0-9._-]*$/i.test(name)) throw new StoreError('invalid', `'${name}' cannot name a checkpoint: letters, digits, '.', '_' and '-' can.`);
    return join(this.folder, name);
  }

  /** An empty folder for the checkpoint `name`; one of that name that exists already is discarded. */
  prepare(name: string): string {
    this.#remove(name);
    try {
      mkdirSync(this.path(name));
    } catch (error) {
      throw toStoreError(error, 'make the folder', this.path(name));
    }
    return this.path(name);
  }

  /** Hashes what lies in the prepared folder, flushes it to the disk and writes the manifest: from now on the checkpoint exists. */
  async complete(name: string, info: { readonly round: number | null; readonly weightsHash: string; readonly state?: unknown }): Promise<Manifest> {
    const folder = this.path(name);
    try {
      const files: Record<string, { bytes: number; sha256: string }> = {};
      for (const file of filesIn(folder)) {
        const path = join(folder, file);
        files[file.split(sep).join('/')] = { bytes: statSync(path).size, sha256: await hashFile(path) };
        syncFile(path);
      }
      if (Object.keys(files).length === 0) throw new StoreError('invalid', `The checkpoint '${name}' holds no file; save the models into ${folder} first.`);
      syncFolder(folder);
      const manifest: Manifest = {
        name,
        sequence: (this.latest()?.sequence ?? 0) + 1,
        round: info.round,
        weightsHash: info.weightsHash,
        state: info.state ?? null,
        files,
      };
      writeJsonAtomic(join(folder, manifestName), manifest);
      syncFolder(this.folder);
      return manifest;
    } catch (error) {
      throw toStoreError(error, 'complete the checkpoint', folder);
    }
  }

  /** Complete checkpoints, in the order of their completion. */
  list(): Manifest[] {
    return this.#names()
      .map((name) => this.get(name))
      .filter((manifest) => manifest !== null)
      .sort((a, b) => a.sequence - b.sequence);
  }

  /** The manifest of a complete checkpoint, or null. */
  get(name: string): Manifest | null {
    return readJson<Manifest>(join(this.path(name), manifestName));
  }

  /** The checkpoint that was completed last, or null. */
  latest(): Manifest | null {
    return this.list().at(-1) ?? null;
  }

  /** The path of a complete checkpoint's folder, once every file of it was read again. Throws StoreError that names the first missing or damaged one. */
  async verified(name: string): Promise<string> {
    const manifest = this.get(name);
    if (!manifest) throw new StoreError('missing', `There is no complete checkpoint '${name}' in ${this.folder}. There are: ${this.list().map((m) => m.name).join(', ') || 'none'}.`);
    for (const [file, { bytes, sha256 }] of Object.entries(manifest.files)) {
      const path = join(this.path(name), file);
      const intact = existsSync(path) && statSync(path).size === bytes && (await hashFile(path)) === sha256;
      if (intact) continue;
      const rescue = manifest.round === null ? `delete the folder ${this.path(name)} and resume: the run goes on from the checkpoint before it` : 'start a new run';
      throw new StoreError('damaged', `The checkpoint file ${path} is missing or damaged. Restore it from a copy, or ${rescue}.`);
    }
    return this.path(name);
  }

  /**
   * Deletes all but: the last `keep`, those of every tenth round, and those named in `always` (the best, and the one last
   * promoted). Returns the names of what was deleted.
   */
  retain(rule: { readonly keep: number; readonly always: readonly string[] }): string[] {
    const all = this.list();
    const kept = new Set([...all.slice(-rule.keep).map((m) => m.name), ...rule.always]);
    const deleted = all.filter((m) => !kept.has(m.name) && !(m.round !== null && m.round % 10 === 0)).map((m) => m.name);
    for (const name of deleted) this.#remove(name);
    return deleted;
  }

  /** Deletes what a crash left: folders without a manifest. Not while a checkpoint is being written. Returns their names. */
  clean(): string[] {
    const broken = this.#names().filter((name) => this.get(name) === null);
    for (const name of broken) this.#remove(name);
    return broken;
  }

  #names(): string[] {
    return readdirSync(this.folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  }

  #remove(name: string): void {
    const folder = this.path(name);
    try {
      // The manifest first: a crash in between leaves an incomplete checkpoint, never a complete one with files missing.
      rmSync(join(folder, manifestName), { force: true });
      rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      throw toStoreError(error, 'delete', folder);
    }
  }
}

/** Paths, relative to `folder`, of the files in it, sorted; without the manifest. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => file !== manifestName)
    .sort();
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
