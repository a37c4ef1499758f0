/**
 * Training and sampling, tokens a second, and peak memory: our compiled step and decoder, the same step eagerly on tfjs-wasm, and the
 * same architecture in PyTorch, eager and through torch.compile, where a Python with torch is at hand (OUROBOROS_PYTHON, else python3).
 * Each repetition of one side is followed by one of the other. On a GPU's backend the peer gets the GPU as well, and the rows that
 * are about the CPU are left out.
 *
 *     npm run bench -- train --help
 */
import { parseArgs } from 'node:util';
import { parseConfig } from '../src/config/load.ts';
import { chooseEngine, probeBackend } from '../src/engine/backends.ts';
import { computesOnDevice, type EngineOptions } from '../src/engine/compile.ts';
import { alternate, Recorder, type BenchReport, type Say } from './figures.ts';
import { MEMORY_BATCH, MEMORY_STEPS, MEMORY_TOKENS, ourPeak } from './memory.ts';
import { openSampling, openTraining, rateOf, sizeNamed, type Workload } from './ours.ts';
import { NO_TORCH, openTorch, PeerError, type TorchPeer } from './peers/torch.ts';
import { wholeNumber, wholeNumbers } from './usage.ts';
import type { PolicyShape } from '../src/models/policy.ts';

/** Memory is compared at this size alone: smaller ones measure the runtimes. */
const MEMORY_SIZE = 'M';
const MEGABYTE = 1024 * 1024;

type Rate = () => Promise<number>;
type Answer = { readonly tokens: number; readonly seconds: number };

/** Steps in one repetition: half a second or so. */
const stepsOf = (shape: PolicyShape): number => (shape.width < 256 ? 4 : 1);
/** Few sequences are soon done: they are sampled more often in one repetition. */
const passesOf = (batch: number): number => (batch < 16 ? 4 : 1);

class TrainBench {
  constructor(private readonly recorder: Recorder, private readonly engine: EngineOptions, private readonly repetitions: number, private readonly compiled: boolean) {}

  /** One row: ours beside every form of the peer that runs here. */
  async #row(name: string, work: Workload, peer: TorchPeer | null, request: { readonly do: string } & Readonly<Record<string, unknown>>): Promise<void> {
    const ask = (more: object): Rate => async () => {
      const { tokens, seconds, unavailable } = await peer!.call<Answer>({ ...request, ...more });
      if (unavailable !== undefined) throw new PeerError(`The peer failed at ${name}: ${unavailable}`);
      return tokens / seconds;
    };
    const sides: Record<string, Rate> = { ours: () => rateOf(() => work.run()) };
    if (peer) sides['torch'] = ask({});
    if (peer?.compiles && this.compiled) {
      const { unavailable } = await peer.call<Answer>({ ...request, compiled: true });
      if (unavailable === undefined) sides['torch-compile'] = ask({ compiled: true });
      else this.recorder.missing(`${name}/torch-compile (${unavailable})`);
    }
    const rates = await alternate(sides, this.repetitions);
    for (const [side, values] of Object.entries(rates)) this.recorder.figure(side === 'ours' ? name : `${name} ${side}`, 'tokens/s', values);
    for (const [side, values] of Object.entries(rates)) if (side !== 'ours') this.recorder.ratio(`${name}/${side}`, rates['ours']!, values);
  }

  async size(size: string, batches: readonly number[]): Promise<void> {
    const shape = sizeNamed(size);
    const { backend } = this.engine, embedded = backend === 'onnx:cpu';
    const peer = await openTorch('torch_llama.py', shape, computesOnDevice(this.engine) ? 'cuda' : 'cpu');
    if (peer) this.recorder.peer('torch', peer.version);
    else this.recorder.missing(NO_TORCH);
    // Ratios of one backend never stand for those of another.
    const of = embedded ? size : `${size}.${backend}`;
    try {
      const training = await openTraining(shape, backend, stepsOf(shape));
      await this.#row(`train.${of}`, training, peer, { do: 'train', steps: stepsOf(shape) });
      if (size === 'S' && embedded) await this.#eager(shape, training);
      training.release();
      for (const batch of batches) {
        const sampling = await openSampling(shape, backend, batch, passesOf(batch));
        await this.#row(`sample.${of}.${batch}`, sampling, peer, { do: 'sample', batch, passes: passesOf(batch) });
        sampling.release();
      }
    } finally {
      await peer?.close();
    }
    if (size === MEMORY_SIZE && embedded) await this.#memory(size, shape);
  }

  /** The same step where nothing is compiled: two repetitions, since one takes ten seconds. */
  async #eager(shape: PolicyShape, compiled: Workload): Promise<void> {
    const { usable, detail } = await probeBackend('wasm', 1);
    if (!usable) return this.recorder.missing(`train.S/wasm (${detail})`);
    const eager = await openTraining(shape, 'wasm', 1);
    const rates = await alternate({ ours: () => rateOf(() => compiled.run()), wasm: () => rateOf(() => eager.run()) }, 2);
    this.recorder.figure('train.S wasm', 'tokens/s', rates.wasm);
    this.recorder.ratio('train.S/wasm', rates.ours, rates.wasm);
    eager.release();
  }

  /** Each repetition is a fresh process on either side. Below 1 is better. */
  async #memory(size: string, shape: PolicyShape): Promise<void> {
    const name = `memory.${size}`;
    const ours: number[] = [], theirs: number[] = [];
    for (let r = 0; r < Math.min(3, this.repetitions); r++) {
      const peak = ourPeak(size);
      if (peak === null) return this.recorder.missing(`${name} (this system has no /proc)`);
      ours.push(peak / MEGABYTE);
      const peer = await openTorch('torch_llama.py', shape);
      if (!peer) continue;
      const answer = await peer.call<{ peak: number }>({ do: 'memory', steps: MEMORY_STEPS, batch: MEMORY_BATCH, tokens: MEMORY_TOKENS });
      theirs.push(answer.peak / MEGABYTE);
      await peer.close();
    }
    this.recorder.figure(name, 'MB', ours);
    if (theirs.length === 0) return;
    this.recorder.figure(`${name} torch`, 'MB', theirs);
    this.recorder.ratio(`${name}/torch`, ours, theirs);
  }
}

/** Measures what the arguments ask for. */
export async function measure(args: readonly string[], say: Say): Promise<BenchReport> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: 'string', default: 'S,M' }, batches: { type: 'string', default: '1,16,64' }, repetitions: { type: 'string', default: '5' },
      backend: { type: 'string', default: 'onnx:cpu' }, 'no-compile': { type: 'boolean', default: false },
    },
  });
  const repetitions = wholeNumber('--repetitions', values.repetitions), batches = wholeNumbers('--batches', values.batches);
  const engine = await chooseEngine(parseConfig({ backend: values.backend }).backend, 0);
  const recorder = new Recorder(say);
  const bench = new TrainBench(recorder, engine, repetitions, !values['no-compile']);
  for (const size of values.sizes.split(',')) await bench.size(size, batches);
  return recorder.report();
}
