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
import { encodeModel, type DataType, type TensorSpec } from './onnx/proto.ts';
import { allocate, allocateAll, openProgram, providerOf, type Arrays, type EngineOptions, type Program, type Specs, type TracedStep } from './program.ts';
import { startTfjsBackend, type TfjsBackend } from './tfjs-backends.ts';
import { nameOf, onnxType, symbolic, TraceError, withTrace } from './trace/backend.ts';
import { registerTraceKernels } from './trace/kernels.ts';

export { allocateAll, computesOnDevice, sizeOf } from './program.ts';
export type { ArraySpec, Arrays, BackendName, BoundStep, EngineOptions, Program, Specs, TracedStep } from './program.ts';
export type { HostArray } from './onnx/session.ts';
export { current, overwritten } from './residence.ts';

export type Tensors = Record<string, tf.Tensor>;
/** A pure step. It must not keep tensors, read values or depend on anything but its arguments. */
export type Step = (variables: Tensors, inputs: Tensors) => { updates: Tensors; outputs: Tensors };

export interface StepSpec {
  readonly variables: Specs;
  readonly inputs: Specs;
  /** Variables whose present values are built into the graph (onnxruntime prepacks them): the step only reads them. */
  readonly frozen?: Arrays;
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
  return openProgram(engine, trace(engine, step, spec));
}

/** The kernel that appends to caches: past and present may be one buffer. */
const IN_PLACE = 'GroupQueryAttention';

/** The step as a graph for an ONNX backend. Pieces of its model are views of the frozen arrays. Throws TraceError. */
export function trace(engine: EngineOptions, step: Step, spec: StepSpec): TracedStep {
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
    const outputs: Record<string, TracedStep['outputs'][string]> = {};
    const fetched: TensorSpec[] = [];
    for (const [name, tensor] of Object.entries(result.updates)) {
      const declared = spec.variables[name];
      if (!declared || spec.frozen?.[name]) throw new TraceError(`The step updates '${name}', which is not one of its variables.`);
      if (tensor.shape.join() !== declared.shape.join()) throw new TraceError(`The step updates '${name}' of shape [${declared.shape}] with shape [${tensor.shape}].`);
      updates[name] = nameOf(tensor);
      fetched.push({ name: updates[name], type: declared.type, shape: declared.shape });
    }
    for (const [name, tensor] of Object.entries(result.outputs)) {
      outputs[name] = { name: nameOf(tensor), type: hostType(onnxType(tensor.dtype), name), shape: tensor.shape };
      fetched.push(outputs[name]);
    }
    const finished = graph.finish(specs, fetched);
    const inPlace = new Set(finished.nodes.filter(({ op }) => op === IN_PLACE).flatMap((node) => node.outputs));
    const variables = Object.fromEntries(Object.entries(spec.variables).filter(([name]) => !spec.frozen?.[name]));
    return { model: encodeModel(finished), nodes: finished.nodes.length, variables, inputs: spec.inputs, outputs, updates, inPlace };
  });
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
