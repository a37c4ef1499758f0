/**
 * The folder of a run: its name, its configuration, the environment it ran in, and the lock that gives it one owner. What
 * lies in it: config.json, environment.json, owner.json (while a process works on it), events.db, checkpoints/. Not here: the
 * log itself and checkpoints.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { cpus, platform, release, totalmem } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJson, writeJsonAtomic } from './atomic.ts';
import { Database } from './database.ts';
import { StoreError, toStoreError } from './errors.ts';
import { checkFreeDisk, isProcessAlive } from './system.ts';

/** Free bytes below which no run starts: the log, three checkpoints and their copies while they are written. */
const leastFree = 500e6;

export interface Environment {
  readonly ouroboros: string;
  readonly node: string;
  readonly platform: string;
  readonly architecture: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Version of each installed dependency, by name. */
  readonly packages: Readonly<Record<string, string>>;
}

interface Owner {
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** Folders that this process owns: after a restart in a container an old owner may well have had the same pid. */
const owned = new Set<string>();

/**
 * Makes `base`/<date-time>-<id> with config.json and environment.json, and returns its absolute path. `config` is stored as
 * it is. Throws StoreError: too little free disk, or a place that may not be written.
 */
export function createRunFolder(base: string, config: unknown, now: Date = new Date()): string {
  const parent = resolve(base);
  try {
    mkdirSync(parent, { recursive: true });
  } catch (error) {
    throw toStoreError(error, 'make the folder', parent);
  }
  checkFreeDisk(parent, leastFree);
  const two = (n: number): string => String(n).padStart(2, '0');
  const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  const folder = join(parent, `${date}-${randomBytes(2).toString('hex')}`);
  try {
    mkdirSync(folder);
  } catch (error) {
    throw toStoreError(error, 'make the folder', folder);
  }
  writeJsonAtomic(join(folder, 'environment.json'), readEnvironment());
  // Last: a folder is a run once it has a configuration.
  writeJsonAtomic(join(folder, 'config.json'), config);
  return folder;
}

/** The configuration that the run was started with, unchecked. Throws StoreError when `folder` is no run. */
export function readRunConfig(folder: string): unknown {
  const config = readJson<unknown>(join(folder, 'config.json'));
  if (config === null) throw new StoreError('missing', `${folder} is not the folder of a run: it has no config.json. 'ouroboros runs' lists the runs.`);
  return config;
}

/** Whether `folder` is the folder of a run. */
export function isRunFolder(folder: string): boolean {
  return existsSync(join(folder, 'config.json'));
}

/** Absolute paths of the runs under `base`, oldest first. */
export function listRunFolders(base: string): string[] {
  let names: string[];
  try {
    names = readdirSync(base);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw toStoreError(error, 'list', base);
  }
  return names.sort().map((name) => resolve(base, name)).filter(isRunFolder);
}

/**
 * The run that a user means: a folder's path, or the beginning of the name of just one run under `base`; relative paths start
 * at `directory`. Throws StoreError that lists the candidates.
 */
export function findRunFolder(base: string, name: string, directory: string = process.cwd()): string {
  const path = resolve(directory, name);
  if (isRunFolder(path)) return path;
  const folders = listRunFolders(resolve(directory, base));
  const matches = folders.filter((folder) => basename(folder).startsWith(name));
  const found = matches.find((folder) => basename(folder) === name) ?? (matches.length === 1 ? matches[0] : undefined);
  if (found) return found;
  if (matches.length > 1) throw new StoreError('missing', `'${name}' may be ${matches.map((folder) => basename(folder)).join(' or ')}: write more of the name.`);
  const known = folders.length > 0 ? `The latest there: ${folders.slice(-5).map((folder) => basename(folder)).join(', ')}.` : 'There is no run there yet.';
  throw new StoreError('missing', `No run '${name}' in ${resolve(directory, base)}. ${known}`);
}

/** The run under `base` that was started last; one of those of which `wanted` holds, where there is any. Throws StoreError when there is no run. */
export function latestRunFolder(base: string, directory: string = process.cwd(), wanted: (folder: string) => boolean = () => true): string {
  const folders = listRunFolders(resolve(directory, base));
  const latest = folders.findLast(wanted) ?? folders.at(-1);
  if (latest === undefined) throw new StoreError('missing', `There is no run in ${resolve(directory, base)} yet. 'ouroboros run' starts one.`);
  return latest;
}

/**
 * Makes this process the owner of the run; returns what ends that. An owner whose process is gone is replaced. Throws
 * StoreError (`busy`) while another process works on the run.
 */
export function claimRun(folder: string): () => void {
  const path = join(folder, 'owner.json');
  const key = resolve(folder);
  // The database's write lock makes look-and-replace one step between processes.
  const database = new Database(folder, 'writer');
  try {
    database.transaction(() => {
      const owner = readOwner(path);
      if (owner && (owner.pid === process.pid ? owned.has(key) : isProcessAlive(owner.pid))) {
        throw new StoreError(
          'busy',
          `The run ${folder} is being worked on by process ${owner.pid} since ${owner.startedAt}. Wait until it ends or stop it; if that process is something else, delete ${path}.`,
        );
      }
      writeJsonAtomic(path, { pid: process.pid, startedAt: new Date().toISOString() } satisfies Owner);
      owned.add(key);
    });
  } finally {
    database.close();
  }
  return () => {
    if (owned.delete(key)) rmSync(path, { force: true });
  };
}

/** The process that works on the run now, or null. */
export function runOwner(folder: string): Owner | null {
  const owner = readOwner(join(folder, 'owner.json'));
  if (!owner) return null;
  return (owner.pid === process.pid ? owned.has(resolve(folder)) : isProcessAlive(owner.pid)) ? owner : null;
}

/** What this process runs on and with. */
export function readEnvironment(): Environment {
  const { root, version, dependencies, optionalDependencies } = ownPackage();
  const packages: Record<string, string> = {};
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies }).sort()) {
    const installed = installedVersion(root, name);
    if (installed) packages[name] = installed;
  }
  const processors = cpus();
  return {
    ouroboros: version ?? 'unknown',
    node: process.versions.node,
    platform: `${platform()} ${release()}`,
    architecture: process.arch,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    packages,
  };
}

/** This package's version. */
export const packageVersion = (): string => ownPackage().version ?? 'unknown';

/** This package's package.json and the folder it lies in: the same from src/ and from dist/. */
function ownPackage(): { readonly root: string; readonly version?: string; readonly dependencies?: Record<string, string>; readonly optionalDependencies?: Record<string, string> } {
  for (let root = dirname(fileURLToPath(import.meta.url)); ; root = dirname(root)) {
    const own = readJson<{ name?: string }>(join(root, 'package.json'));
    if (own?.name === 'ouroboros') return { ...own, root };
    if (dirname(root) === root) throw new StoreError('missing', 'The package.json of ouroboros was not found. Install the package again.');
  }
}

/** Node's own search, by hand: many packages do not export their package.json. */
function installedVersion(from: string, name: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const version = readJson<{ version?: string }>(join(folder, 'node_modules', name, 'package.json'))?.version;
    if (version) return version;
    if (dirname(folder) === folder) return null;
  }
}

function readOwner(path: string): Owner | null {
  try {
    return readJson<Owner>(path);
  } catch (error) {
    // A power cut may leave it empty; then nobody owns the run.
    if (error instanceof StoreError && error.kind === 'damaged') return null;
    throw error;
  }
}
