/**
 * Sampling: many sequences through a fixed number of slots over one compiled decode step. A slot whose sequence ends takes the
 * next one (continuous batching), prompts of any length are fed through the same step, once for all sequences that share one, and
 * every draw is addressed by the sequence and the position, so neither the slot nor the company a sequence keeps changes what it becomes.
 *
 * On a CPU of many cores each two of them decode a batch of their own (a lane): products this small gain nothing from a third thread. A lane
 * that runs out of sequences moves the rest into fewer slots.
 */
import { setImmediate } from 'node:timers/promises';
import { allocate, compiler, computesOnDevice, type Arrays, type BoundStep, type HostArray, type EngineOptions, type Program } from '../engine/compile.ts';
import type { RandomStream } from '../random/philox.ts';
import { LexicalState, type Lexicon } from './lexical.ts';
import { decodeStep, policyLayout, type PolicyShape } from './policy.ts';

export interface DecodeJob {
  /** Ids to start from, at least one; end-of-text first. */
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly random: RandomStream;
}

export interface DecodeResult {
  /** The end-of-text token included when it was drawn. */
  readonly tokens: number[];
  /** Natural log of each token's probability at temperature 1, untruncated, whatever it was drawn at. */
  readonly logProbs: number[];
  readonly finish: 'stop' | 'length';
}

/** A result, and which job's it is. */
export interface Finished {
  readonly index: number;
  readonly result: DecodeResult;
}

export interface DecodeOptions {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly endOfText: number;
}

/** What a lane does: a sequence, or the keys and values of a prompt that several sequences share. */
interface Task {
  readonly prompt: readonly number[];
  /** Tokens to draw at most; 0 where the caches alone are wanted. */
  readonly maxTokens: number;
  readonly random: RandomStream | null;
  /** The beginning of the prompt, computed before. */
  readonly prefix: Prefix | null;
  done(result: DecodeResult, slot: number): void;
}

interface Slot {
  readonly task: Task;
  /** Tokens in the cache. */
  position: number;
  /** Null for a policy that is told nothing. */
  readonly state: LexicalState | null;
  readonly tokens: number[];
  readonly logProbs: number[];
}

/** Keys and values of the first `length` tokens of a prompt, by cache: (K, length, hs). */
interface Prefix {
  readonly length: number;
  readonly arrays: Arrays;
}

/** Two lanes of a thread each draw one's tokens while the other computes, and still are slower than one lane of two (docs/performance.md). */
const THREADS_A_LANE = 2;
/** More lanes than this would wait for the threads that native calls run on (libuv's pool has four). */
const MOST_LANES = 4;

const FEWEST_SLOTS = 24;
const MOST_SLOTS = 64;
/** Bytes of keys and values with which a step does not wait for memory yet, and those beyond which it does in any number of slots. */
const [CACHED_BYTES, MOST_CACHED_BYTES] = [12e6, 24e6];

/**
 * Sequences to decode side by side in a lane. Products gain from more of them, until keys and values outgrow the processor's caches: the
 * default model samples a quarter faster in 24 slots than in 48. Where they do so anyway, products decide.
 */
export function slotsFor(engine: EngineOptions, { layers, kvHeads, heads, width, context }: PolicyShape): number {
  const bytes = layers * 2 * kvHeads * (width / heads) * context * Float32Array.BYTES_PER_ELEMENT;
  if (computesOnDevice(engine) || FEWEST_SLOTS * bytes > MOST_CACHED_BYTES) return MOST_SLOTS;
  return Math.min(MOST_SLOTS, Math.max(FEWEST_SLOTS, Math.floor(CACHED_BYTES / bytes)));
}

/** Key and value caches of one lane, by its number of slots, widest first. */
type LaneCaches = ReadonlyMap<number, Arrays>;

/** What the decoders of one model share, one of them at a time: nothing in it outlives a call of decode. */
export interface DecodeMemory {
  /** Lane by lane. */
  readonly caches: readonly LaneCaches[];
  readonly lexicon: Lexicon | null;
  /** The step for so many slots with these weights built in. Only the first of each kind is traced. */
  program(slots: number, draws: boolean, weights: Float32Array): Promise<Program>;
}

