/**
 * One interpreter behind a wall, in one of two roles: `program` runs one program and is thrown away, `judge` runs the tests of many. Each
 * request carries a fresh nonce that the answer has to carry too. Not here: what requests mean (src/evaluator/execution), which wall
 * (sandbox.ts), and what becomes of a verdict (sandbox-executor.ts).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SandboxName } from '../contracts/execution.ts';
import { Cache } from '../store/cache.ts';
import { confine, INSIDE, killGroup, nodeBind, type Confined } from './sandbox.ts';

export interface InterpreterOptions {
  readonly role: 'program' | 'judge';
  readonly interpreter: 'pyodide' | 'python3';
  readonly wall: SandboxName;
  readonly memoryMb: number;
  readonly diskBytes: number;
  /** 1 or 2: which hash seed. */
  readonly seed: 1 | 2;
}

export interface Reply {
  /** `answer`, `call`, `callback`; `died` when the harness gave up, with the reason as JSON. */
  readonly kind: string;
  readonly text: string;
}

/** The interpreter ended, or broke the rules of the channel. */
export class InterpreterEnded extends Error {
  override readonly name = 'InterpreterEnded';
  constructor(
    readonly how: 'exit' | 'tampered' | 'flooded',
    readonly exitCode: number | null,
    readonly signal: string | null,
    /** What it wrote to stderr last. */
    readonly log: string,
  ) {
    super(how === 'exit' ? `The interpreter ended (${signal ?? `exit ${exitCode}`})${log ? `: ${log.trim().slice(-300)}` : '.'}` : `The interpreter's channel was ${how}.`);
  }

  /** Whether it ended for want of memory, by what it said last. */
  get outOfMemory(): boolean {
    return /out of memory|Allocation failed|allocation failed|bad_alloc|MemoryError|Cannot allocate memory/.test(this.log);
  }
}

/** There is no interpreter to be had on this machine: no python3, or Pyodide does not start. */
export class InterpreterUnavailable extends Error {
  override readonly name = 'InterpreterUnavailable';
}

const HARNESS = fileURLToPath(new URL('../evaluator/execution/harness/', import.meta.url));
/** Longest line in either direction, bytes. */
const LONGEST = 8_000_000;
const LONGEST_LOG = 4_000;
/** What Node takes for itself and for Pyodide's own memory before a program has done anything. */
const NODE_BASE_MB = 640;
/** Where harness/syscalls.py leaves a native interpreter threads and no process of its own; elsewhere each process could take the limit again. */
const FILTERED = ['x64', 'arm64'].includes(process.arch);
const PYTHONS = ['/usr/bin/python3', '/usr/local/bin/python3'];

let pyodideFolder: string | null = null;
const pyodide = (): string => (pyodideFolder ??= dirname(createRequire(import.meta.url).resolve('pyodide/package.json')));

/** Node's own permissions: no file but these, no process, no worker, no addon. */
function permissions(): string[] {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
  return [flag, '--allow-fs-read=/sandbox/pyodide/*', '--allow-fs-read=/sandbox/harness/*', '--allow-fs-read=/sandbox/snapshot/*'];
}

const snapshots = new Map<number, Promise<string>>();

/** The folder that holds the memory snapshot of a loaded interpreter (31 MB), out of the cache or made now (3 s). */
function snapshotFolder(seed: number): Promise<string> {
  let known = snapshots.get(seed);
  if (!known) {
    known = makeSnapshot(seed);
    snapshots.set(seed, known);
    known.catch(() => snapshots.delete(seed));
  }
  return known;
}

