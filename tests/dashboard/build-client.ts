/** Builds the page for tests when it is missing or older than its sources. Test files run side by side, so one builds and the others wait. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { builtClientFolder } from '../../dashboard/server/assets.ts';

const dashboard = fileURLToPath(new URL('../../dashboard/', import.meta.url));
const lock = join(dirname(dirname(builtClientFolder())), '.building-client');
/** A lock this old was left by a build that was killed, in ms. */
const ABANDONED = 120_000;

function fresh(): boolean {
  const index = join(builtClientFolder(), 'index.html');
  if (!existsSync(index)) return false;
  const sources = readdirSync(join(dashboard, 'client'), { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return [...sources, join(dashboard, 'protocol.ts'), join(dashboard, 'vite.config.ts')].every((path) => statSync(path).mtimeMs < statSync(index).mtimeMs);
}

export async function buildClient(): Promise<void> {
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    if (!existsSync(lock) && fresh()) return;
    try {
      mkdirSync(lock);
      break;
    } catch {
      const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
      if (since !== undefined && Date.now() - since > ABANDONED) rmSync(lock, { recursive: true, force: true });
      await pause(100);
    }
  }
  try {
    if (!fresh()) await build({ configFile: join(dashboard, 'vite.config.ts') });
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}
