// What start, test and build share: is this Node one we support, is what package-lock.json names installed, is dist up to date.
// Plain Node and nothing else, since it runs before anything is installed; no shell, so that it runs on Windows and from any path.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends the process with one sentence; what a tool printed goes before it. */
export class SetupError extends Error {
  constructor(message, output = '') {
    super(message);
    this.output = output;
  }
}

/** Runs `main` and turns its errors into an exit code. */
export async function launch(main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    if (error.output) process.stderr.write(`${error.output.trimEnd()}\n\n`);
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** Throws SetupError when this Node is not one that package.json's `engines` allows. */
export function checkNode(version = process.versions.node) {
  const range = readJson(join(root, 'package.json')).engines.node;
  const [, lowest, below] = /^>=(\d+\.\d+) <(\d+)$/.exec(range);
  if (compareVersions(version, lowest) < 0 || compareVersions(version, below) >= 0) {
    throw new SetupError(`This is Node ${version}, and Ouroboros needs Node ${lowest} or later, below ${below}: install Node 22 from https://nodejs.org and run this again.`);
  }
}

function compareVersions(a, b) {
  const left = a.split('.').map(Number), right = b.split('.').map(Number);
  for (let i = 0; i < right.length; i++) if ((left[i] ?? 0) !== right[i]) return (left[i] ?? 0) - right[i];
  return 0;
}

/** Installs what package-lock.json names, unless that is what node_modules holds already. */
export async function ensureInstalled() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex');
  const stamp = join(root, 'node_modules', '.ouroboros-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  if (!holdsLock(JSON.parse(lock.toString('utf8')))) {
    console.log('Installing what package-lock.json names; this takes a minute, once.');
    const { code, output } = await runNpm(['ci', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=8000']);
    if (code !== 0) throw new SetupError(explainInstall(output), lastLines(output, 12));
  }
  writeFileSync(stamp, hash);
}

/** Whether npm itself says that node_modules is what the lock names: someone ran `npm ci` or `npm install` by hand. */
function holdsLock(lock) {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const installed = readJson(hidden).packages ?? {};
  return Object.entries(lock.packages).every(([path, entry]) => {
    if (path === '') return true;
    if (installed[path]?.version === entry.version) return existsSync(join(root, path));
    // Packages of other platforms, and optional ones that could not be installed, are left out by npm.
    return !installed[path] && (entry.optional || entry.peer || entry.devOptional);
  });
}

function explainInstall(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|network/i.test(output)) {
    return "The package registry cannot be reached, so nothing could be installed: connect to the network, or point npm at a registry you can reach (npm config set registry URL), and run this again. Once installed, no network is needed.";
  }
  if (/ENOSPC/.test(output)) return 'The disk is full, so nothing could be installed: free about 1 GB and run this again.';
  if (/EACCES|EPERM|EROFS/.test(output)) return `The folder ${root} may not be written: change its permissions, or clone to another place, and run this again.`;
  return 'npm ci failed; its last lines are above. Run it by hand to see all of them.';
}

function runNpm(args) {
  const npm = process.env.npm_execpath;
  // Set by npm when it runs a script; the one way that needs no shell on Windows.
  if (npm && /^npm.*\.c?js$/.test(basename(npm))) return capture(process.execPath, [npm, ...args]);
  if (process.platform === 'win32') return capture('npm.cmd', args, { shell: true });
  return capture('npm', args);
}

/** Builds dist unless it was built from just these sources. */
export async function ensureBuilt() {
  const hash = sourceHash();
  const stamp = join(root, 'dist', '.sources');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  await build();
  // Sources that changed meanwhile make the next start build again.
  writeFileSync(stamp, hash);
}

/** Builds dist: TypeScript, what lies beside it, and the dashboard's page. */
export async function build() {
  console.log('Building …');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await runTool('TypeScript', ['typescript', 'bin', 'tsc'], ['-p', 'tsconfig.build.json']);
  for (const file of filesUnder(join(root, 'src'))) {
    if (extname(file) === '.ts') continue;
    const target = join(root, 'dist', relative(root, file));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(file, target);
  }
  // tsc writes plain files; a command must be executable.
  chmodSync(join(root, 'dist', 'src', 'cli', 'main.js'), 0o755);
  const page = join('dashboard', 'vite.config.ts');
  if (existsSync(join(root, page))) await runTool('Vite', ['vite', 'bin', 'vite.js'], ['build', '--config', page, '--logLevel', 'warn']);
}

async function runTool(name, path, args) {
  const { code, output } = await capture(process.execPath, [join(root, 'node_modules', ...path), ...args]);
  if (code !== 0) throw new SetupError(`The build failed (${name}); its messages are above. Undo or mend the change that caused them and run this again.`, lastLines(output, 40));
}

/** Hash of everything that dist is made from: names and contents. */
function sourceHash() {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0]);
  const files = ['src', 'dashboard', 'bench'].flatMap((folder) => (existsSync(join(root, folder)) ? filesUnder(join(root, folder)) : []));
  for (const file of [...files, ...['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name))]) {
    const content = readFileSync(file);
    hash.update(`${relative(root, file).split(sep).join('/')}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesUnder(join(folder, entry.name)) : [join(folder, entry.name)]));
}

/** Runs a program to its end; returns its exit code and all it printed. */
function capture(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => (error.code === 'ENOENT' ? reject(new SetupError(`${command} was not found: install Node with npm from https://nodejs.org.`)) : reject(error)));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Runs a Node program on this terminal; returns its exit code. Signals reach it, and it decides when to end. */
export function run(script, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, script), ...args], { cwd: root, stdio: 'inherit', env });
    // A terminal sends Ctrl-C to the child as well; a second copy would count as the user's second one.
    const ignore = () => {};
    const forward = () => child.kill('SIGTERM');
    process.on('SIGINT', ignore).on('SIGTERM', forward);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore).off('SIGTERM', forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

function lastLines(text, n) {
  return text.trimEnd().split('\n').slice(-n).join('\n');
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
