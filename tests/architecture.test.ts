/**
 * The import rules, held for every .ts file in src, dashboard and bench: who may import which folder, who may
 * import which package, and that no two files need each other. Imports are read from the syntax tree, not by pattern.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { parseSync } from 'vite';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

interface Import {
  readonly from: string;
  readonly specifier: string;
  /** Path of the file it means, from the root; null for packages and Node's own modules. */
  readonly target: string | null;
  readonly typeOnly: boolean;
}

/** Folders by what they are called in the rules; a file belongs to the first that matches. */
const parts: readonly (readonly [name: string, prefix: string])[] = [
  ['main', 'src/main.ts'],
  ['index', 'src/index.ts'],
  ...['contracts', 'config', 'random', 'metrics', 'engine', 'models', 'evaluator', 'tasks', 'agents', 'machines', 'processes', 'store', 'cli'].map((name) => [name, `src/${name}/`] as const),
  ['dashboard protocol', 'dashboard/protocol.ts'],
  ...['bridge', 'server', 'client'].map((name) => [`dashboard ${name}`, `dashboard/${name}/`] as const),
  ['dashboard build', 'dashboard/vite.config.ts'],
  ['bench', 'bench/'],
];

const doors = ['main', 'index', 'cli', 'bench'];
const everything = parts.map(([name]) => name).filter((name) => !doors.includes(name));

/** What each part may import besides itself; `type:` means `import type` only. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  contracts: [],
  random: [],
  config: ['contracts'],
  metrics: ['contracts'],
  engine: ['random'],
  models: ['engine', 'random', 'contracts'],
  evaluator: ['contracts'],
  tasks: ['contracts', 'random'],
  store: ['contracts'],
  agents: ['contracts', 'tasks', 'metrics', 'random', 'type:config'],
  machines: ['type:contracts'],
  processes: everything,
  'dashboard protocol': [],
  'dashboard bridge': ['dashboard protocol'],
  'dashboard server': ['store', 'dashboard protocol'],
  'dashboard client': ['dashboard protocol'],
  'dashboard build': [],
  main: [...everything, 'index'],
  index: [...everything, 'main'],
  cli: [...everything, 'index'],
  bench: [...everything, 'index'],
};

/** Packages that only these parts may import. Contracts and random import none at all, machines only XState. */
const packageOwners: Readonly<Record<string, readonly string[]>> = {
  '@tensorflow/tfjs': ['engine', 'bench'],
  '@tensorflow/tfjs-core': ['engine', 'bench'],
  '@tensorflow/tfjs-backend-wasm': ['engine', 'bench'],
  '@tensorflow/tfjs-backend-cpu': ['engine', 'bench'],
  '@tensorflow/tfjs-node-gpu': ['engine', 'bench'],
  'onnxruntime-node': ['engine', 'bench'],
  'onnxruntime-common': ['engine', 'bench'],
  koffi: ['engine', 'bench'],
  xstate: ['machines', 'dashboard bridge', 'main'],
  libsql: ['store'],
  pyodide: ['evaluator', 'bench'],
  '@astral-sh/ruff-wasm-nodejs': ['evaluator', 'bench'],
  'tree-sitter': ['evaluator', 'bench'],
  'tree-sitter-python': ['evaluator', 'bench'],
  zod: ['config'],
  commander: ['cli', 'bench'],
  'cli-progress': ['cli'],
  ws: ['dashboard server'],
};

const files = ['src', 'dashboard', 'bench'].flatMap((folder) => filesUnder(folder)).filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'));
const imports = files.flatMap(importsOf);

