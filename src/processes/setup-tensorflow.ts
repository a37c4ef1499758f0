/**
 * Sets up the `tensorflow` backend. `@tensorflow/tfjs-node-gpu` ships a native part made for TensorFlow 2.9 and CUDA 11, and its
 * installer downloads both; here that part is compiled from the package's own sources against the TensorFlow of a Python on this
 * machine, which brings its own CUDA (`tensorflow[and-cuda]`) or none (`tensorflow-cpu`).
 *
 * What it touches: the package and what that needs, added to node_modules by npm without its install scripts and without a change
 * to package.json or the lock, and the native part inside the package.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TensorFlowSetup, TensorFlowSetupOptions } from '../contracts/library.ts';
import { tensorFlowPackage, type TensorFlowPackage } from '../engine/tfjs-backends.ts';
import type { DoctorService } from './doctor-entry.ts';
import { ChildService } from './rpc.ts';

/** Something is missing; the message says what, and what to do. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/** How a command ended: its exit code, null where there is no such command, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the set-up acts through; tests have their own. */
export interface Tools {
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
  /** The folder above Node's bin: headers may stand in it. */
  readonly nodePrefix: string;
  readonly package: TensorFlowPackage;
  run(command: string, args: readonly string[], folder?: string): Promise<Ended>;
  /** Computes a matrix product on the backend, in a process of its own. */
  prove(): Promise<{ readonly usable: boolean; readonly detail: string }>;
}

/** A Python that has TensorFlow. */
interface Found {
  readonly python: string;
  /** The folder of the tensorflow package: libraries in it, headers in its `include`. */
  readonly folder: string;
  readonly version: string;
}

/** Node's own headers, where its installation left them out. */
const HEADERS = { name: 'node-api-headers', version: '1.9.0' } as const;
const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;
const INSTALL = "'PYTHON -m pip install tensorflow-cpu', or 'PYTHON -m pip install \"tensorflow[and-cuda]\"' for an NVIDIA GPU";

/** Looks for TensorFlow without importing it: that takes seconds, and fails where a Python package is missing that we do not need. */
const LOOK = `
import importlib.metadata, importlib.util, json, sys
sys.path = [folder for folder in sys.path if folder != ""]
spec = importlib.util.find_spec("tensorflow")
version = "of an unknown version"
for name in ("tensorflow", "tensorflow-cpu"):
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
folders = list(spec.submodule_search_locations or []) if spec else []
print(json.dumps({"executable": sys.executable, "python": sys.version.split()[0], "folder": folders[0] if folders else None, "version": version}))
`;

/** Does what is missing and leaves the rest. Rejects with SetupError. */
export async function setupTensorFlow(options: TensorFlowSetupOptions = {}, tools: Tools = thisMachine()): Promise<TensorFlowSetup> {
  const tell = options.onProgress ?? (() => {});
  if (tools.platform !== 'linux') throw new SetupError(`The tensorflow backend is compiled on Linux only, and this is ${tools.platform}; 'ouroboros doctor' lists the backends that work here.`);
  const found = await findTensorFlow(options.python, tools);
  tell(`${found.python} has TensorFlow ${found.version}`);

  const { addon } = tools.package;
  const made = { tensorflow: found.folder, version: found.version };
  const result = { python: found.python, version: found.version, addon };
  if (existsSync(addon) && readStamp(addon) === JSON.stringify(made)) {
    const { usable, detail } = await tools.prove();
    if (usable) return { ...result, compiled: false, detail };
  }
  await installPackage(tools, tell);
  await compileAddon(found, tools, tell);
  const { usable, detail } = await tools.prove();
  if (!usable) throw new SetupError(`The addon was compiled against TensorFlow ${found.version} and does not work: ${detail}.`);
  writeFileSync(stampOf(addon), JSON.stringify(made));
  return { ...result, compiled: true, detail };
}

async function findTensorFlow(given: string | undefined, { env, run }: Tools): Promise<Found> {
  const named = given ?? env['OUROBOROS_PYTHON'];
  const without = new Map<string, string>();
  for (const command of named ? [named] : ['python3', 'python']) {
    const { code, stdout } = await run(command, ['-c', LOOK]);
    const seen = code === 0 ? parsed(stdout) : null;
    if (named && code === null) throw new SetupError(`There is no Python at '${named}': name one that has TensorFlow, with --python PATH.`);
    if (named && !seen) throw new SetupError(`'${named}' is not a Python 3.8 or later: name one that has TensorFlow, with --python PATH.`);
    if (!seen) continue;
    if (seen.folder === null) {
      without.set(seen.executable, seen.python);
      continue;
    }
    const missing = [...LIBRARIES, join('include', 'tensorflow', 'c', 'c_api.h')].find((file) => !existsSync(join(seen.folder!, file)));
    if (missing) throw new SetupError(`The TensorFlow ${seen.version} of ${seen.executable} has no ${missing}, so nothing can be compiled against it: bring it up to date with ${pip(seen.executable)}.`);
    return { python: seen.executable, folder: seen.folder, version: seen.version };
  }
  const [first] = without.keys();
  if (first === undefined) throw new SetupError('There is no Python on the PATH: install one, then TensorFlow in it (pip install tensorflow-cpu, or "tensorflow[and-cuda]" for an NVIDIA GPU), or name one with --python PATH.');
  const tried = Array.from(without, ([python, version]) => `${python} (Python ${version})`).join(' or ');
  throw new SetupError(`There is no TensorFlow in ${tried}: run ${pip(first)}, or name a Python that has it with --python PATH.`);
}

