// npm run build: dist from scratch, whatever it holds.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkNode, ensureBuilt, ensureInstalled, launch, root } from './lib.mjs';

await launch(async () => {
  checkNode();
  await ensureInstalled();
  rmSync(join(root, 'dist', '.sources'), { force: true });
  await ensureBuilt();
  return 0;
});
