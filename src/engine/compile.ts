/**
 * `compile`: from a pure step to something that runs fast. A step is a function of named tensors,
 *
 *     (variables, inputs) -> { updates, outputs }
 *
 * written once over tfjs and engine/ops. On an ONNX backend it is traced into one graph for onnxruntime; elsewhere the very same
 * function runs eagerly. Either way the caller sees the same contract: variables belong to host arrays, inputs go in as typed
 * arrays, outputs come back as typed arrays. Where the host's memory computes, runs update the variables' arrays in place; where a
 * device does, their values stay there and come when they are asked for (residence.ts).
 */
import * as tf from '@tensorflow/tfjs';
import { encodeModel, type DataType, type ModelPieces, type TensorSpec } from './onnx/proto.ts';
import { createNativeSession } from './onnx/c-api.ts';
import { createDeviceSession } from './onnx/device.ts';
import { nativeApiProblem } from './onnx/library.ts';
import { createNodeSession } from './onnx/node-binding.ts';
import type { HostArray, HostTensor, Provider, Session } from './onnx/session.ts';
import { startTfjsBackend, type TfjsBackend } from './tfjs-backends.ts';
import { nameOf, onnxType, symbolic, TraceError, withTrace } from './trace/backend.ts';
import { registerTraceKernels } from './trace/kernels.ts';

export type Tensors = Record<string, tf.Tensor>;
export interface ArraySpec {
  readonly type: 'float32' | 'int32';
  readonly shape: readonly number[];
}
export type Specs = Readonly<Record<string, ArraySpec>>;
export type { HostArray };
export { current, overwritten } from './residence.ts';

export type Arrays = Record<string, HostArray>;

/** A pure step. It must not keep tensors, read values or depend on anything but its arguments. */
export type Step = (variables: Tensors, inputs: Tensors) => { updates: Tensors; outputs: Tensors };

export interface StepSpec {
  readonly variables: Specs;
  readonly inputs: Specs;
  /** Variables whose present values are built into the graph (onnxruntime prepacks them): the step only reads them. */
  readonly frozen?: Arrays;
}

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

function allocateAll(specs: Specs): Arrays {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, allocate(spec)]));
}

/**
 * Compiles `step` for the engine's backend. Rejects with TraceError (no lowering), SessionError (onnxruntime refuses the graph) or
 * TfjsBackendError (the eager backend does not start).
 */
export async function compile(engine: EngineOptions, step: Step, spec: StepSpec): Promise<Program> {
  const { backend, threads } = engine;
  if (backend === 'tensorflow' || backend === 'wasm' || backend === 'cpu') {
    await startTfjsBackend(backend, threads);
    return eager(backend, step, spec);
  }
  return programOf(engine, trace(engine, step, spec), spec);
}

/** The kernel that appends to caches: past and present may be one buffer. */
const IN_PLACE = 'GroupQueryAttention';

interface Traced {
  readonly model: ModelPieces;
  readonly nodes: number;
  readonly updates: Readonly<Record<string, string>>;
  /** Values of the graph that their kernel may write where it reads the variable. */
  readonly inPlace: ReadonlySet<string>;
  readonly outputs: Readonly<Record<string, TensorSpec>>;
}

function trace(engine: EngineOptions, step: Step, spec: StepSpec): Traced {
  registerTraceKernels();
  return withTrace(providerOf(engine), (graph) => {
    const specs: TensorSpec[] = [];
    const declare = (prefix: string, entries: Specs): Tensors =>
      Object.fromEntries(Object.entries(entries).map(([name, { type, shape }]) => {
        const frozen = prefix === 'variable' ? spec.frozen?.[name] : undefined;
        if (frozen) return [name, tf.tensor(frozen, [...shape], type)];
        specs.push({ name: `${prefix}:${name}`, type, shape });
        return [name, symbolic(`${prefix}:${name}`, shape, type)];
      }));
    const result = step(declare('variable', spec.variables), declare('input', spec.inputs));

    const updates: Record<string, string> = {};
    const outputs: Record<string, TensorSpec> = {};
    const fetched: TensorSpec[] = [];
    for (const [name, tensor] of Object.entries(result.updates)) {
      const declared = spec.variables[name];
      if (!declared || spec.frozen?.[name]) throw new TraceError(`The step updates '${name}', which is not one of its variables.`);
      if (tensor.shape.join() !== declared.shape.join()) throw new TraceError(`The step updates '${name}' of shape [${declared.shape}] with shape [${tensor.shape}].`);
      updates[name] = nameOf(tensor);
      fetched.push({ name: updates[name], type: declared.type, shape: declared.shape });
    }
    for (const [name, tensor] of Object.entries(result.outputs)) {
      outputs[name] = { name: nameOf(tensor), type: onnxType(tensor.dtype), shape: tensor.shape };
      fetched.push(outputs[name]);
    }
    const finished = graph.finish(specs, fetched);
    const inPlace = new Set(finished.nodes.filter(({ op }) => op === IN_PLACE).flatMap((node) => node.outputs));
    return { model: encodeModel(finished), nodes: finished.nodes.length, updates, inPlace, outputs };
  });
}