/** One lane for two cores where the CPU computes, else one. Wide lanes have `slots`, narrow ones a quarter; where a device keeps their caches they stay as they are. */
export function decodeMemory(engine: EngineOptions, shape: PolicyShape, slots: number, lexicon: Lexicon | null = null): DecodeMemory {
  const lanes = engine.backend === 'onnx:cpu' ? Math.max(1, Math.min(Math.floor(engine.threads / THREADS_A_LANE), MOST_LANES)) : 1;
  const widths = slots < 16 || computesOnDevice(engine) ? [slots] : [slots, Math.ceil(slots / 4)];
  const caches = Array.from({ length: lanes }, () => new Map(widths.map((width) => {
    const { variables } = decodeStep(shape, width).spec;
    return [width, Object.fromEntries(Object.entries(variables).filter(([name]) => name !== 'weights').map(([name, cache]) => [name, allocate(cache)]))];
  })));
  const frozen = new Float32Array(policyLayout(shape).size);
  const options = { ...engine, threads: Math.max(1, Math.floor(engine.threads / lanes)) };
  const compilers = new Map<string, () => Promise<Program>>();
  return {
    caches,
    lexicon,
    program(width, draws, weights) {
      const kind = `${width} ${draws}`;
      let compile = compilers.get(kind);
      if (!compile) {
        const { step, spec } = decodeStep(shape, width, { draws });
        compilers.set(kind, (compile = compiler(options, step, { ...spec, frozen: { weights: frozen } })));
      }
      frozen.set(weights);
      return compile();
    },
  };
}

/** Some 20 to 100 ms: nobody waits long for what has finished, and what is told is worth a message. */
const STEPS_TO_PAUSE = 32;

/** Steps from which narrower slots repay their compilation. */
const REPAID = 80;

/**
 * Decode steps with the weights built in: made once for each set of weights that is sampled from. Where the host's memory computes it
 * draws the tokens itself, for all its numbers are at hand; on a device they are drawn there, unless the distribution is truncated first.
 */
export class Decoder {
  /** Compiled when a call first needs them. */
  readonly #programs: Promise<Program>[] = [];
  /** By whether their steps draw. */
  readonly #lanes = new Map<boolean, readonly Lane[]>();

  /** `memory` (see `decodeMemory`) may serve several decoders, one at a time; `weights` are kept, and have to stay as they are until `release`. */
  constructor(
    private readonly engine: EngineOptions, private readonly shape: PolicyShape, readonly weights: Float32Array, private readonly memory: DecodeMemory,
  ) {}

