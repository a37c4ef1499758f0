/**
 * Which backends can be used here, and why the others cannot. The order of `candidates` is the order of preference when several
 * work; what is faster is measured by `doctor --bench`, not assumed.
 */
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { compile, type BackendName, type EngineOptions } from './compile.ts';
import { nativeApiProblem } from './onnx/library.ts';
import { tensorFlowDevice } from './tfjs-backends.ts';

export interface BackendStatus {
  readonly name: BackendName;
  readonly usable: boolean;
  /** What it runs through, or why it cannot be used and what would help. */
  readonly detail: string;
}

const ALL: readonly BackendName[] = ['onnx:cuda', 'onnx:webgpu', 'onnx:cpu', 'tensorflow', 'wasm', 'cpu'];

/** A matrix product with a known answer: the least a backend has to manage. */
async function proves(engine: EngineOptions): Promise<string | null> {
  try {
    const square = { type: 'float32', shape: [2, 2] } as const;
    const program = await compile(engine, (_, { a }) => ({ updates: {}, outputs: { product: tf.matMul(a as tf.Tensor2D, a as tf.Tensor2D) } }), { variables: {}, inputs: { a: square } });
    const step = program.bind({});
    (step.inputs['a'] as Float32Array).set([1, 2, 3, 4]);
    await step.run();
    const product = Array.from(step.outputs['product']!);
    step.release();
    program.release();
    return product.join() === '7,10,15,22' ? null : `gave a wrong matrix product (${product.join()})`;
  } catch (error) {
    return firstLine(error);
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim();
}

/** What onnxruntime says in its own way where a backend's other half is missing, and what to do about it. */
const MISSING: readonly { readonly said: RegExp; readonly means: string }[] = [
  { said: /Cuda: Failed to load shared library/, means: "onnxruntime's CUDA files are not installed; where CUDA 12 is, 'npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12' downloads them" },
  { said: /Failed to get a WebGPU adapter/, means: "WebGPU finds no GPU; on Linux it goes through Vulkan: libvulkan.so.1 and the driver of the GPU have to be installed, and for NVIDIA's the libraries of libglvnd (Debian: libvulkan1, libegl1, libgl1)" },
];

function explained(problem: string): string {
  return MISSING.find(({ said }) => said.test(problem))?.means ?? problem;
}

/** Tries one backend. */
export async function probeBackend(name: BackendName, threads: number): Promise<BackendStatus> {
  const problem = await proves({ backend: name, threads });
  return problem === null ? { name, usable: true, detail: description(name) } : { name, usable: false, detail: explained(problem) };
}

/** How a backend that works computes. */
function description(name: BackendName): string {
  if (name === 'onnx:cpu') {
    const native = nativeApiProblem();
    return native === null ? "compiled, through onnxruntime's C API" : `compiled, through onnxruntime's JavaScript binding (slower; the C API: ${native})`;
  }
  if (name === 'tensorflow') {
    const { version, gpu } = tensorFlowDevice();
    return `eager, through TensorFlow ${version} on ${gpu ? 'a GPU' : 'the CPU'}`;
  }
  if (!name.startsWith('onnx:')) return 'eager tfjs, nothing compiled';
  const native = nativeApiProblem();
  return native === null ? 'compiled, no node left to the CPU, variables kept on the device' : `compiled, no node left to the CPU, variables copied each step (the C API: ${native})`;
}

/** Every backend, tried one after the other. */
export async function probeBackends(threads: number): Promise<BackendStatus[]> {
  const statuses: BackendStatus[] = [];
  for (const name of ALL) statuses.push(await probeBackend(name, threads));
  return statuses;
}

/** No backend of that name can be used here. */
export class BackendError extends Error {
  override readonly name = 'BackendError';
  /** Tried again, it would only come again. */
  readonly permanent = true;
}

/**
 * The engine for a configured backend name. `auto` is the compiled CPU path, or eager wasm where onnxruntime does not load:
 * a GPU is used when it is asked for by name, since only a measurement (`doctor --bench`) tells whether it pays.
 */
export async function chooseEngine(backend: 'auto' | BackendName, threads: number): Promise<EngineOptions> {
  const cores = threads > 0 ? threads : availableParallelism();
  const candidates: readonly BackendName[] = backend === 'auto' ? ['onnx:cpu', 'wasm', 'cpu'] : [backend];
  let last = '';
  for (const name of candidates) {
    const status = await probeBackend(name, cores);
    if (status.usable) return { backend: name, threads: cores };
    last = `${name}: ${status.detail}`;
  }
  throw new BackendError(`The backend '${backend}' cannot be used here (${last}). Run 'ouroboros doctor' to see which can.`);
}
