/** Variables on a device: they stay there from run to run, are shared between programs, and follow the host when it writes them. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { probeBackend } from '../../src/engine/backends.ts';
import { compile, current, overwritten, type EngineOptions, type Program } from '../../src/engine/compile.ts';
import { SessionError } from '../../src/engine/onnx/session.ts';
import { Decoder, decodeMemory, type DecodeJob, type DecodeResult } from '../../src/models/decoding.ts';
import { policyLayout } from '../../src/models/policy.ts';
import { RandomStream } from '../../src/random/philox.ts';
import { useSoftwareGpu } from './software-gpu.ts';

useSoftwareGpu();
const vector = { type: 'float32', shape: [3] } as const;
const spec = { variables: { w: vector }, inputs: { x: vector } };

describe.each(['onnx:webgpu', 'onnx:cuda'] as const)('%s', async (backend) => {
  const { usable, detail } = await probeBackend(backend, 1);
  if (!usable) console.log(`absent: ${backend} (${detail})`);
  const engine: EngineOptions = { backend, threads: 1 };
  /** w += x, and the sum of the new w. */
  const adding = (): Promise<Program> => compile(engine, ({ w }, { x }) => {
    const sum = tf.add(w!, x!);
    return { updates: { w: sum }, outputs: { total: tf.sum(sum) } };
  }, spec);
  const doubling = (): Promise<Program> => compile(engine, ({ w }, { x }) => ({ updates: {}, outputs: { doubled: tf.add(tf.mul(w!, 2), x!) } }), spec);

  it.skipIf(!usable)('leaves the array behind until someone asks, and takes over what the host wrote', async () => {
    const w = Float32Array.of(1, 2, 3);
    const program = await adding();
    const step = program.bind({ w });
    step.inputs['x']!.set([1, 1, 1]);
    await step.run();
    await step.run({ blocking: true });
    expect([...w, step.outputs['total']![0]]).toEqual([1, 2, 3, 12]);
    expect([...current(w)]).toEqual([3, 4, 5]);
    w.fill(10);
    overwritten(w);
    step.inputs['x']!.set([0, 0, 5]);
    await step.run();
    expect([step.outputs['total']![0], ...current(w)]).toEqual([35, 10, 10, 15]);
    step.release();
    program.release();
  });

  it.skipIf(!usable)('gives one program what another has computed, and keeps it when that one is released', async () => {
    const w = Float32Array.of(1, 2, 3);
    const [first, second] = [await adding(), await doubling()];
    const [step, reader] = [first.bind({ w }), second.bind({ w })];
    step.inputs['x']!.set([1, 0, 0]);
    await step.run();
    await reader.run();
    expect([...w, ...reader.outputs['doubled']!]).toEqual([1, 2, 3, 4, 4, 6]);
    await step.run();
    step.release();
    first.release();
    expect([...w]).toEqual([3, 2, 3]);
    await reader.run();
    expect([...reader.outputs['doubled']!]).toEqual([6, 4, 6]);
    reader.release();
    second.release();
    expect(() => first.bind({ w })).toThrow(SessionError);
  });

  it.skipIf(!usable)('frees what it no longer needs', async () => {
    const large = { type: 'float32', shape: [1_000_000] } as const;
    const w = new Float32Array(1_000_000);
    const program = await compile(engine, ({ w }) => ({ updates: { w: tf.add(w!, 1) }, outputs: { first: tf.slice1d(w as tf.Tensor1D, 0, 1) } }), { variables: { w: large }, inputs: {} });
    const step = program.bind({ w });
    for (let i = 0; i < 20; i++) await step.run();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 100; i++) await step.run();
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6); // a hundred of them would be 400e6
    expect(current(w)[7]).toBe(120);
    step.release();
    program.release();
  });

  it.skipIf(!usable)('decodes what the CPU decodes: drawn there, or here where the distribution is truncated', async () => {
    const shape = { layers: 1, heads: 2, kvHeads: 1, width: 32, hidden: 48, context: 12, batch: 2, lexicalState: false, vocabulary: 40 };
    const weights = policyLayout(shape).initialise(3).map((value) => (value === 1 ? 1 : 20 * value));
    const jobs = Array.from({ length: 5 }, (_, i): DecodeJob => ({ prompt: [0, 1 + (i % 2)], maxTokens: 6, random: new RandomStream(5, 'job', i) }));
    const decode = async (engine: EngineOptions): Promise<DecodeResult[]> => {
      const decoder = new Decoder(engine, shape, weights, decodeMemory(engine, shape, 3));
      const plain = await decoder.decode(jobs, { temperature: 0.9, topK: 0, topP: 1, endOfText: 39 });
      const truncated = await decoder.decode(jobs, { temperature: 0.9, topK: 4, topP: 1, endOfText: 39 });
      await decoder.release();
      return [...plain, ...truncated];
    };
    const [there, here] = [await decode(engine), await decode({ backend: 'onnx:cpu', threads: 1 })];
    expect(there.map(({ tokens, finish }) => ({ tokens, finish }))).toEqual(here.map(({ tokens, finish }) => ({ tokens, finish })));
    there.forEach(({ logProbs }, i) => logProbs.forEach((logProb, at) => expect(logProb).toBeCloseTo(here[i]!.logProbs[at]!, 3)));
  });

  it.skipIf(!usable)('names the nodes for which it has no kernel, and moves none to the CPU', async () => {
    const sum = compile(engine, (_, { x }) => ({ updates: {}, outputs: { y: tf.addN([x!, x!, x!]) } }), { variables: {}, inputs: { x: vector } });
    await expect(sum).rejects.toThrow(SessionError);
    await expect(sum).rejects.toThrow(/no kernel on \w+: Sum_\d+ \(Sum\)/);
  });
});
