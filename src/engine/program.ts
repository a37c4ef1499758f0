/**
 * What a compiled step is to those who run it, and how a traced one is opened: sessions of onnxruntime over its graph. Nothing of tfjs is
 * needed for that, so a thread that only runs steps loads none. Not here: how a step is traced, or run eagerly (compile.ts).
 */
import { createNativeSession } from './onnx/c-api.ts';
import { createDeviceSession } from './onnx/device.ts';
import { nativeApiProblem } from './onnx/library.ts';
import { concatenate, type ModelPieces } from './onnx/proto.ts';
import type { HostArray, HostTensor, Provider, Session } from './onnx/session.ts';
import type { TfjsBackend } from './tfjs-backends.ts';

export interface ArraySpec {
  readonly type: 'float32' | 'int32';
  readonly shape: readonly number[];
}
export type Specs = Readonly<Record<string, ArraySpec>>;
export type { HostArray };

export type Arrays = Record<string, HostArray>;

/** A compiled step tied to the arrays of its variables. */
export interface BoundStep {
  /** Arrays to fill before a run. */
  readonly inputs: Arrays;
  /** Arrays to read after it; the next run overwrites them. */
  readonly outputs: Arrays;
  /** Runs once. With `blocking` it stays on the calling thread where it can: right for steps of a few milliseconds. */
  run(options?: { blocking?: boolean }): Promise<void>;
  release(): void;
}

export interface Program {
  /** Nodes of the traced graph; 0 where nothing is compiled. */
  readonly nodes: number;
  /** Ties the program to variables; arrays must have the sizes of the specs. What they hold after a run: `current` of residence.ts. */
  bind(variables: Arrays): BoundStep;
  release(): void;
}

export interface EngineOptions {
  readonly backend: BackendName;
  readonly threads: number;
  /** Through onnxruntime's own JavaScript binding although the C API is there (tests compare the two). */
  readonly binding?: 'native' | 'node';
  readonly profile?: string;
}

export type BackendName = 'onnx:cpu' | 'onnx:webgpu' | 'onnx:cuda' | TfjsBackend;

/** Whether variables stay on a device between runs, out of the host's reach. */
export function computesOnDevice({ backend }: EngineOptions): boolean {
  return backend === 'onnx:webgpu' || backend === 'onnx:cuda';
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((total, dimension) => total * dimension, 1);
}

/** A zeroed host array for a spec. */
export function allocate(spec: ArraySpec): HostArray {
  return spec.type === 'int32' ? new Int32Array(sizeOf(spec.shape)) : new Float32Array(sizeOf(spec.shape));
}

/** A zeroed host array for each spec. */
export function allocateAll(specs: Specs): Arrays {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, allocate(spec)]));
}

/** A step as a graph: plain data, that another thread may open as well. */
export interface TracedStep {
  readonly model: ModelPieces;
  readonly nodes: number;
  /** Those whose values are built into the graph left out. */
  readonly variables: Specs;
  readonly inputs: Specs;
  /** What the graph calls each. */
  readonly outputs: Readonly<Record<string, ArraySpec & { readonly name: string }>>;
  /** What the graph calls the new value of each variable that has one. */
  readonly updates: Readonly<Record<string, string>>;
  /** Values of the graph that their kernel may write where it reads the variable. */
  readonly inPlace: ReadonlySet<string>;
}

export function providerOf({ backend }: EngineOptions): Provider {
  return backend.slice('onnx:'.length) as Provider;
}

/** Opens a traced step, with what its frozen arrays hold at the time of the call. Rejects with SessionError when onnxruntime refuses the graph. */
export async function openProgram(engine: EngineOptions, traced: TracedStep): Promise<Program> {
  const session = await openSession(engine, traced.model);
  return {
    nodes: traced.nodes,
    bind(variables) {
      const inputs = allocateAll(traced.inputs), outputs = allocateAll(traced.outputs);
      const fed: Record<string, HostTensor> = {};
      const fetched: Record<string, HostTensor> = {};
      for (const [name, { type, shape }] of Object.entries(traced.variables)) {
        const data = variables[name];
        if (!data || data.length !== sizeOf(shape)) throw new RangeError(`Variable '${name}' needs an array of ${sizeOf(shape)} values.`);
        fed[`variable:${name}`] = { type, shape, data, variable: true };
        const update = traced.updates[name];
        if (update !== undefined) fetched[update] = { type, shape, data, variable: true, inPlace: traced.inPlace.has(update) };
      }
      for (const [name, { type, shape }] of Object.entries(traced.inputs)) fed[`input:${name}`] = { type, shape, data: inputs[name]! };
      for (const [name, output] of Object.entries(traced.outputs)) fetched[output.name] = { type: output.type, shape: output.shape, data: outputs[name]! };
      const binding = session.bind(fed, fetched);
      return { inputs, outputs, run: (how) => binding.run(how), release: () => binding.release() };
    },
    release: () => session.release(),
  };
}

async function openSession(engine: EngineOptions, model: ModelPieces): Promise<Session> {
  const provider = providerOf(engine);
  const options = { threads: engine.threads, provider, ...(engine.profile === undefined ? {} : { profile: engine.profile }) };
  if (engine.binding !== 'node' && nativeApiProblem() === null) return provider === 'cpu' ? createNativeSession(model, options) : createDeviceSession(model, options);
  // Put together before anything is awaited: frozen values are those of the call.
  const bytes = [concatenate(model)];
  const { createNodeSession } = await import('./onnx/node-binding.ts');
  return createNodeSession(bytes, options);
}
