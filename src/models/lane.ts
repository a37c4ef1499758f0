/**
 * A lane: many sequences through a fixed number of slots over one compiled decode step, on the thread that it is made on. A slot whose sequence
 * ends takes the next one (continuous batching), prompts of any length are fed through the same step, once for all sequences that share one, and
 * every draw is addressed by the sequence and the position, so neither the slot nor the company a sequence keeps changes what it becomes. A lane
 * that runs out of sequences moves the rest into fewer slots.
 */
import { setImmediate } from 'node:timers/promises';
import type { Arrays, BoundStep, HostArray, Program } from '../engine/program.ts';
import type { RandomStream } from '../random/philox.ts';
import { drawnBy, drawnFrom, type Distributions, type DrawnOutputs, type DrawOptions } from './drawing.ts';
import { LexicalState, type Lexicon, type ToldArrays } from './lexical.ts';
import type { PolicyShape } from './policy.ts';

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

/** A job among those of a call. */
export interface IndexedJob {
  readonly job: DecodeJob;
  readonly index: number;
}

/** A result, and which job's it is. */
export interface Finished {
  readonly index: number;
  readonly result: DecodeResult;
}

export interface DecodeOptions extends DrawOptions {
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

/** Some 20 to 100 ms: nobody waits long for what has finished, and what is told is worth a message. */
const STEPS_TO_PAUSE = 32;

/** Steps from which narrower slots repay their compilation. */
const REPAID = 80;

/** A number of slots: their caches, and the step over them once it is needed. */
export class Width {
  #step: BoundStep | null = null;

  constructor(readonly slots: number, readonly memory: Arrays, private readonly program: (slots: number) => Promise<Program>) {}

  async step(): Promise<BoundStep> {
    return (this.#step ??= (await this.program(this.slots)).bind(this.memory));
  }

  release(): void {
    this.#step?.release();
  }
}

export class Lane {
  /** The one at work. */
  #width: Width;

  /**
   * `widths`: widest first. `onDevice`: the caches are, and the host neither reads nor writes them. `draws`: the steps do.
   */
  constructor(private readonly shape: PolicyShape, private readonly widths: readonly Width[], private readonly lexicon: Lexicon | null, private readonly where: { readonly onDevice: boolean; readonly draws: boolean }) {
    this.#width = widths[0]!;
  }

  /** Tells of each job's result, some at a time; of all before it resolves. */
  async decode(jobs: readonly IndexedJob[], options: DecodeOptions, tell: (finished: readonly Finished[]) => void): Promise<void> {
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
      const { ids, positions, inverseTemperature, uniforms } = step.inputs as { ids: Int32Array; positions: Int32Array; inverseTemperature: Float32Array; uniforms?: Float32Array };
      inverseTemperature[0] = 1 / options.temperature;
      for (let s = 0; s < slots.length; s++) {
        const slot = slots[s];
        ids[s] = slot ? (slot.task.prompt[slot.position] ?? slot.tokens[slot.position - slot.task.prompt.length]!) : options.endOfText;
        positions[s] = slot ? slot.position : 0;
        slot?.state?.read(ids[s]!);
        slot?.state?.tell(step.inputs as ToldArrays, s);
        if (uniforms) uniforms[s] = slot?.task.random?.uniform(slot.tokens.length) ?? 0;
      }
      await step.run({ blocking: true });
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
      // Steps block the thread: messages get through, both ways, only here.
      await setImmediate();
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
