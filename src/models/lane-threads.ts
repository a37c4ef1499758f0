/**
 * Lanes on threads of their own: what this thread asks of them and what they answer. Their code is lane-thread.ts. They live as long as the
 * process and keep it from ending only while they work; a call that ends a thread rejects, and the next one starts another.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { EngineOptions, TracedStep } from '../engine/program.ts';
import type { DecodeOptions, Finished, IndexedJob } from './lane.ts';
import type { Lexicon } from './lexical.ts';
import type { PolicyShape } from './policy.ts';

/** What all decoders of a model share with their threads. The steps' weights are read from shared memory when a thread opens them. */
export interface SharedMemory {
  readonly engine: EngineOptions;
  readonly shape: PolicyShape;
  readonly lexicon: Lexicon | null;
  /** Widest first; traced when they are asked for. */
  readonly widths: () => readonly SharedWidth[];
}
export interface SharedWidth {
  readonly slots: number;
  readonly step: TracedStep;
}

/** A job whose random numbers are named by their key, since objects lose what they are on the way. */
export interface SentJob extends Pick<IndexedJob['job'], 'prompt' | 'maxTokens'> {
  readonly index: number;
  readonly key: readonly [number, number];
}

export type ToThread =
  | { readonly type: 'memory'; readonly memory: number; readonly engine: EngineOptions; readonly shape: PolicyShape; readonly lexicon: Pick<Lexicon, 'bytes' | 'special'> | null; readonly widths: readonly SharedWidth[] }
  | { readonly type: 'decode'; readonly call: number; readonly memory: number; readonly decoder: number; readonly jobs: readonly SentJob[]; readonly options: DecodeOptions }
  | { readonly type: 'release'; readonly decoder: number };
export type FromThread =
  | { readonly type: 'finished'; readonly call: number; readonly finished: readonly Finished[] }
  | { readonly type: 'done'; readonly call: number }
  | { readonly type: 'failed'; readonly call: number; readonly message: string };

const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './lane-thread.ts' : './lane-thread.js', import.meta.url);

interface Call {
  readonly tell: (finished: readonly Finished[]) => void;
  resolve(): void;
  reject(error: Error): void;
}

/** Numbers by which a thread knows objects of this one. */
const numbers = new WeakMap<object, number>();
let next = 1;
function numberOf(object: object): number {
  let number = numbers.get(object);
  if (number === undefined) numbers.set(object, (number = next++));
  return number;
}

class LaneThread {
  #worker: Worker | null = null;
  readonly #calls = new Map<number, Call>();
  /** Memories and decoders that the worker has. */
  readonly #known = new Set<number>();

  /** Decodes on the thread with the weights that `shared` holds; resolves when all has been told. `decoder`: whose compiled steps are used again. */
  decode(shared: SharedMemory, decoder: object, jobs: readonly IndexedJob[], options: DecodeOptions, tell: Call['tell']): Promise<void> {
    const worker = (this.#worker ??= this.#start());
    const memory = numberOf(shared), call = next++;
    if (!this.#known.has(memory)) {
      const { engine, shape, lexicon } = shared;
      this.#post(worker, { type: 'memory', memory, engine, shape, lexicon: lexicon && { bytes: lexicon.bytes, special: lexicon.special }, widths: shared.widths() });
      this.#known.add(memory);
    }
    this.#known.add(numberOf(decoder));
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { tell, resolve, reject });
      worker.ref();
      this.#post(worker, {
        type: 'decode', call, memory, decoder: numberOf(decoder), options,
        jobs: jobs.map(({ index, job: { prompt, maxTokens, random } }) => ({ index, prompt, maxTokens, key: random.key })),
      });
    });
  }

  /** Gives up what the thread compiled for a decoder. */
  release(decoder: object): void {
    const number = numbers.get(decoder);
    if (number !== undefined && this.#known.delete(number) && this.#worker) this.#post(this.#worker, { type: 'release', decoder: number });
  }

  #post(worker: Worker, message: ToThread): void {
    // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage(message);
  }

  #start(): Worker {
    const worker = ENTRY.pathname.endsWith('.ts') ? sourceWorker() : new Worker(ENTRY);
    worker.unref();
    worker.on('message', (message: FromThread) => {
      const call = this.#calls.get(message.call);
      if (!call) return;
      if (message.type === 'finished') return call.tell(message.finished);
      this.#calls.delete(message.call);
      if (this.#calls.size === 0) worker.unref();
      if (message.type === 'done') call.resolve();
      else call.reject(new Error(message.message));
    });
    const end = (error: Error): void => {
      // After an error comes an exit: by then the calls are the next worker's.
      if (this.#worker !== worker) return;
      this.#worker = null;
      this.#known.clear();
      for (const call of this.#calls.values()) call.reject(error);
      this.#calls.clear();
    };
    worker.on('error', end);
    worker.on('exit', (code) => end(new Error(`A decoding thread ended with code ${code}.`)));
    return worker;
  }
}

/** From sources: `--import tsx` does not reach a thread's entry. tsx is a development dependency. */
function sourceWorker(): Worker {
  const tsx = pathToFileURL(join(dirname(createRequire(import.meta.url).resolve('tsx/package.json')), 'dist/esm/api/index.mjs'));
  return new Worker(`import(${JSON.stringify(tsx.href)}).then(({ register }) => (register(), import(${JSON.stringify(ENTRY.href)})))`, { eval: true });
}

const threads: LaneThread[] = [];

/** The thread of the lane after the first `i` ones. */
export function laneThread(i: number): LaneThread {
  return (threads[i] ??= new LaneThread());
}
