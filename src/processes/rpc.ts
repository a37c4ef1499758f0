/**
 * Typed calls between a parent and a Node child process: one request at a time is served, in order; arguments and results
 * cross by structured clone (typed arrays included). Node worker threads would be cheaper but cannot be killed inside native
 * code; a process can. Not here: what any child does.
 */
import { fork, type ChildProcess as NodeChild } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { collectEarly, FEW_ARENAS } from './memory.ts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- methods differ in every parameter; callers see exact types
type AnyMethod = (input: any, tell: any) => Promise<any>;
/** What a child serves: methods of one argument, and of a second one by which they may tell the caller how far they are. */
export type Service<T> = { [K in keyof T]: T[K] extends AnyMethod ? T[K] : never };
type Input<T, K extends keyof T> = T[K] extends (input: infer I, ...tell: never[]) => Promise<unknown> ? I : never;
type Progress<T, K extends keyof T> = T[K] extends (input: never, tell: infer L) => Promise<unknown> ? (NonNullable<L> extends (progress: infer P) => void ? P : never) : never;
type Output<T, K extends keyof T> = T[K] extends (...args: never[]) => Promise<infer O> ? O : never;

interface Request {
  readonly id: number;
  readonly method: string;
  readonly input: unknown;
  /** Someone listens to what the method tells. */
  readonly listens: boolean;
}
type Message =
  | { readonly type: 'ready' }
  | { readonly type: 'event'; readonly event: unknown }
  | { readonly type: 'progress'; readonly id: number; readonly progress: unknown }
  | { readonly type: 'result'; readonly id: number; readonly output: unknown }
  | { readonly type: 'error'; readonly id: number; readonly name: string; readonly message: string; readonly stack: string; readonly permanent: boolean };

/** A call failed. `kind` tells whether the method threw, the process went away, or the call was given up. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  /** `permanent`: the method said that it would only fail again. */
  constructor(readonly kind: 'thrown' | 'crashed' | 'timeout' | 'closed', message: string, readonly remoteStack?: string, readonly permanent = false) {
    super(message);
  }
}

/** In the child: serves `methods` until the parent disconnects. `emit` sends an event to the parent. */
export function serve<T extends object>(make: (emit: (event: unknown) => void) => Service<T>): void {
  if (!process.send) throw new Error('This module is the entry point of a child process; start it through ChildService.');
  collectEarly();
  const send = (message: Message): void => void (process.connected && process.send!(message));
  const methods = make((event) => send({ type: 'event', event }));
  let queue: Promise<void> = Promise.resolve();
  process.on('message', (request: Request) => {
    queue = queue.then(async () => {
      try {
        const method = (methods as Record<string, AnyMethod | undefined>)[request.method];
        if (!method) throw new Error(`No method '${request.method}' here.`);
        const tell = request.listens ? (progress: unknown): void => send({ type: 'progress', id: request.id, progress }) : undefined;
        send({ type: 'result', id: request.id, output: await method.call(methods, request.input, tell) });
      } catch (error) {
        const e = error instanceof Error ? error : new Error(String(error));
        send({ type: 'error', id: request.id, name: e.name, message: e.message, stack: e.stack ?? '', permanent: (e as { permanent?: unknown }).permanent === true });
      }
    });
  });
  process.on('disconnect', () => process.exit(0));
  // A terminal sends Ctrl-C to the whole group; the parent decides when its children end.
  process.on('SIGINT', () => {});
  send({ type: 'ready' });
}

export interface ChildOptions {
  readonly onEvent?: (event: unknown) => void;
  /** Called once, when the process has ended, whoever ended it. */
  readonly onExit?: (info: { readonly code: number | null; readonly signal: string | null; readonly expected: boolean }) => void;
}

export interface CallOptions<P> {
  readonly timeoutMs?: number;
  readonly onProgress?: ((progress: P) => void) | undefined;
}

const running = new Set<NodeChild>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** In the parent: a running child that serves `T`. */
export class ChildService<T extends object> {
  readonly #child: NodeChild;
  readonly #pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void; onProgress?(progress: unknown): void }>();
  readonly #ready: Promise<void>;
  readonly #exited: Promise<void>;
  #next = 1;
  #closing = false;
  #ended = false;
  #stderr = '';

  /** Starts the module at `entry` (a .ts file runs through tsx, which is a development dependency). */
  constructor(entry: URL, options: ChildOptions = {}) {
    const path = fileURLToPath(entry);
    const loader = path.endsWith('.ts') ? ['--import', createRequire(import.meta.url).resolve('tsx')] : [];
    this.#child = fork(path, [], {
      serialization: 'advanced',
      execArgv: loader,
      env: { ...FEW_ARENAS, ...process.env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4000);
    });
    let ready!: () => void;
    let failed!: (error: Error) => void;
    this.#ready = new Promise((resolve, reject) => ([ready, failed] = [resolve, reject]));
    this.#ready.catch(() => {});
    this.#child.on('message', (message: Message) => {
      if (message.type === 'ready') return ready();
      if (message.type === 'event') return options.onEvent?.(message.event);
      const pending = this.#pending.get(message.id);
      if (!pending) return;
      if (message.type === 'progress') return pending.onProgress?.(message.progress);
      this.#pending.delete(message.id);
      if (message.type === 'result') pending.resolve(message.output);
      else pending.reject(new ProcessError('thrown', message.message, message.stack, message.permanent));
    });
    this.#exited = new Promise((resolve) => {
      const end = (code: number | null, signal: string | null, cause?: Error): void => {
        if (this.#ended) return;
        this.#ended = true;
        running.delete(this.#child);
        const why = cause?.message ?? `exit ${signal ?? code}${this.#stderr ? `: ${this.#stderr.trim()}` : ''}`;
        const error = new ProcessError(this.#closing ? 'closed' : 'crashed', `The process ${path} ended (${why}).`);
        failed(error);
        for (const pending of this.#pending.values()) pending.reject(error);
        this.#pending.clear();
        options.onExit?.({ code, signal, expected: this.#closing });
        resolve();
      };
      this.#child.on('exit', (code, signal) => end(code, signal));
      this.#child.on('error', (error) => end(null, null, error));
    });
    running.add(this.#child);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Calls one method. Rejects with ProcessError. After `timeoutMs` the process is killed, since nothing else stops native code; its other calls reject as well. `onProgress` hears what the method tells, in order, until the call settles.
   */
  async call<K extends keyof T & string>(method: K, input: Input<T, K>, options: CallOptions<Progress<T, K>> = {}): Promise<Output<T, K>> {
    await this.#ready;
    if (this.#ended) throw new ProcessError('closed', 'The process has ended.');
    const id = this.#next++;
    return new Promise<Output<T, K>>((resolve, reject) => {
      const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => {
        this.#pending.delete(id);
        reject(new ProcessError('timeout', `'${method}' took longer than ${options.timeoutMs} ms.`));
        void this.kill();
      }, options.timeoutMs);
      this.#pending.set(id, {
        resolve: (value) => (clearTimeout(timer), resolve(value as Output<T, K>)),
        reject: (error) => (clearTimeout(timer), reject(error)),
        ...(options.onProgress ? { onProgress: options.onProgress as (progress: unknown) => void } : {}),
      });
      this.#child.send({ id, method, input, listens: options.onProgress !== undefined } satisfies Request, (error) => {
        if (error && this.#pending.delete(id)) (clearTimeout(timer), reject(new ProcessError('crashed', error.message)));
      });
    });
  }

  /** Ends the process at once and waits until it is gone. */
  async kill(): Promise<void> {
    this.#closing = true;
    if (!this.#ended) this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