  #lanesThat(draws: boolean): readonly Lane[] {
    const known = this.#lanes.get(draws);
    if (known) return known;
    const { engine, shape, weights, memory } = this;
    const { caches, lexicon } = memory;
    const programs = new Map<number, Promise<Program>>();
    const program = (slots: number): Promise<Program> => {
      let compiled = programs.get(slots);
      if (!compiled) {
        programs.set(slots, (compiled = memory.program(slots, draws, weights)));
        this.#programs.push(compiled);
      }
      return compiled;
    };
    const where = { shared: caches.length > 1, onDevice: computesOnDevice(engine), draws };
    const lanes = caches.map((widths) => new Lane(shape, [...widths].map(([slots, memory]) => new Width(slots, memory, program)), lexicon, where));
    this.#lanes.set(draws, lanes);
    return lanes;
  }

  /** One result a job, in order; each is told before that, with others that ended at about the same time. */
  async decode(jobs: readonly DecodeJob[], options: DecodeOptions, onFinished: (finished: readonly Finished[]) => void = () => {}): Promise<DecodeResult[]> {
    const whole = options.topK <= 0 && options.topP >= 1;
    const lanes = this.#lanesThat(computesOnDevice(this.engine) && whole);
    const results = new Array<DecodeResult>(jobs.length);
    const tell = (finished: readonly Finished[]): void => {
      for (const { index, result } of finished) results[index] = result;
      onFinished(finished);
    };
    // Dealt out beforehand: which lane takes a sequence must not depend on which is faster.
    const dealt = lanes.map((_, lane) => jobs.flatMap((job, index) => (index % lanes.length === lane ? [{ job, index }] : [])));
    await Promise.all(lanes.map((lane, i) => lane.decode(dealt[i]!, options, tell)));
    return results;
  }

  async release(): Promise<void> {
    for (const lane of [...this.#lanes.values()].flat()) lane.release();
    for (const program of await Promise.all(this.#programs)) program.release();
  }
}

/** A number of slots: their caches, and the step over them once it is needed. */
class Width {
  #step: BoundStep | null = null;

  constructor(readonly slots: number, readonly memory: Arrays, private readonly program: (slots: number) => Promise<Program>) {}

  async step(): Promise<BoundStep> {
    return (this.#step ??= (await this.program(this.slots)).bind(this.memory));
  }

  release(): void {
    this.#step?.release();
  }
}

/** One batch of slots, decoded by itself. */
class Lane {
  /** The one at work. */
  #width: Width;

  /**
   * `widths`: widest first. `shared`: other lanes run at the same time, so no step may hold up the thread they all live on. `onDevice`: the
   * caches are, and the host neither reads nor writes them. `draws`: the steps do.
   */
  constructor(private readonly shape: PolicyShape, private readonly widths: readonly Width[], private readonly lexicon: Lexicon | null, private readonly where: { readonly shared: boolean; readonly onDevice: boolean; readonly draws: boolean }) {
    this.#width = widths[0]!;
  }

  async decode(jobs: readonly { readonly job: DecodeJob; readonly index: number }[], options: DecodeOptions, tell: (finished: readonly Finished[]) => void): Promise<void> {
    const { context } = this.shape;
    let finished: Finished[] = [];
    const possible = jobs.filter(({ job, index }) => {
      if (job.prompt.length + 1 <= context && job.maxTokens >= 1) return true;
      finished.push({ index, result: { tokens: [], logProbs: [], finish: 'length' } });
      return false;
    });
    const pause = (): void => {
      if (finished.length > 0) tell(finished);
      finished = [];
    };
    this.#width = this.#narrowest(possible.length);
    const prefixes = await this.#sharedPrefixes(possible.map(({ job }) => job.prompt), options, pause);
    await this.#work(possible.map(({ job, index }): Task => ({
      ...job, prefix: prefixes.get(job.prompt.join()) ?? null, done: (result) => void finished.push({ index, result }),
    })), options, pause);
    pause();
  }

  /** All but the last token of every prompt that more than one sequence starts from; the last one's logits are each sequence's own. */
  async #sharedPrefixes(prompts: readonly (readonly number[])[], options: DecodeOptions, pause: () => void): Promise<Map<string, Prefix>> {
    // The way to the host and back costs more than computing a prompt again.
    if (this.where.onDevice) return new Map();
    const counts = new Map<string, { readonly prompt: readonly number[]; count: number }>();
    for (const prompt of prompts) {
      const known = counts.get(prompt.join());
      if (known) known.count++;
      else counts.set(prompt.join(), { prompt, count: 1 });
    }
    const prefixes = new Map<string, Prefix>();
    await this.#work([...counts].filter(([, { prompt, count }]) => count > 1 && prompt.length > 1).map(([key, { prompt }]): Task => ({
      prompt: prompt.slice(0, -1), maxTokens: 0, random: null, prefix: null, done: (_, slot) => void prefixes.set(key, this.#read(slot, prompt.length - 1)),
    })), options, pause);
    return prefixes;
  }

  /** Does all tasks, in their order as slots become free, with a pause now and then. */
  async #work(tasks: readonly Task[], options: DecodeOptions, pause: () => void): Promise<void> {
    const { context, vocabulary } = this.shape;
    let next = 0;
    const take = (s: number): Slot | undefined => {
      const task = tasks[next++];
      if (!task) return undefined;
      if (task.prefix) this.#write(s, task.prefix);
      const position = task.prefix?.length ?? 0;
      const state = this.lexicon && new LexicalState(this.lexicon);
      for (const id of task.prompt.slice(0, position)) state?.read(id);
      return { task, position, state, tokens: [], logProbs: [] };
    };
    let slots: (Slot | undefined)[] = Array.from({ length: this.#width.slots }, (_, s) => take(s));

    for (let count = 0; slots.some((slot) => slot); count++) {
      const step = await this.#width.step();
      const { ids, brackets, lines, positions, inverseTemperature, uniforms } = step.inputs as { ids: Int32Array; brackets?: Int32Array; lines?: Int32Array; positions: Int32Array; inverseTemperature: Float32Array; uniforms?: Float32Array };
      inverseTemperature[0] = 1 / options.temperature;
      for (let s = 0; s < slots.length; s++) {
        const slot = slots[s];
        ids[s] = slot ? (slot.task.prompt[slot.position] ?? slot.tokens[slot.position - slot.task.prompt.length]!) : options.endOfText;
        positions[s] = slot ? slot.position : 0;
        if (slot?.state && brackets && lines) {
          slot.state.read(ids[s]!);
          brackets[s] = slot.state.brackets;
          lines[s] = slot.state.line;
        }
        if (uniforms) uniforms[s] = slot?.task.random?.uniform(slot.tokens.length) ?? 0;
      }
      await step.run({ blocking: !this.where.shared });
      const drawnAt = this.where.draws ? drawnBy(step.outputs as DrawnOutputs) : drawnFrom(step.outputs as Distributions, vocabulary, options);
      for (let s = 0; s < slots.length; s++) {
        const slot = slots[s];
        if (!slot || ++slot.position < slot.task.prompt.length) continue;
        const { random, maxTokens } = slot.task;
        let stopped = false;
        if (random) {
          const { token, logProb } = drawnAt(s, random.uniform(slot.tokens.length));
          slot.tokens.push(token);
          slot.logProbs.push(logProb);
          stopped = token === options.endOfText;
        }
        if (stopped || slot.tokens.length >= maxTokens || slot.position >= context) {
          slot.task.done({ tokens: slot.tokens, logProbs: slot.logProbs, finish: stopped ? 'stop' : 'length' }, s);
          slots[s] = take(s);
        }
      }
      if (next >= tasks.length) slots = this.#narrowed(slots);
      if (count % STEPS_TO_PAUSE < STEPS_TO_PAUSE - 1) continue;
      pause();
      // Blocking steps: messages get through, both ways, only here.
      if (!this.where.shared) await setImmediate();
    }
  }

  /** Each cache of a slot: (K, T, hs), with its name. */
  *#cachesOf(slot: number): Generator<[name: string, cache: HostArray]> {
    const { slots, memory } = this.#width;
    for (const [name, cache] of Object.entries(memory)) {
      const size = cache.length / slots;
      yield [name, cache.subarray(slot * size, (slot + 1) * size)];
    }
  }

  #read(slot: number, length: number): Prefix {
    const { context, kvHeads } = this.shape;
    return {
      length,
      arrays: Object.fromEntries([...this.#cachesOf(slot)].map(([name, cache]) => {
        const head = cache.length / kvHeads, kept = (head / context) * length;
        const array = new Float32Array(kvHeads * kept);
        for (let k = 0; k < kvHeads; k++) array.set(cache.subarray(k * head, k * head + kept), k * kept);
        return [name, array];
      })),
    };
  }

  #write(slot: number, { arrays }: Prefix): void {
    const { kvHeads } = this.shape;
    for (const [name, cache] of this.#cachesOf(slot)) {
      const array = arrays[name]!;
      const head = cache.length / kvHeads, kept = array.length / kvHeads;
      for (let k = 0; k < kvHeads; k++) cache.set(array.subarray(k * kept, (k + 1) * kept), k * head);
    }
  }

  #narrowest(count: number): Width {
    return this.widths.findLast(({ slots }) => slots >= count) ?? this.widths[0]!;
  }

  /** Moves what is left into fewer slots, once it fits and has some way to go. */
  #narrowed(slots: (Slot | undefined)[]): (Slot | undefined)[] {
    const from = this.#width;
    const left = slots.flatMap((slot, s) => (slot ? [{ slot, s }] : []));
    const to = this.#narrowest(left.length);
    if (to === from || !left.some(({ slot }) => slot.task.maxTokens - slot.tokens.length >= REPAID)) return slots;
    for (const [name, target] of Object.entries(to.memory)) {
      const source = from.memory[name]!;
      const row = source.length / from.slots;
      left.forEach(({ s }, place) => target.set(source.subarray(s * row, (s + 1) * row), place * row));
    }
    this.#width = to;
    return Array.from({ length: to.slots }, (_, place) => left[place]?.slot);
  }

  release(): void {
    for (const width of this.widths) width.release();
  }
}