describe('the import rules', () => {
  it('finds the files and their imports', () => {
    expect(files).toContain('src/contracts/records.ts');
    expect(imports).toContainEqual({ from: 'src/contracts/evaluator.ts', specifier: './records.ts', target: 'src/contracts/records.ts', typeOnly: true });
    expect(imports).toContainEqual({ from: 'src/cli/main.ts', specifier: '../index.ts', target: 'src/index.ts', typeOnly: false });
  });

  it('every file belongs to a part that has rules', () => {
    expect(files.filter((file) => !(partOf(file) in allowed))).toEqual([]);
  });

  it('parts import only what they may', () => {
    const broken = imports.filter(({ from, target, typeOnly }) => {
      if (target === null) return false;
      const own = partOf(from), other = partOf(target);
      return own !== other && !allowed[own]!.includes(other) && !(typeOnly && allowed[own]!.includes(`type:${other}`));
    });
    expect(broken.map(({ from, target }) => `${from} imports ${target}`)).toEqual([]);
  });

  it('packages are imported only by the part that is there for them', () => {
    const broken = imports.filter(({ from, specifier, target }) => target === null && packageOwners[packageOf(specifier)]?.includes(partOf(from)) === false);
    expect(broken.map(({ from, specifier }) => `${from} imports ${specifier}`)).toEqual([]);
  });

  it('contracts, random and the protocol import nothing from outside, machines only XState', () => {
    const outside = imports.filter(({ target }) => target === null);
    const of = (part: string): string[] => outside.filter(({ from }) => partOf(from) === part).map(({ from, specifier }) => `${from} imports ${specifier}`);
    expect([...of('contracts'), ...of('random'), ...of('dashboard protocol')]).toEqual([]);
    expect(outside.filter(({ from, specifier }) => partOf(from) === 'machines' && packageOf(specifier) !== 'xstate').map(({ from, specifier }) => `${from} imports ${specifier}`)).toEqual([]);
  });

  it('metrics have no input or output: they import nothing of Node', () => {
    const broken = imports.filter(({ from, specifier }) => partOf(from) === 'metrics' && isBuiltin(specifier));
    expect(broken.map(({ from, specifier }) => `${from} imports ${specifier}`)).toEqual([]);
  });

  it('machines ask no clock and draw no random number', () => {
    const broken = files.filter((file) => partOf(file) === 'machines' && /\bDate\.now\b|\bnew Date\b|\bMath\.random\b|\bperformance\.now\b|\bcrypto\b/.test(readFileSync(join(root, file), 'utf8')));
    expect(broken).toEqual([]);
  });

  it('relative imports name a file that exists, with its ending', () => {
    const broken = imports.filter(({ target }) => target !== null && !existsSync(join(root, target)));
    expect(broken.map(({ from, specifier }) => `${from} imports ${specifier}`)).toEqual([]);
  });

  it('no files import each other in a circle', () => {
    expect(circles()).toEqual([]);
  });
});

function filesUnder(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.includes('node_modules/'))
    .sort();
}

function partOf(file: string): string {
  return parts.find(([, prefix]) => file === prefix || (prefix.endsWith('/') && file.startsWith(prefix)))?.[0] ?? `no part (${file})`;
}

function packageOf(specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

interface Node {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** Every import and re-export of a file, `import()` and `import('…')` types included. */
function importsOf(file: string): Import[] {
  const { program, errors } = parseSync(file, readFileSync(join(root, file), 'utf8'));
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]!.message}`);
  const found: Import[] = [];
  const add = (source: unknown, typeOnly: boolean): void => {
    const specifier = (source as { value?: unknown } | null)?.value;
    if (typeof specifier !== 'string') return;
    const target = specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)).split(sep).join('/') : null;
    found.push({ from: file, specifier, target, typeOnly });
  };
  const visit = (node: Node): void => {
    if (node.type === 'ImportDeclaration') add(node.source, node.importKind === 'type' || namesOnlyTypes(node, 'importKind'));
    if (node.type === 'ExportNamedDeclaration' || node.type === 'ExportAllDeclaration') add(node.source, node.exportKind === 'type' || namesOnlyTypes(node, 'exportKind'));
    if (node.type === 'ImportExpression') add(node.source, false);
    if (node.type === 'TSImportType') add(node.source ?? node.argument, true);
    for (const member of Object.values(node)) {
      for (const child of Array.isArray(member) ? member : [member]) if (typeof (child as Node | null)?.type === 'string') visit(child as Node);
    }
  };
  visit(program as unknown as Node);
  return found;
}

/** `import { type A, type B }`: every name is a type. */
function namesOnlyTypes(node: Node, kind: 'importKind' | 'exportKind'): boolean {
  const specifiers = (node.specifiers ?? []) as Node[];
  return specifiers.length > 0 && specifiers.every((specifier) => specifier[kind] === 'type');
}

/** Circles among imports that remain when types are erased, each as the path round it. */
function circles(): string[] {
  const edges = new Map<string, string[]>();
  for (const { from, target, typeOnly } of imports) {
    if (target !== null && !typeOnly) edges.set(from, [...(edges.get(from) ?? []), target]);
  }
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'open') found.push([...path.slice(path.indexOf(file)), file].join(' > '));
    if (state.has(file)) return;
    state.set(file, 'open');
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  return found;
}
