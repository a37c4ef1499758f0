/**
 * Entry point of the process whose peak memory `npm run bench -- train` reports: builds the size named as its argument, trains a few
 * steps, samples from a batch of 64, and prints the peak of its resident memory in bytes (null where there is no /proc). The peer does
 * the same in a fresh process of its own.
 */
import { MEMORY_BATCH, MEMORY_STEPS, MEMORY_TOKENS } from './memory.ts';
import { openSampling, openTraining, sizeNamed } from './ours.ts';
import { peakResident } from './processes.ts';

const shape = sizeNamed(process.argv[2] ?? '');
const training = await openTraining(shape, 'onnx:cpu', MEMORY_STEPS);
await training.run();
const sampling = await openSampling(shape, 'onnx:cpu', MEMORY_BATCH, 1, MEMORY_TOKENS);
await sampling.run();
process.stdout.write(`${JSON.stringify({ peak: peakResident() })}\n`);
process.exit(0);