type DrawnOutputs = { readonly tokens: Int32Array; readonly logProbs: Float32Array };
type Distributions = { readonly probabilities: Float32Array; readonly logits: Float32Array };
/** The token of slot `s`, and its log-probability at temperature 1. */
type DrawnAt = (s: number, uniform: number) => { readonly token: number; readonly logProb: number };

function drawnBy({ tokens, logProbs }: DrawnOutputs): DrawnAt {
  return (s) => ({ token: tokens[s]!, logProb: logProbs[s]! });
}

function drawnFrom({ probabilities, logits }: Distributions, vocabulary: number, options: DecodeOptions): DrawnAt {
  return (s, uniform) => {
    const from = s * vocabulary;
    const row = probabilities.subarray(from, from + vocabulary);
    const token = draw(row, uniform, options);
    return { token, logProb: options.temperature === 1 ? Math.log(row[token]!) : logSoftmaxAt(logits.subarray(from, from + vocabulary), token) };
  };
}

/**
 * The token at which the cumulative distribution passes `uniform` (inverse CDF), after truncation to the topK likeliest and
 * to the smallest set whose probability reaches topP (Holtzman et al. 2020); 0 and 1 turn them off. `probabilities` add up to 1.
 */
export function draw(probabilities: Float32Array, uniform: number, options: { topK: number; topP: number }): number {
  const { topK, topP } = options;
  if (topK <= 0 && topP >= 1) return inverse(probabilities, uniform);
  const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
  const kept: number[] = [];
  let total = 0;
  for (const token of order.slice(0, topK > 0 ? topK : undefined)) {
    if (kept.length > 0 && total >= topP) break;
    kept.push(token);
    total += probabilities[token]!;
  }
  return kept[inverse(kept.map((token) => probabilities[token]!), uniform * total)]!;
}

function logSoftmaxAt(logits: Float32Array, token: number): number {
  let most = -Infinity;
  for (let i = 0; i < logits.length; i++) most = Math.max(most, logits[i]!);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - most);
  return logits[token]! - most - Math.log(sum);
}

/** The first place at which the sum from left to right, in double precision, passes `threshold`. Weights are not negative. */
function inverse(weights: ArrayLike<number>, threshold: number): number {
  let sum = 0, i = 0;
  // The same additions in the same order, with every eighth sum compared: half the time.
  for (; i + 8 <= weights.length; i += 8) {
    const next = sum + weights[i]! + weights[i + 1]! + weights[i + 2]! + weights[i + 3]! + weights[i + 4]! + weights[i + 5]! + weights[i + 6]! + weights[i + 7]!;
    if (next > threshold) break;
    sum = next;
  }
  for (; i < weights.length; i++) {
    sum += weights[i]!;
    if (sum > threshold) return i;
  }
  // Rounding left the threshold just above the sum.
  let last = weights.length - 1;
  while (last > 0 && weights[last]! <= 0) last--;
  return last;
}
