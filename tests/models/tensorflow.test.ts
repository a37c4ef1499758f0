/** Real training on TensorFlow: the whole policy host, where the backend is set up (`ouroboros setup-tensorflow`). */
import { expect, it } from 'vitest';
import type { InitialiseRequest } from '../../src/contracts/model.ts';
import { probeBackend } from '../../src/engine/backends.ts';
import { PolicyHost } from '../../src/models/host.ts';
import { trainTokenizer } from '../../src/models/tokenizer/index.ts';

const documents = Array.from({ length: 60 }, (_, i) => `def f${i % 7}(x):\n    return x ${'+-*'[i % 3]} ${i}\n`);
const request: InitialiseRequest = {
  seed: 4, backend: 'tensorflow', threads: 2, tokenizer: '', documents, files: [documents.join('\n')],
  model: { layers: 2, heads: 2, kvHeads: 1, width: 32, hidden: 64, context: 48, batch: 4, lexicalState: true },
  pretraining: { steps: 60, learningRate: 1e-2, warmupSteps: 5, infillShare: 0.2, maskShare: 0 },
};

it('pretrains, samples, learns from what it sampled, and does it all as onnx:cpu does', async ({ skip }) => {
  const status = await probeBackend('tensorflow', 2);
  if (!status.usable) skip(`tensorflow: ${status.detail}`);
  const tokenizer = trainTokenizer(documents, 320);
  const life = async (backend: 'tensorflow' | 'onnx:cpu') => {
    const host = await PolicyHost.create(request, tokenizer, { backend, threads: 2 });
    const reports = await host.pretrain({ fromStep: 0, toStep: 60 });
    await host.beginRounds();
    const samples = await host.generate({ key: 'sample', prompts: ['', 'def f1(x):'], maxTokens: 12, temperature: 1 });
    const sequences = samples.map(({ tokens, logProbs }) => ({ tokens, likelihood: tokens.map(() => 0), credit: tokens.map(() => 1), oldLogProbs: logProbs }));
    const before = await host.bits(documents.slice(0, 4), 'raw');
    const update = await host.update({ key: 'update', sequences, corpusShare: 0.5, corpusWeight: 0.5, learningRate: 3e-3, warmupSteps: 0, clipLow: 0.8, clipHigh: 1.25, averageDecay: 0.5, passes: 1 });
    return { losses: reports.map(({ loss }) => loss), samples: samples.map(({ tokens }) => tokens.length), before, update };
  };
  const [tensorflow, onnx] = [await life('tensorflow'), await life('onnx:cpu')];
  expect(tensorflow.losses.at(-1)).toBeLessThan(0.5 * tensorflow.losses[0]!);
  // Rounding grows from step to step: the first tenth is alike in every digit that counts, the end in what was learned.
  for (const step of [0, 1, 2, 3, 4, 5]) expect(tensorflow.losses[step]).toBeCloseTo(onnx.losses[step]!, 4);
  expect(Math.abs(tensorflow.losses.at(-1)! / onnx.losses.at(-1)! - 1)).toBeLessThan(0.02);
  for (const [i, bits] of onnx.before.entries()) expect(Math.abs(tensorflow.before[i]! / bits - 1)).toBeLessThan(0.05);
  expect(tensorflow.update.steps).toBe(onnx.update.steps);
  expect(Number.isFinite(tensorflow.update.gradNorm)).toBe(true);
});
