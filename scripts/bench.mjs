// npm run bench -- NAME [--json]: measurements, straight from the sources.
import { join } from 'node:path';
import { checkNode, ensureInstalled, launch, run } from './lib.mjs';

await launch(async (args) => {
  checkNode();
  await ensureInstalled();
  return run(join('node_modules', 'tsx', 'dist', 'cli.mjs'), [join('bench', 'index.ts'), ...args]);
});