async function makeSnapshot(seed: number): Promise<string> {
  const boot = readFileSync(join(HARNESS, 'boot.mjs'));
  const { version } = JSON.parse(readFileSync(join(pyodide(), 'package.json'), 'utf8')) as { version: string };
  const key = { pyodide: version, node: process.version, arch: process.arch, boot: createHash('sha256').update(boot).digest('hex'), seed };
  const cache = new Cache();
  return cache.get('execution-snapshot', key) ?? cache.put('execution-snapshot', key, async (folder) => {
    const child = spawn(process.execPath, [join(HARNESS, 'boot.mjs'), 'make', pyodide(), HARNESS, String(seed), join(folder, 'snapshot.bin')], { env: {}, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr.on('data', (data: Buffer) => (log = (log + data.toString()).slice(-LONGEST_LOG)));
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (code !== 0) throw new InterpreterUnavailable(`Pyodide could not be loaded: ${log.trim().split('\n').at(-1) ?? `exit ${code}`}. Reinstall with \`npm ci\`.`);
  });
}

async function confined({ role, interpreter, memoryMb, diskBytes, seed }: InterpreterOptions): Promise<Confined> {
  const harness = { source: HARNESS.replace(/\/$/, ''), target: '/sandbox/harness' };
  if (interpreter === 'python3') {
    const python = PYTHONS.find((path) => existsSync(path));
    if (!python) throw new InterpreterUnavailable(`There is no ${PYTHONS.join(' or ')}: install python3, or choose the interpreter pyodide.`);
    return {
      command: [python, '-s', '-B', '-u', '/sandbox/harness/boot.py', role, '/sandbox/harness'],
      env: { PYTHONHASHSEED: String(seed), PYTHONUTF8: '1' },
      binds: [harness],
      limits: { memory: { kind: 'as', bytes: memoryMb * 1_000_000 + 100_000_000 }, processes: FILTERED ? 64 : 16, diskBytes },
    };
  }
  return {
    command: [
      INSIDE.node, ...permissions(), '--no-warnings', '--disallow-code-generation-from-strings', `--wasm-max-mem-pages=${memoryMb * 16}`, '--max-old-space-size=192', '--stack-size=3000', '--v8-pool-size=1',
      '/sandbox/harness/boot.mjs', role, '/sandbox/pyodide', '/sandbox/harness', '/sandbox/snapshot/snapshot.bin', String(diskBytes),
    ],
    env: { UV_THREADPOOL_SIZE: '1' },
    binds: [nodeBind(), { source: pyodide(), target: '/sandbox/pyodide' }, harness, { source: await snapshotFolder(seed), target: '/sandbox/snapshot' }],
    limits: { memory: { kind: 'data', bytes: (memoryMb + NODE_BASE_MB) * 1_000_000 }, processes: 32, diskBytes },
  };
}

const running = new Set<Interpreter>();
process.once('exit', () => {
  for (const interpreter of running) interpreter.abandon();
});

export class Interpreter {
  /** Python's version, once it can be asked; rejects with InterpreterEnded. */
  readonly ready: Promise<string>;
  #child: ChildProcess | null = null;
  #folder: string | null = null;
  #ended: InterpreterEnded | null = null;
  #killed = false;
  /** Resolves once the process and all that it started are gone. */
  readonly gone: Promise<void>;
  #close: () => void = () => {};
  #waiting: { nonce: string; resolve(reply: Reply): void; reject(error: Error): void } | null = null;
  #parts: Buffer[] = [];
  #size = 0;
  #log = '';

  constructor(readonly options: InterpreterOptions) {
    this.gone = new Promise((resolve) => (this.#close = resolve));
    this.ready = this.#start();
    this.ready.catch(() => {});
  }

  get ended(): boolean {
    return this.#ended !== null || this.#killed;
  }

  async #start(): Promise<string> {
    let line;
    try {
      line = confine(this.options.wall, await confined(this.options));
    } catch (error) {
      this.#close();
      throw error;
    }
    if (this.#killed) {
      this.#close();
      throw this.#gone('exit', null, 'SIGKILL');
    }
    // Behind a wall there is a folder of its own; without one the program gets this.
    if (this.options.wall === 'none') this.#folder = mkdtempSync(join(tmpdir(), `ouroboros-program-${process.pid}-`));
    const child = spawn(line.file, line.args, { env: line.env, stdio: ['pipe', 'pipe', 'pipe'], detached: true, ...(this.#folder ? { cwd: this.#folder } : {}) });
    this.#child = child;
    running.add(this);
    child.stdin.on('error', () => {});
    child.stdout.on('data', (data: Buffer) => this.#read(data));
    child.stderr.on('data', (data: Buffer) => (this.#log = (this.#log + data.toString('latin1')).slice(-LONGEST_LOG)));
    child.on('error', (error) => {
      this.#log += error.message;
      this.#end('exit', null, null);
      this.#close();
    });
    child.on('close', (code, signal) => {
      // The shell and bubblewrap tell of a signal by 128 and its number.
      const number = code !== null && code > 128 ? code - 128 : null;
      const name = signal ?? (Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null);
      this.#end('exit', name ? null : code, name);
      // What is left of the group, which there can be only where there is no wall.
      killGroup(child.pid);
      running.delete(this);
      if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
      this.#close();
    });
    return (await this.#next('')).text;
  }

  /** What can be done without waiting, when this process ends. */
  abandon(): void {
    killGroup(this.#child?.pid);
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Sends one request and resolves with the answer; rejects with InterpreterEnded. `text` is ASCII without line breaks. */
  async exchange(kind: string, text: string): Promise<Reply> {
    await this.ready;
    const nonce = randomBytes(12).toString('hex');
    const reply = this.#next(nonce);
    this.#child?.stdin?.write(`${nonce} ${kind} ${text}\n`, 'latin1');
    return reply;
  }

  /** Ends it and everything that it started; resolves once all of it is gone. */
  async kill(): Promise<void> {
    this.#killed = true;
    killGroup(this.#child?.pid);
    await this.gone;
  }

  #next(nonce: string): Promise<Reply> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => (this.#waiting = { nonce, resolve, reject }));
  }

  #read(data: Buffer): void {
    if (this.#ended) return;
    const end = data.indexOf(10);
    if (end < 0) {
      this.#parts.push(data);
      this.#size += data.length;
      if (this.#size > LONGEST) this.#breach('flooded');
      return;
    }
    const line = Buffer.concat([...this.#parts, data.subarray(0, end)]).toString('latin1');
    this.#parts = [];
    this.#size = 0;
    const waiting = this.#waiting;
    const first = line.indexOf(' '), second = line.indexOf(' ', first + 1);
    // One answer a request, with its nonce, and nothing after it.
    if (!waiting || end !== data.length - 1 || second < 0 || line.slice(0, first) !== waiting.nonce) return this.#breach('tampered');
    this.#waiting = null;
    const kind = line.slice(first + 1, second), text = line.slice(second + 1);
    if (kind === 'signal') {
      const name = Object.entries(constants.signals).find(([, value]) => value === Number(text))?.[0] ?? 'SIGKILL';
      this.#waiting = waiting;
      return this.#end('exit', null, name);
    }
    waiting.resolve({ kind, text });
  }

  #breach(how: 'tampered' | 'flooded'): void {
    this.#end(how, null, null);
    killGroup(this.#child?.pid);
  }

  #gone(cause: 'exit' | 'tampered' | 'flooded', code: number | null, signal: string | null): InterpreterEnded {
    return (this.#ended ??= new InterpreterEnded(cause, code, signal, this.#log));
  }

  #end(cause: 'exit' | 'tampered' | 'flooded', code: number | null, signal: string | null): void {
    const error = this.#gone(cause, code, signal);
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}
