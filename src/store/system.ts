/** Questions to the operating system that run folder and cache share: free disk, sizes, and whether a process lives. */
import { readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError, toStoreError } from './errors.ts';

/** Throws StoreError (`full`) when fewer than `bytes` are free where `folder` lies. */
export function checkFreeDisk(folder: string, bytes: number): void {
  const free = freeDisk(folder);
  if (free < bytes) {
    throw new StoreError('full', `Only ${megabytes(free)} MB are free where ${folder} lies, and a run may need ${megabytes(bytes)} MB. Free some space, or choose another folder with --out.`);
  }
}

/** Bytes that this user may still write where `folder` lies. */
export function freeDisk(folder: string): number {
  try {
    const disk = statfsSync(folder);
    return disk.bavail * disk.bsize;
  } catch (error) {
    throw toStoreError(error, 'see the free space of', folder);
  }
}

/** Bytes of all files under `folder`. What goes away meanwhile counts as none. */
export function folderSize(folder: string): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      bytes += entry.isDirectory() ? folderSize(path) : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw toStoreError(error, 'measure', folder);
  }
  return bytes;
}

/** Whether a process of this number exists, be it another user's. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
