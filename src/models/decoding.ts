/**
 * Sampling: sequences are dealt out to lanes (lane.ts), each with decode steps of its own that have the weights built in. Small models get a
 * lane for each core, all but the first on threads of their own (lane-threads.ts): products this small gain little from a second thread, and
 * sequences side by side nothing from each other. Larger models, whose weights no core's cache holds, get a lane for two cores.
 */
import { allocateAll, compile, computesOnDevice, trace, type Arrays, type EngineOptions, type Program, type TracedStep } from '../engine/compile.ts';
import { openProgram } from '../engine/program.ts';
import { Lane, Width, type DecodeJob, type DecodeOptions, type DecodeResult, type Finished } from './lane.ts';
import { laneThread, type SharedMemory } from './lane-threads.ts';
import type { Lexicon } from './lexical.ts';
import { cacheSpecs, decodeStep, policyLayout, type PolicyShape } from './policy.ts';

export type { DecodeJob, DecodeResult } from './lane.ts';

/** Bytes of weights up to which each core may as well read all of them. */
const SMALL_WEIGHTS = 10e6;
const MOST_LANES = 16;

/** Bytes of keys and values that a core's own cache holds beside the rest; more slots than that only where there would be few. */
const CACHED_BYTES = 2.5e6;
const [FEWEST_SLOTS, MOST_SLOTS] = [12, 64];
/** Where weights are read once for all slots of two cores. */
const SLOTS_OF_LARGE = 24;

function isSmall(shape: PolicyShape): boolean {
  return policyLayout(shape).size * Float32Array.BYTES_PER_ELEMENT <= SMALL_WEIGHTS;
}

/** Lanes, and threads of each. */
export function lanesFor({ backend, threads }: EngineOptions, shape: PolicyShape): { readonly lanes: number; readonly threads: number } {
  if (backend !== 'onnx:cpu') return { lanes: 1, threads };
  const each = isSmall(shape) ? 1 : 2;
  const lanes = Math.max(1, Math.min(Math.floor(threads / each), MOST_LANES));
  return { lanes, threads: Math.max(1, Math.floor(threads / lanes)) };
}

/**
 * Sequences to decode side by side in a lane. Products gain from more of them, until keys and values outgrow a core's caches: the default model
 * samples a sixth faster in 12 slots than in 24 (docs/performance.md).
 */
export function slotsFor(engine: EngineOptions, shape: PolicyShape): number {
  if (computesOnDevice(engine)) return MOST_SLOTS;
  if (!isSmall(shape)) return SLOTS_OF_LARGE;
  const { layers, kvHeads, heads, width, context } = shape;
  const bytes = layers * 2 * kvHeads * (width / heads) * context * Float32Array.BYTES_PER_ELEMENT;
  return Math.min(MOST_SLOTS, Math.max(FEWEST_SLOTS, Math.floor(CACHED_BYTES / bytes)));
}

/** What the decoders of one model share, one of them at a time: nothing in it outlives a call of decode. */
export interface DecodeMemory {
  readonly lanes: number;
  readonly lexicon: Lexicon | null;
  /** Key and value caches of the first lane by its number of slots, widest first. */
  readonly caches: ReadonlyMap<number, Arrays>;
  /** What the threads of the other lanes work with. */
  readonly shared: SharedMemory | null;
  /** From now on programs have this decoder's weights built in. */
  hold(decoder: Pick<Decoder, 'weights'>): void;
  /** The step for so many slots. Only the first of each kind is traced. */
  program(slots: number, draws: boolean): Promise<Program>;
}

