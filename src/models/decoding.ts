/**
 * Sampling: many sequences through a fixed number of slots over one compiled decode step. A slot whose sequence ends takes the
 * next one (continuous batching), prompts of any length are fed through the same step, and every draw is addressed by the
 * sequence and the position, so neither the slot nor the company a sequence keeps changes what it becomes.
 */
import { allocate, compile, type Arrays, type BoundStep, type EngineOptions, type Program } from '../engine/compile.ts';
import type { RandomStream } from '../random/philox.ts';
import { decodeStep, type PolicyShape } from './policy.ts';

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

export interface DecodeOptions {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly endOfText: number;
}

interface Slot {
  job: DecodeJob;
  index: number;
  /** Tokens in the cache. */
  position: number;
  tokens: number[];
  logProbs: number[];
}

/** Key and value caches of `slots` sequences. */
export function decodeCaches(shape: PolicyShape, slots: number): Arrays {
  const { variables } = decodeStep(shape, slots).spec;
  return Object.fromEntries(Object.entries(variables).filter(([name]) => name !== 'weights').map(([name, cache]) => [name, allocate(cache)]));
}

/** A decode step with the weights built in: made once for each set of weights that is sampled from. */
export class Decoder {
  readonly #program: Program;
  readonly #step: BoundStep;

  private constructor(private readonly shape: PolicyShape, private readonly slots: number, program: Program, step: BoundStep) {
    this.#program = program;
    this.#step = step;
  }

  /** `caches` (see `decodeCaches`) may serve several decoders, one at a time: nothing in them outlives a call of decode. */
  static async create(engine: EngineOptions, shape: PolicyShape, slots: number, weights: Float32Array, caches: Arrays): Promise<Decoder> {
    const { step, spec } = decodeStep(shape, slots);
    const program = await compile(engine, step, { ...spec, frozen: { weights } });
    return new Decoder(shape, slots, program, program.bind(caches));
  }

  /** One result a job, in order. */
  async decode(jobs: readonly DecodeJob[], options: DecodeOptions): Promise<DecodeResult[]> {
    const results = new Array<DecodeResult>(jobs.length);
    const slots = new Array<Slot | null>(this.slots).fill(null);
    const { ids, positions, inverseTemperature } = this.#step.inputs as { ids: Int32Array; positions: Int32Array; inverseTemperature: Float32Array };
    inverseTemperature[0] = 1 / options.temperature;
    let next = 0;
    let active = 0;
    const refill = (s: number): void => {
      slots[s] = null;
      while (next < jobs.length) {
        const job = jobs[next]!;
        const index = next++;
        if (job.prompt.length + 1 > this.shape.context || job.maxTokens < 1) {
          results[index] = { tokens: [], logProbs: [], finish: 'length' };
          continue;
        }
        slots[s] = { job, index, position: 0, tokens: [], logProbs: [] };
        active++;
        return;
      }
    };
    for (let s = 0; s < this.slots; s++) refill(s);

    for (let count = 0; active > 0; count++) {
      for (const [s, slot] of slots.entries()) {
        ids[s] = slot ? (slot.job.prompt[slot.position] ?? slot.tokens[slot.position - slot.job.prompt.length]!) : options.endOfText;
        positions[s] = slot ? slot.position : 0;
      }
      await this.#step.run({ blocking: true });
      const { probabilities, logits } = this.#step.outputs as { probabilities: Float32Array; logits: Float32Array };
      for (const [s, slot] of slots.entries()) {
        if (!slot) continue;
        slot.position++;
        if (slot.position < slot.job.prompt.length) continue;
        const rowOf = (values: Float32Array): Float32Array => values.subarray(s * this.shape.vocabulary, (s + 1) * this.shape.vocabulary);
        const row = rowOf(probabilities);
        const token = draw(row, slot.job.random.uniform(slot.tokens.length), options);
        slot.tokens.push(token);
        slot.logProbs.push(options.temperature === 1 ? Math.log(row[token]!) : logSoftmaxAt(rowOf(logits), token));
        const stopped = token === options.endOfText;
        if (stopped || slot.tokens.length >= slot.job.maxTokens || slot.position >= this.shape.context) {
          results[slot.index] = { tokens: slot.tokens, logProbs: slot.logProbs, finish: stopped ? 'stop' : 'length' };
          active--;
          refill(s);
        }
      }
      // The steps block; let messages through now and then.
      if (count % 32 === 31) await new Promise((resolve) => setImmediate(resolve));
    }
    return results;
  }

  release(): void {
    this.#step.release();
    this.#program.release();
  }
}

/**
 * The token at which the cumulative distribution passes `uniform` (inverse CDF), after truncation to the topK likeliest and
 * to the smallest set whose probability reaches topP (Holtzman et al. 2020); 0 and 1 turn them off.
 */
export function draw(probabilities: Float32Array, uniform: number, options: { topK: number; topP: number }): number {
  const { topK, topP } = options;
  if (topK <= 0 && topP >= 1) {
    let total = 0;
    for (let i = 0; i < probabilities.length; i++) total += probabilities[i]!;
    return inverse(probabilities, uniform * total);
  }
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

function inverse(weights: ArrayLike<number>, threshold: number): number {
  let sum = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    if (weight <= 0) continue;
    sum += weight;
    last = i;
    if (sum > threshold) return i;
  }
  return last; // rounding left the threshold just above the sum
}
