/** The package as a program sees it that installed it: `npm pack`, unpacked beside a program that imports it by its name. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const execute = promisify(execFile);

/** What a program may import. */
const DOOR = ['createInspector', 'createRun', 'doctor', 'evaluate', 'evaluateMany', 'generate', 'indexCorpus', 'machineGraphs', 'noveltySummary', 'openEvaluator', 'setupTensorFlow', 'startDashboard', 'vetoed'];

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly types: string;
  readonly exports: { readonly '.': { readonly types: string; readonly default: string } };
}

describe('the package', () => {
  let folder = '';
  let program = '';
  let unpacked = '';

  beforeAll(async () => {
    if (!existsSync(join(root, 'dist', 'src', 'index.js'))) throw new Error('There is no dist to pack: run `npm run build` first (`npm test` does).');
    folder = mkdtempSync(join(tmpdir(), 'ouroboros-package-'));
    // `npm test` says where its npm is; a vitest that was started by hand finds the one on the path.
    const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
    await execute(npm[0]!, [...npm.slice(1), 'pack', '--pack-destination', folder, '--offline', '--loglevel=error'], { cwd: root });
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
    await execute('tar', ['-xzf', join(folder, archive), '-C', folder]);
    unpacked = join(folder, 'package');
    symlinkSync(join(root, 'node_modules'), join(unpacked, 'node_modules'), 'junction');
    mkdirSync(join(folder, 'app', 'node_modules'), { recursive: true });
    program = join(folder, 'app', 'program.mjs');
    symlinkSync(unpacked, join(folder, 'app', 'node_modules', 'ouroboros'), 'junction');
  });

  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  const run = async (source: string): Promise<string> => {
    writeFileSync(program, source);
    return (await execute(process.execPath, [program], { cwd: dirname(program) })).stdout;
  };

  it('offers what the library promises, and works without the sources', async () => {
    const offered = JSON.parse(await run(`const library = await import('ouroboros');
      console.log(JSON.stringify({ names: Object.keys(library).filter((name) => typeof library[name] === 'function'), graph: library.machineGraphs().round }));`)) as { names: string[]; graph: string };
    expect(offered.names).toEqual(expect.arrayContaining(DOOR));
    expect(offered.graph).toMatch(/^stateDiagram-v2/);
    expect(existsSync(join(unpacked, 'src'))).toBe(false);
  });

  it('starts its judge process from where it was unpacked', async () => {
    const verdicts = JSON.parse(await run(`import { openEvaluator } from 'ouroboros';
      const evaluator = openEvaluator();
      const judged = await evaluator.evaluateMany(['x = 1\\n', 'x = (1\\n'].map((text, i) => ({ id: String(i), text, promptLength: 0, finish: 'stop' })));
      await evaluator.close();
      console.log(JSON.stringify(judged.map(({ valid }) => valid)));`)) as boolean[];
    expect(verdicts).toEqual([true, false]);
  });

  it('points at files that are in it: entry, types, command, dashboard page', () => {
    const manifest = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as Manifest;
    const named = [manifest.types, ...Object.values(manifest.exports['.']), ...Object.values(manifest.bin)];
    expect(named.filter((path) => !existsSync(join(unpacked, path)))).toEqual([]);
    expect(readFileSync(join(unpacked, manifest.types), 'utf8')).toContain('createRun');
    expect(readFileSync(join(unpacked, Object.values(manifest.bin)[0]!), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('has types that a program can be checked against', async () => {
    writeFileSync(join(dirname(program), 'typed.mts'), `import { createRun, openEvaluator, type LoggedEvent } from 'ouroboros';
      const run = createRun({ budget: { rounds: 1 } });
      for await (const event of run) { const same: LoggedEvent = event; if (same.type === 'round.finished') { const n: number = same.data.test.unconditional.n; void n; } }
      // @ts-expect-error -- a setting that there is not
      createRun({ budget: { roundz: 1 } });
      void openEvaluator({ judges: 1 });\n`);
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--skipLibCheck', '--typeRoots', join(root, 'node_modules', '@types'), '--types', 'node'];
    const { stdout } = await execute(process.execPath, [compiler, ...options, 'typed.mts'], { cwd: dirname(program) }).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });
});