/** Wide lanes have `slots`, narrow ones a quarter; where a device keeps their caches they stay as they are. */
export function decodeMemory(engine: EngineOptions, shape: PolicyShape, slots: number, lexicon: Lexicon | null = null): DecodeMemory {
  const { lanes, threads } = lanesFor(engine, shape);
  const options = { ...engine, threads };
  const widths = slots < FEWEST_SLOTS || computesOnDevice(engine) ? [slots] : [slots, Math.ceil(slots / 4)];
  const caches = new Map(widths.map((width) => [width, allocateAll(cacheSpecs(shape, width))]));
  const { size } = policyLayout(shape);
  // Other threads read it where it is.
  const frozen = lanes > 1 ? new Float32Array(new SharedArrayBuffer(size * Float32Array.BYTES_PER_ELEMENT)) : new Float32Array(size);
  let held: object | null = null;
  const traced = new Map<string, TracedStep>();
  const stepOf = (width: number, draws: boolean) => {
    const { step, spec } = decodeStep(shape, width, { draws });
    return { step, spec: { ...spec, frozen: { weights: frozen } } };
  };
  const tracedStep = (width: number, draws: boolean): TracedStep => {
    const kind = `${width} ${draws}`;
    const known = traced.get(kind);
    if (known) return known;
    const { step, spec } = stepOf(width, draws);
    const made = trace(options, step, spec);
    traced.set(kind, made);
    return made;
  };
  return {
    lanes,
    lexicon,
    caches,
    shared: lanes === 1 ? null : { engine: options, shape, lexicon, widths: () => widths.map((slots) => ({ slots, step: tracedStep(slots, false) })) },
    hold(decoder) {
      if (held !== decoder) frozen.set(decoder.weights);
      held = decoder;
    },
    async program(width, draws) {
      if (engine.backend.startsWith('onnx:')) return openProgram(options, tracedStep(width, draws));
      const { step, spec } = stepOf(width, draws);
      return compile(options, step, { ...spec, frozen: { weights: frozen.slice() } });
    },
  };
}

/**
 * Decode steps with the weights built in: made once for each set of weights that is sampled from. Where the host's memory computes it
 * draws the tokens itself, for all its numbers are at hand; on a device they are drawn there, unless the distribution is truncated first.
 */
export class Decoder {
  /** Compiled when a call first needs them. */
  readonly #programs: Promise<Program>[] = [];
  /** The first lane, by whether its steps draw. */
  readonly #lanes = new Map<boolean, Lane>();

  /** `memory` (see `decodeMemory`) may serve several decoders, one at a time; `weights` are kept, and have to stay as they are until `release`. */
  constructor(
    private readonly engine: EngineOptions, private readonly shape: PolicyShape, readonly weights: Float32Array, private readonly memory: DecodeMemory,
  ) {}

  #lane(draws: boolean): Lane {
    let lane = this.#lanes.get(draws);
    if (!lane) {
      const { caches, lexicon } = this.memory;
      const program = (slots: number): Promise<Program> => {
        const compiled = this.memory.program(slots, draws);
        this.#programs.push(compiled);
        return compiled;
      };
      lane = new Lane(this.shape, [...caches].map(([slots, arrays]) => new Width(slots, arrays, program)), lexicon, { onDevice: computesOnDevice(this.engine), draws });
      this.#lanes.set(draws, lane);
    }
    return lane;
  }

  /** One result a job, in order; each is told before that, with others that ended at about the same time. */
  async decode(jobs: readonly DecodeJob[], options: DecodeOptions, onFinished: (finished: readonly Finished[]) => void = () => {}): Promise<DecodeResult[]> {
    const { lanes, shared } = this.memory;
    this.memory.hold(this);
    const whole = options.topK <= 0 && options.topP >= 1;
    const own = this.#lane(computesOnDevice(this.engine) && whole);
    const results = new Array<DecodeResult>(jobs.length);
    const tell = (finished: readonly Finished[]): void => {
      for (const { index, result } of finished) results[index] = result;
      onFinished(finished);
    };
    // Dealt out beforehand, neighbours together since they may share a prompt: which lane takes a sequence must not depend on which is faster.
    const part = Math.max(1, Math.ceil(jobs.length / lanes));
    const dealt = Array.from({ length: Math.ceil(jobs.length / part) }, (_, lane) => jobs.slice(lane * part, (lane + 1) * part).map((job, i) => ({ job, index: lane * part + i })));
    const [first = [], ...others] = dealt;
    // The threads' work begins before this one is held up by its own.
    const elsewhere = others.map((indexed, i) => laneThread(i).decode(shared!, this, indexed, options, tell));
    // Also where one fails, nothing may go on: the next call decodes with the same caches.
    const ended = await Promise.allSettled([own.decode(first, options, tell), ...elsewhere]);
    const failed = ended.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
    return results;
  }

  async release(): Promise<void> {
    for (let i = 0; i < this.memory.lanes - 1; i++) laneThread(i).release(this);
    for (const lane of this.#lanes.values()) lane.release();
    for (const program of await Promise.all(this.#programs)) program.release();
  }
}