/**
 * For a step that is compiled again and again with other values in its frozen arrays: traced when it is first called for, and then compiled
 * with what the arrays hold at the time of each call, exactly as by `compile`.
 */
export function compiler(engine: EngineOptions, step: Step, spec: StepSpec): () => Promise<Program> {
  if (!engine.backend.startsWith('onnx:')) {
    return () => compile(engine, step, { ...spec, frozen: Object.fromEntries(Object.entries(spec.frozen ?? {}).map(([name, array]) => [name, array.slice()])) });
  }
  let traced: Traced | null = null;
  return () => programOf(engine, (traced ??= trace(engine, step, spec)), spec);
}

function providerOf({ backend }: EngineOptions): Provider {
  return backend.slice('onnx:'.length) as Provider;
}

async function programOf(engine: EngineOptions, traced: Traced, spec: StepSpec): Promise<Program> {
  const provider = providerOf(engine);
  const options = { threads: engine.threads, provider, ...(engine.profile === undefined ? {} : { profile: engine.profile }) };
  const native = engine.binding !== 'node' && nativeApiProblem() === null;
  const create = native ? (provider === 'cpu' ? createNativeSession : createDeviceSession) : createNodeSession;
  // Each reads the model before it awaits anything: frozen values are those of the call.
  const session: Session = await create(traced.model, options);
  return {
    nodes: traced.nodes,
    bind(variables) {
      const inputs = allocateAll(spec.inputs);
      const outputs = Object.fromEntries(Object.entries(traced.outputs).map(([name, { type, shape }]) => [name, allocate({ type: hostType(type, name), shape })]));
      const host = (declared: ArraySpec, data: HostArray): HostTensor => ({ ...declared, data });
      const fed: Record<string, HostTensor> = {};
      const fetched: Record<string, HostTensor> = {};
      for (const [name, declared] of Object.entries(spec.variables)) {
        if (spec.frozen?.[name]) continue;
        const data = variables[name];
        if (!data || data.length !== sizeOf(declared.shape)) throw new RangeError(`Variable '${name}' needs an array of ${sizeOf(declared.shape)} values.`);
        fed[`variable:${name}`] = { ...declared, data, variable: true };
        const update = traced.updates[name];
        if (update !== undefined) fetched[update] = { ...declared, data, variable: true, inPlace: traced.inPlace.has(update) };
      }
      for (const [name, declared] of Object.entries(spec.inputs)) fed[`input:${name}`] = host(declared, inputs[name]!);
      for (const [name, { name: graphName, type, shape }] of Object.entries(traced.outputs)) fetched[graphName] = host({ type: hostType(type, name), shape }, outputs[name]!);
      const binding = session.bind(fed, fetched);
      return { inputs, outputs, run: (how) => binding.run(how), release: () => binding.release() };
    },
    release: () => session.release(),
  };
}

function hostType(type: DataType, name: string): 'float32' | 'int32' {
  if (type === 'float32' || type === 'int32') return type;
  throw new TraceError(`Output '${name}' has type ${type}; cast it to float32 or int32.`);
}

function eager(backend: TfjsBackend, step: Step, spec: StepSpec): Program {
  return {
    nodes: 0,
    bind(given) {
      const variables = { ...given, ...spec.frozen };
      const inputs = allocateAll(spec.inputs);
      const outputs: Arrays = {};
      const run = async (): Promise<void> => {
        await tf.setBackend(backend);
        const made = (specs: Specs, arrays: Arrays): Tensors =>
          // Copied: the cpu backend keeps the array it is given, and ours will change.
          Object.fromEntries(Object.entries(specs).map(([name, { type, shape }]) => [name, tf.tensor(arrays[name]!.slice(), [...shape], type)]));
        const result = tf.tidy(() => step(made(spec.variables, variables), made(spec.inputs, inputs)) as unknown as tf.TensorContainer) as unknown as ReturnType<Step>;
        for (const [name, tensor] of Object.entries(result.updates)) variables[name]!.set((await tensor.data()) as Float32Array);
        for (const [name, tensor] of Object.entries(result.outputs)) {
          const values = (await tensor.data()) as Float32Array;
          (outputs[name] ??= allocate({ type: hostType(onnxType(tensor.dtype), name), shape: tensor.shape })).set(values);
        }
        tf.dispose(result as unknown as tf.TensorContainer);
      };
      return { inputs, outputs, run, release: () => {} };
    },
    release: () => {},
  };
}
