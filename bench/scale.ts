/**
 * How the cost of the compiled steps grows: from size S, one dimension at a time. Milliseconds a training step and a decoding step, tokens a
 * second, and the arithmetic that a training step does a second, which is what limits it.
 *
 *     npm run bench -- scale [--repetitions 5] [--json]
 */
import { parseArgs } from 'node:util';
import type { PolicyShape } from '../src/models/policy.ts';
import { Recorder, type BenchReport, type Say } from './figures.ts';
import { openSampling, openTraining, sizeNamed } from './ours.ts';

const SLOTS = 48;
const VARIATIONS: readonly (readonly [name: string, change: Partial<PolicyShape>])[] = [
  ['S', {}],
  ...[2, 8].map((layers) => [`layers ${layers}`, { layers }] as const),
  ...[[64, 2, 176], [256, 8, 688], [384, 12, 1024]].map(([width, heads, hidden]) => [`width ${width}`, { width: width!, heads: heads!, kvHeads: heads!, hidden: hidden! }] as const),
  ...[64, 256, 512].map((context) => [`context ${context}`, { context, batch: 2048 / context }] as const),
  ...[8, 32, 64].map((batch) => [`batch ${batch}`, { batch }] as const),
  ...[512, 4096].map((vocabulary) => [`vocabulary ${vocabulary}`, { vocabulary }] as const),
];

/** Multiplications and additions of a training step: three products for each weight and position, attention over whole rows. */
export function operationsOf({ layers, width, hidden, heads, kvHeads, context, batch, vocabulary }: PolicyShape): number {
  const weights = layers * (width * width * (2 + (2 * kvHeads) / heads) + 3 * width * hidden) + vocabulary * width;
  const attention = layers * 2 * context * width;
  return 3 * 2 * batch * context * (weights + attention);
}

/** Measures what the arguments ask for. */
export async function measure(args: readonly string[], say: Say): Promise<BenchReport> {
  const { values } = parseArgs({ args: [...args], options: { repetitions: { type: 'string', default: '5' } } });
  const repetitions = Number(values.repetitions);
  if (!Number.isInteger(repetitions) || repetitions < 1) throw new RangeError('--repetitions has to be a whole number from 1.');
  const recorder = new Recorder(say);
  for (const [name, change] of VARIATIONS) {
    const shape = { ...sizeNamed('S'), ...change };
    const positions = shape.batch * shape.context;
    const training = await openTraining(shape, 'onnx:cpu', 1);
    const seconds: number[] = [];
    for (let r = -1; r < repetitions; r++) {
      const begun = performance.now();
      await training.run();
      if (r >= 0) seconds.push((performance.now() - begun) / 1000);
    }
    training.release();
    recorder.figure(`${name} step`, 'ms', seconds.map((second) => 1000 * second));
    recorder.figure(`${name} training`, 'tokens/s', seconds.map((second) => positions / second));
    recorder.figure(`${name} arithmetic`, 'GFLOP/s', seconds.map((second) => operationsOf(shape) / second / 1e9));
    const sampling = await openSampling(shape, SLOTS);
    const rates: number[] = [];
    for (let r = -1; r < repetitions; r++) {
      const begun = performance.now();
      const tokens = await sampling.run();
      if (r >= 0) rates.push((1000 * tokens) / (performance.now() - begun));
    }
    sampling.release();
    recorder.figure(`${name} sampling`, 'tokens/s', rates);
  }
  return recorder.report();
}
