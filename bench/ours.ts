/**
 * Our side of `train`: the compiled training step and the decoder over random weights, at the sizes that every comparison uses. Not
 * here: how often they run and what stands beside them (train.ts).
 */
import { availableParallelism } from 'node:os';
import { compile, type BackendName } from '../src/engine/compile.ts';
import { Decoder, decodeMemory, lanesFor, slotsFor } from '../src/models/decoding.ts';
import { biasCorrections } from '../src/models/optimizer.ts';
import { policyLayout, trainStep, type PolicyShape } from '../src/models/policy.ts';
import { RandomStream } from '../src/random/philox.ts';
import { UsageError } from './usage.ts';

export const SIZES: Readonly<Record<string, PolicyShape>> = {
  S: { layers: 4, heads: 4, kvHeads: 4, width: 128, hidden: 344, context: 128, batch: 16, lexicalState: false, vocabulary: 1024 },
  M: { layers: 6, heads: 6, kvHeads: 6, width: 384, hidden: 1024, context: 256, batch: 8, lexicalState: false, vocabulary: 2048 },
  // Work for a GPU, 90 M parameters; a step takes many seconds on a few cores.
  L: { layers: 12, heads: 12, kvHeads: 12, width: 768, hidden: 2048, context: 512, batch: 16, lexicalState: false, vocabulary: 8192 },
};

export function sizeNamed(name: string): PolicyShape {
  const shape = SIZES[name];
  if (!shape) throw new UsageError(`There is no size '${name}'; there are ${Object.keys(SIZES).join(', ')}.`);
  return shape;
}

export interface Workload {
  /** Does the work once and returns how many tokens that was. */
  run(): Promise<number>;
  release(): void;
}

/** Tokens a second of one run. */
export async function rateOf(run: () => Promise<number>): Promise<number> {
  const begun = performance.now();
  const tokens = await run();
  return (tokens * 1000) / (performance.now() - begun);
}

/** Training on random rows: forward, gradients, clipping, AdamW and the average of the weights; `steps` steps a run. */
export async function openTraining(shape: PolicyShape, backend: BackendName, steps: number): Promise<Workload> {
  const { step, spec } = trainStep(shape);
  const program = await compile({ backend, threads: availableParallelism() }, step, spec);
  const weights = policyLayout(shape).initialise(1);
  const zeros = (): Float32Array => new Float32Array(weights.length);
  const bound = program.bind({ weights, first: zeros(), second: zeros(), average: weights.slice() });
  const positions = shape.batch * shape.context;
  const inputs = bound.inputs as Record<string, Float32Array>;
  const random = new RandomStream(1, 'bench');
  let done = 0;
  return {
    async run() {
      for (let s = 0; s < steps; s++, done++) {
        for (let i = 0; i < positions; i++) {
          bound.inputs['ids']![i] = random.integer(i, shape.vocabulary);
          bound.inputs['targets']![i] = random.integer(i + 1, shape.vocabulary);
        }
        inputs['likelihood']!.fill(1 / positions);
        for (const [name, value] of Object.entries({ learningRate: 3e-4, ...biasCorrections(done) })) inputs[name]![0] = value;
        await bound.run();
      }
      return steps * positions;
    },
    release() {
      bound.release();
      program.release();
    },
  };
}

/**
 * Sampling of a batch of sequences, `passes` times a run, each as long as the context or `tokens` allows: no token ends one. As in a run no
 * more of them are side by side than the model's caches allow; a larger batch goes through in equal turns.
 */
export async function openSampling(shape: PolicyShape, backend: BackendName, batch: number, passes = 1, tokens = shape.context - 1): Promise<Workload> {
  const engine = { backend, threads: availableParallelism() };
  const { lanes } = lanesFor(engine, shape);
  const turns = Math.ceil(batch / (lanes * slotsFor(engine, shape)));
  const decoder = new Decoder(engine, shape, policyLayout(shape).initialise(1), decodeMemory(engine, shape, Math.ceil(batch / (lanes * turns))));
  let done = 0;
  return {
    async run() {
      let sampled = 0;
      for (let pass = 0; pass < passes; pass++, done++) {
        const jobs = Array.from({ length: batch }, (_, i) => ({ prompt: [0], maxTokens: tokens, random: new RandomStream(1, 'bench', done, i) }));
        const results = await decoder.decode(jobs, { temperature: 1, topK: 0, topP: 1, endOfText: -1 });
        sampled += results.reduce((sum, result) => sum + result.tokens.length, 0);
      }
      return sampled;
    },
    release: () => decoder.release(),
  };
}
