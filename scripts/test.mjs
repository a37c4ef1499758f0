// npm test [-- arguments of vitest]: the same set-up as npm start, then every test once.
import { join } from 'node:path';
import { checkNode, ensureBuilt, ensureInstalled, launch, run } from './lib.mjs';

await launch(async (args) => {
  checkNode();
  await ensureInstalled();
  await ensureBuilt();
  return run(join('node_modules', 'vitest', 'vitest.mjs'), ['run', ...args]);
});
