/**
 * The built page, held in memory. Only paths that were found when the server started exist, so no request can name a file
 * outside the folder. Not here: building it (Vite does).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DashboardError } from './errors.ts';

export interface Asset {
  readonly body: Buffer;
  readonly type: string;
  /** Its name holds a hash of its content. */
  readonly immutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
};

/** Where the build puts the page, seen from the sources as from the built server. */
export function builtClientFolder(): string {
  const fromSource = import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(fromSource ? '../../dist/dashboard/client/' : '../client/', import.meta.url));
}

/** Reads every file of known type below `folder`; keys are URL paths, `/` is index.html. Throws DashboardError when there is no page. */
export function loadAssets(folder: string): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  } catch {
    entries = undefined;
  }
  for (const entry of entries ?? []) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const url = `/${relative(folder, path).split(sep).join('/')}`;
    assets.set(url, { body: readFileSync(path), type, immutable: url.startsWith('/assets/') });
  }
  const index = assets.get('/index.html');
  if (!index) throw new DashboardError(`There is no built dashboard page in ${folder}. Run 'npm run build' first.`);
  assets.set('/', index);
  return assets;
}
