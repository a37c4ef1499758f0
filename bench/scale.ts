/**
 * How the cost of the compiled steps grows: from size S, one dimension at a time. Milliseconds a training step and a decoding step, tokens a
 * second, and the arithmetic that a training step does a second, which is what limits it.
 *
 *     npm run bench -- scale --help
 */
import { parseArgs } from 'node:util';
import type { PolicyShape } from '../src/models/policy.ts';
import { alternate, Recorder, type BenchReport, type Say } from './figures.ts';
import { openSampling, openTraining, rateOf, sizeNamed } from './ours.ts';
import { wholeNumber } from './usage.ts';

const SEQUENCES = 48;
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
  const repetitions = wholeNumber('--repetitions', values.repetitions);
  const recorder = new Recorder(say);
  for (const [name, change] of VARIATIONS) {
    const shape = { ...sizeNamed('S'), ...change };
    const positions = shape.batch * shape.context;
    const training = await openTraining(shape, 'onnx:cpu', 1), sampling = await openSampling(shape, 'onnx:cpu', SEQUENCES);
    const rates = await alternate({ training: () => rateOf(() => training.run()), sampling: () => rateOf(() => sampling.run()) }, repetitions);
    training.release();
    sampling.release();
    recorder.figure(`${name} step`, 'ms', rates.training.map((rate) => (1000 * positions) / rate));
    recorder.figure(`${name} training`, 'tokens/s', rates.training);
    recorder.figure(`${name} arithmetic`, 'GFLOP/s', rates.training.map((rate) => (operationsOf(shape) * rate) / positions / 1e9));
    recorder.figure(`${name} sampling`, 'tokens/s', rates.sampling);
  }
  return recorder.report();
}