/** What LOOK printed; null where it was no Python that ran it. */
function parsed(text: string): { executable: string; python: string; folder: string | null; version: string } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function pip(python: string): string {
  return INSTALL.replaceAll('PYTHON', python);
}

/** Brings the package, and Node's headers where they are missing, unless both are there. */
async function installPackage(tools: Tools, tell: (line: string) => void): Promise<void> {
  const { name, version, folder, root } = tools.package;
  const wanted = [
    ...(installedVersion(folder) === version ? [] : [`${name}@${version}`]),
    ...(headersFolder(tools) === null ? [`${HEADERS.name}@${HEADERS.version}`] : []),
  ];
  if (wanted.length === 0) return;
  tell(`installing ${wanted.join(' and ')}`);
  // Set by npm and npx; else the one on the path.
  const npm = tools.env['npm_execpath'];
  const [command, ...before] = npm && /^npm.*\.c?js$/.test(basename(npm)) ? [process.execPath, npm] : ['npm'];
  const { code, stderr } = await tools.run(command!, [...before, 'install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...wanted], root);
  if (code === null) throw new SetupError('There is no npm on the PATH, which is needed to install @tensorflow/tfjs-node-gpu: install it with Node from https://nodejs.org.');
  if (code !== 0) throw new SetupError(`npm could not install ${wanted.join(' and ')} (${lastLine(stderr)}): see that the package registry can be reached and ${root} may be written, and run this again.`);
}

async function compileAddon({ folder, version }: Found, tools: Tools, tell: (line: string) => void): Promise<void> {
  const { folder: source, addon } = tools.package;
  tell(`compiling against TensorFlow ${version}`);
  // Not over the old one: a process may have it open.
  const fresh = `${addon}.new`;
  mkdirSync(dirname(addon), { recursive: true });
  rmSync(stampOf(addon), { force: true });
  const { code, stderr } = await tools.run('g++', [
    '-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', `-I${headersFolder(tools)!}`, `-I${join(folder, 'include')}`,
    join(source, 'binding', 'tfjs_backend.cc'), join(source, 'binding', 'tfjs_binding.cc'), '-o', fresh,
    `-L${folder}`, ...LIBRARIES.map((library) => `-l:${library}`), `-Wl,-rpath,${folder}`,
  ]);
  if (code === null) throw new SetupError("There is no C++ compiler g++ on the PATH: install it (on Debian and Ubuntu 'apt install g++') and run this again.");
  if (code !== 0) throw new SetupError(`g++ could not compile the addon against TensorFlow ${version}: ${firstError(stderr)}.`);
  renameSync(fresh, addon);
}

/** Where node_api.h is: beside Node, or in the package of the headers alone; null where it is in neither. */
function headersFolder({ nodePrefix, package: { root } }: Tools): string | null {
  return [join(nodePrefix, 'include', 'node'), join(root, 'node_modules', HEADERS.name, 'include')].find((folder) => existsSync(join(folder, 'node_api.h'))) ?? null;
}

function installedVersion(folder: string): string | null {
  const manifest = join(folder, 'package.json');
  return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version : null;
}

/** What the addon was compiled against, beside it. */
function stampOf(addon: string): string {
  return `${addon}.json`;
}

function readStamp(addon: string): string | null {
  return existsSync(stampOf(addon)) ? readFileSync(stampOf(addon), 'utf8') : null;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() || 'no message';
}

function firstError(text: string): string {
  const lines = text.trim().split('\n');
  return (lines.find((line) => /error/i.test(line)) ?? lines[0] ?? 'no message').trim();
}

function thisMachine(): Tools {
  return {
    platform: process.platform,
    env: process.env,
    nodePrefix: dirname(dirname(process.execPath)),
    package: tensorFlowPackage(),
    run: (command, args, folder) => new Promise((resolve) => {
      const output = { stdout: '', stderr: '' };
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(folder === undefined ? {} : { cwd: folder }) });
      for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk: Buffer) => void (output[name] += chunk.toString()));
      child.once('error', () => resolve({ code: null, ...output }));
      child.once('close', (code) => resolve({ code: code ?? 1, ...output }));
    }),
    async prove() {
      const child = new ChildService<DoctorService>(new URL(`./doctor-entry.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
      try {
        return await child.call('probeOne', { backend: 'tensorflow' });
      } catch (error) {
        return { usable: false, detail: (error as Error).message.split('\n')[0]! };
      } finally {
        await child.kill();
      }
    },
  };
}
