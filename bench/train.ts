/**
 * Training and sampling, tokens a second: our compiled step, the same step eagerly on tfjs-wasm, and the same architecture in PyTorch
 * where a Python with torch is at hand (OUROBOROS_PYTHON, else python3). All in one run, since only ratios of one run mean much.
 *
 *     npm run bench -- train [--sizes S,M] [--json]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpus, availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { probeBackend } from '../src/engine/backends.ts';
import { compile, type BackendName } from '../src/engine/compile.ts';
import { Decoder, decodeCaches } from '../src/models/decoding.ts';
import { biasCorrections } from '../src/models/optimizer.ts';
import { policyLayout, trainStep, type PolicyShape } from '../src/models/policy.ts';
import { RandomStream } from '../src/random/philox.ts';

const SIZES: Record<string, PolicyShape> = {
  S: { layers: 4, heads: 4, kvHeads: 4, width: 128, hidden: 344, context: 128, batch: 16, vocabulary: 1024 },
  M: { layers: 6, heads: 6, kvHeads: 6, width: 384, hidden: 1024, context: 256, batch: 8, vocabulary: 2048 },
};
const BATCHES = [1, 16, 64];
const PEER = fileURLToPath(new URL('peers/torch_llama.py', import.meta.url));

interface Figure {
  readonly name: string;
  /** Tokens a second of each repetition. */
  readonly repetitions: number[];
  readonly median: number;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const figure = (name: string, repetitions: number[]): Figure => ({ name, repetitions, median: median(repetitions) });

async function training(shape: PolicyShape, backend: BackendName, repetitions: number): Promise<number[]> {
  const { step, spec } = trainStep(shape);
  const program = await compile({ backend, threads: availableParallelism() }, step, spec);
  const weights = policyLayout(shape).initialise(1);
  const zeros = (): Float32Array => new Float32Array(weights.length);
  const bound = program.bind({ weights, first: zeros(), second: zeros(), average: weights.slice() });
  const N = shape.batch * shape.context;
  const inputs = bound.inputs as Record<string, Float32Array>;
  const random = new RandomStream(1, 'bench');
  const rates: number[] = [];
  for (let s = -1; s < repetitions; s++) {
    for (let i = 0; i < N; i++) {
      bound.inputs['ids']![i] = random.integer(i, shape.vocabulary);
      bound.inputs['targets']![i] = random.integer(i + 1, shape.vocabulary);
    }
    inputs['likelihood']!.fill(1 / N);
    const { first, second } = biasCorrections(s + 1);
    for (const [name, value] of Object.entries({ learningRate: 3e-4, firstCorrection: first, secondCorrection: second })) inputs[name]![0] = value;
    const begun = performance.now();
    await bound.run();
    if (s >= 0) rates.push((N * 1000) / (performance.now() - begun));
  }
  bound.release();
  program.release();
  return rates;
}

async function sampling(shape: PolicyShape, slots: number, repetitions: number): Promise<number[]> {
  const weights = policyLayout(shape).initialise(1);
  const engine = { backend: 'onnx:cpu', threads: availableParallelism() } as const;
  const decoder = await Decoder.create(engine, shape, weights, decodeCaches(engine, shape, slots));
  const rates: number[] = [];
  for (let r = -1; r < repetitions; r++) {
    const jobs = Array.from({ length: slots }, (_, i) => ({ prompt: [0], maxTokens: shape.context - 1, random: new RandomStream(1, 'bench', r, i) }));
    const begun = performance.now();
    // No token ends a sequence, so that every slot is busy to the end, as in the peer.
    const results = await decoder.decode(jobs, { temperature: 1, topK: 0, topP: 1, endOfText: -1 });
    const tokens = results.reduce((sum, result) => sum + result.tokens.length, 0);
    if (r >= 0) rates.push((tokens * 1000) / (performance.now() - begun));
  }
  decoder.release();
  return rates;
}

function torch(shape: PolicyShape): { readonly version: string; readonly rates: Record<string, number> } | null {
  const python = process.env['OUROBOROS_PYTHON'] ?? 'python3';
  if (spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status !== 0) return null;
  const output = execFileSync(python, [PEER, JSON.stringify(shape), String(availableParallelism())], { encoding: 'utf8' });
  const { version, ...rates } = JSON.parse(output) as { version: string } & Record<string, number>;
  return { version, rates };
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { sizes: { type: 'string', default: 'S,M' }, json: { type: 'boolean', default: false } } });
  const figures: Figure[] = [];
  const ratios: Record<string, number> = {};
  const say = (text: string): void => void (values.json || process.stdout.write(`${text}\n`));
  const machine = `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node ${process.versions.node}`;
  say(machine);
  const add = (name: string, rates: number[]): Figure => {
    const made = figure(name, rates);
    figures.push(made);
    const [low, high] = [Math.min(...rates), Math.max(...rates)];
    say(`${name.padEnd(18)}${Math.round(made.median).toLocaleString('en').padStart(10)} tokens/s   (${Math.round(low).toLocaleString('en')} to ${Math.round(high).toLocaleString('en')})`);
    return made;
  };
  for (const size of values.sizes.split(',')) {
    const shape = SIZES[size];
    if (!shape) throw new Error(`There is no size '${size}'; there are ${Object.keys(SIZES).join(', ')}.`);
    const ours = new Map<string, number>();
    ours.set('train', add(`train.${size}`, await training(shape, 'onnx:cpu', size === 'S' ? 30 : 7)).median);
    for (const batch of BATCHES) ours.set(`sample.${batch}`, add(`sample.${size}.${batch}`, await sampling(shape, batch, 3)).median);
    if (size === 'S' && (await probeBackend('wasm', 1)).usable) {
      const eager = add(`train.${size}/wasm`, await training(shape, 'wasm', 2));
      ratios[`train.${size}/wasm`] = ours.get('train')! / eager.median;
    }
    const peer = torch(shape);
    say(peer ? `torch             ${peer.version}` : 'torch             not at hand: set OUROBOROS_PYTHON to a Python that can import it');
    for (const [what, rate] of Object.entries(peer?.rates ?? {})) {
      const [kind, batch] = what.split('.');
      add(`${kind}.${size}${batch ? `.${batch}` : ''} torch`, [rate]);
      ratios[`${kind}.${size}${batch ? `.${batch}` : ''}/torch`] = ours.get(what)! / rate;
    }
  }
  for (const [name, ratio] of Object.entries(ratios)) say(`${name.padEnd(18)}${ratio.toFixed(2).padStart(10)} x`);
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, figures, ratios })}\n`);
}
