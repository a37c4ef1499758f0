// npm start [-- arguments of `ouroboros run`]: installs, builds where needed, and runs the main job in this process.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, ensureBuilt, ensureInstalled, launch, root } from './lib.mjs';

await launch(async (args) => {
  checkNode();
  await ensureInstalled();
  await ensureBuilt();
  const main = join(root, 'dist', 'src', 'cli', 'main.js');
  process.argv = [process.execPath, main, 'run', ...args];
  await import(pathToFileURL(main).href);
  return process.exitCode;
});
