/** Peak memory of a fresh process of ours that trains and samples at a size: what it does, and how it is started. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const MEMORY_STEPS = 3;
export const MEMORY_BATCH = 64;
/** Caches have their full size from the start, so a few tokens are as good as a whole context. */
export const MEMORY_TOKENS = 16;

/** Bytes; null where the system does not tell. The loader that runs TypeScript is part of it. */
export function ourPeak(size: string): number | null {
  const entry = fileURLToPath(new URL('memory-entry.ts', import.meta.url));
  const output = execFileSync(process.execPath, ['--import', createRequire(import.meta.url).resolve('tsx'), entry, size], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return (JSON.parse(output) as { peak: number | null }).peak;
}
