import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readJson, writeFileAtomic } from '../../src/store/atomic.ts';
import { StoreError, toStoreError } from '../../src/store/errors.ts';
import { claimRun, createRunFolder, findRunFolder, latestRunFolder, listRunFolders, readEnvironment, readRunConfig, runOwner } from '../../src/store/run-folder.ts';
import { checkFreeDisk, folderSize } from '../../src/store/system.ts';
import { temporaryFolder } from './temporary.ts';

/** The number of a process that is gone. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

describe('making a run folder', () => {
  it('names it by date and time and stores configuration and environment', () => {
    const base = join(temporaryFolder(), 'not', 'yet there');
    const folder = createRunFolder(base, { seed: 7 }, new Date(2026, 0, 2, 3, 4, 5));
    expect(basename(folder)).toMatch(/^20260102-030405-[0-9a-f]{4}$/);
    expect(readRunConfig(folder)).toEqual({ seed: 7 });
    expect(readJson(join(folder, 'environment.json'))).toMatchObject({ node: process.versions.node, packages: { libsql: expect.stringMatching(/^\d/) } });
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'environment.json']);
  });

  it('gives two runs of one second two folders', () => {
    const base = temporaryFolder();
    const now = new Date();
    // Four hexadecimal digits: three names collide once in 20,000 times, and then making the folder fails rather than share it.
    const folders = Array.from({ length: 3 }, () => createRunFolder(base, {}, now));
    expect(new Set(folders).size).toBe(3);
    expect(listRunFolders(base)).toEqual([...folders].sort());
  });

  it('refuses to start where the disk is nearly full, and says what to do', () => {
    expect(() => checkFreeDisk(temporaryFolder(), 1e18)).toThrow(/Only \d+ MB are free .* Free some space, or choose another folder with --out/);
    expect(() => checkFreeDisk(temporaryFolder(), 0)).not.toThrow();
  });

  it('names versions of packages whether they export their package.json or not', () => {
    const { packages } = readEnvironment();
    for (const name of ['xstate', 'zod', 'onnxruntime-node', '@tensorflow/tfjs']) expect(packages[name]).toMatch(/^\d+\.\d+/);
  });
});

describe('finding a run', () => {
  it('takes a path, a whole name or the beginning of just one name', () => {
    const base = temporaryFolder();
    const a = createRunFolder(base, {}, new Date(2026, 0, 1));
    const b = createRunFolder(base, {}, new Date(2026, 1, 1));
    expect(findRunFolder('elsewhere', a)).toBe(a);
    expect(findRunFolder(base, basename(b))).toBe(b);
    expect(findRunFolder(base, '202602')).toBe(b);
    expect(findRunFolder('.', basename(a), base)).toBe(a);
    expect(latestRunFolder(base)).toBe(b);
    expect(() => findRunFolder(base, '2026')).toThrow(/may be 20260101-.* or 20260201-.*: write more/);
    expect(() => findRunFolder(base, '1999')).toThrow(/No run '1999' .* The latest there: 20260101/);
  });

  it('says so where there is none', () => {
    const base = temporaryFolder();
    mkdirSync(join(base, 'no-run'));
    expect(listRunFolders(base)).toEqual([]);
    expect(listRunFolders(join(base, 'missing'))).toEqual([]);
    expect(() => latestRunFolder(base)).toThrow(/'ouroboros run' starts one/);
    expect(() => readRunConfig(base)).toThrow(/is not the folder of a run/);
  });
});

describe('the owner of a run', () => {
  it('is one at a time, and gone after release', () => {
    const folder = createRunFolder(temporaryFolder(), {});
    expect(runOwner(folder)).toBeNull();
    const release = claimRun(folder);
    expect(runOwner(folder)).toMatchObject({ pid: process.pid });
    expect(() => claimRun(folder)).toThrow(StoreError);
    release();
    release();
    expect(existsSync(join(folder, 'owner.json'))).toBe(false);
    claimRun(folder)();
  });

  it('refuses while another process lives, with its number', () => {
    const folder = createRunFolder(temporaryFolder(), {});
    writeFileSync(join(folder, 'owner.json'), JSON.stringify({ pid: process.ppid, startedAt: '2026-01-01T00:00:00Z' }));
    expect(() => claimRun(folder)).toThrow(new RegExp(`by process ${process.ppid} since 2026.*delete`));
    expect(runOwner(folder)).toMatchObject({ pid: process.ppid });
  });

  it.each([
    ['a process that is gone', () => JSON.stringify({ pid: deadPid(), startedAt: '2026-01-01T00:00:00Z' })],
    ['an earlier process of our own number', () => JSON.stringify({ pid: process.pid, startedAt: '2026-01-01T00:00:00Z' })],
    ['a file that a power cut emptied', () => ''],
  ])('replaces %s', (_, content) => {
    const folder = createRunFolder(temporaryFolder(), {});
    writeFileSync(join(folder, 'owner.json'), content());
    expect(runOwner(folder)).toBeNull();
    const release = claimRun(folder);
    expect(runOwner(folder)).toMatchObject({ pid: process.pid });
    release();
  });
});

describe('atomic files', () => {
  it('replace what is there and leave nothing beside it', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'deep', 'file.json');
    writeFileAtomic(path, 'first');
    writeFileAtomic(path, 'second');
    expect(readFileSync(path, 'utf8')).toBe('second');
    expect(readdirSync(join(folder, 'deep'))).toEqual(['file.json']);
  });

  it('leave the old file and no rest when writing fails', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'taken', 'inside'), { recursive: true });
    expect(() => writeFileAtomic(join(folder, 'taken'), 'x')).toThrow(StoreError);
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  it('reading tells missing from damaged', () => {
    const path = join(temporaryFolder(), 'x.json');
    expect(readJson(path)).toBeNull();
    writeFileSync(path, '{"a":');
    expect(() => readJson(path)).toThrow(/x\.json: it is not JSON/);
  });
});

it.each([
  ['ENOSPC', 'full', /disk is full. Free some space/],
  ['SQLITE_FULL', 'full', /disk is full. Free some space/],
  ['EROFS', 'read-only', /may not be written. Change its permissions/],
  ['EACCES', 'read-only', /may not be written. Change its permissions/],
  ['SQLITE_READONLY_DBMOVED', 'read-only', /may not be written/],
  ['SQLITE_BUSY', 'busy', /another process holds it. Wait/],
  ['SQLITE_CORRUPT', 'damaged', /is damaged. Restore/],
  ['ENOENT', 'missing', /does not exist/],
  ['EIO', 'failed', /i\/o error/],
])('the system error %s is told as %s, with what to do', (code, kind, message) => {
  const cause = Object.assign(new Error('i/o error'), { code });
  const error = toStoreError(cause, 'write', '/some/file');
  expect(error).toMatchObject({ kind, cause });
  expect(error.message).toMatch(/^Could not write \/some\/file: /);
  expect(error.message).toMatch(message);
});

it('sizes are those of all files below', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'a', 'b'), { recursive: true });
  writeFileSync(join(folder, 'x'), Buffer.alloc(10));
  writeFileSync(join(folder, 'a', 'b', 'y'), Buffer.alloc(5));
  expect(folderSize(folder)).toBe(15);
  expect(folderSize(join(folder, 'missing'))).toBe(0);
});
