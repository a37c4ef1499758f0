/**
 * Sampling behind a prefix: rows in step with each other, prefix vectors first, then end-of-text, then what is drawn, by inverse CDF in the decode
 * step itself. Weights are variables, not built in: they change with every update that samples are wanted for. Every draw is addressed by its
 * sequence and position, so the company a sequence keeps does not change what it becomes.
 */
import type { LatentConfig, WeightsName } from '../contracts/model.ts';
import { allocateAll, compile, type Arrays, type BoundStep, type EngineOptions, type Program } from '../engine/compile.ts';
import { RandomStream } from '../random/philox.ts';
import type { DecodeResult } from './lane.ts';
import { prefixStep, sequenceShape } from './latent.ts';
import { LexicalState, type Lexicon, type ToldArrays } from './lexical.ts';
import { cacheSpecs, decodeStep, type PolicyShape } from './policy.ts';

/** The weights a sequence is drawn from: the policy's and the prefix layers'. */
export interface LatentWeights {
  readonly weights: Float32Array;
  readonly latent: Float32Array;
}

export interface LatentJob {
  /** Sequence `index` of the stream that `key` names. */
  readonly key: string;
  readonly index: number;
}

/** The noise of a sequence, written to `out`: a function of seed, key and index. */
export function noiseOf(seed: number, { key, index }: LatentJob, out: Float32Array): void {
  const random = new RandomStream(seed, 'latent noise', key, index);
  for (let i = 0; i < out.length; i++) out[i] = random.normal(i);
}

export interface LatentSamplerOptions {
  readonly seed: number;
  readonly shape: PolicyShape;
  readonly latent: LatentConfig;
  readonly endOfText: number;
  readonly lexicon: Lexicon | null;
}

export class LatentSampler {
  readonly #caches: Arrays;
  readonly #bound = new Map<WeightsName, { readonly prefix: BoundStep; readonly decode: BoundStep }>();

  private constructor(
    private readonly options: LatentSamplerOptions,
    readonly rows: number, private readonly prefix: Program, private readonly decode: Program, caches: Arrays,
  ) {
    this.#caches = caches;
  }

  static async create(engine: EngineOptions, options: LatentSamplerOptions, rows: number): Promise<LatentSampler> {
    const [prefix, decode] = [prefixStep(options.shape, options.latent, rows), decodeStep(options.shape, rows, { draws: true, vectors: true })];
    return new LatentSampler(options, rows, await compile(engine, prefix.step, prefix.spec), await compile(engine, decode.step, decode.spec), allocateAll(cacheSpecs(options.shape, rows)));
  }

  /** One result a job, in order, of at most `maxTokens` tokens; `weights` are those of `name`, the same arrays at every call. */
  async sample(name: WeightsName, { weights, latent }: LatentWeights, jobs: readonly LatentJob[], maxTokens: number): Promise<DecodeResult[]> {
    const bound = this.#bound.get(name) ?? { prefix: this.prefix.bind({ latent }), decode: this.decode.bind({ weights, ...this.#caches }) };
    this.#bound.set(name, bound);
    const results: DecodeResult[] = [];
    for (let from = 0; from < jobs.length; from += this.rows) results.push(...(await this.#batch(bound, jobs.slice(from, from + this.rows), maxTokens)));
    return results;
  }

  async #batch({ prefix, decode }: { readonly prefix: BoundStep; readonly decode: BoundStep }, jobs: readonly LatentJob[], maxTokens: number): Promise<DecodeResult[]> {
    const { seed, shape, latent, endOfText } = this.options;
    const P = latent.prefix, d = shape.width;
    const z = prefix.inputs['z'] as Float32Array;
    z.fill(0);
    for (const [row, job] of jobs.entries()) noiseOf(seed, job, z.subarray(row * latent.noise, (row + 1) * latent.noise));
    await prefix.run({ blocking: true });
    const prefixes = prefix.outputs['prefixes'] as Float32Array; // (rows, P * d)

    const { ids, positions, uniforms, vectors, given, inverseTemperature } = decode.inputs as Record<string, Float32Array>;
    const { lexicon } = this.options;
    const states = lexicon ? jobs.map(() => new LexicalState(lexicon)) : [];
    const streams = jobs.map(({ key, index }) => new RandomStream(seed, 'latent tokens', key, index));
    const results = jobs.map(() => ({ tokens: [] as number[], logProbs: [] as number[], finish: 'length' as 'length' | 'stop' }));
    const last = P + Math.min(maxTokens, sequenceShape(shape, latent).length);
    inverseTemperature![0] = 1;
    ids!.fill(endOfText);
    for (let position = 0; position < last && results.some(({ finish }) => finish === 'length'); position++) {
      const inPrefix = position < P;
      positions!.fill(position);
      given!.fill(inPrefix ? 1 : 0);
      if (inPrefix) for (let row = 0; row < this.rows; row++) vectors!.set(prefixes.subarray((row * P + position) * d, (row * P + position + 1) * d), row * d);
      else vectors!.fill(0);
      for (const [row, { finish, tokens }] of results.entries()) {
        uniforms![row] = inPrefix || finish === 'stop' ? 0 : streams[row]!.uniform(position - P);
        ids![row] = tokens.at(-1) ?? endOfText;
        states[row]?.read(ids![row]!);
        states[row]?.tell(decode.inputs as ToldArrays, row);
      }
      await decode.run({ blocking: true });
      if (inPrefix) continue;
      for (const [row, result] of results.entries()) {
        if (result.finish === 'stop') continue;
        const token = decode.outputs['tokens']![row]!;
        result.tokens.push(token);
        result.logProbs.push(decode.outputs['logProbs']![row]!);
        if (token === endOfText) result.finish = 'stop';
      }
    }
    return results;
  }

  release(): void {
    for (const { prefix, decode } of this.#bound.values()) {
      prefix.release();
      decode.release();
    }
    this.prefix.release();
    this.decode.release();
  }
}
