/**
 * A tfjs backend that computes nothing: a tensor is a name in the graph under construction, a kernel appends nodes. Running a
 * pure step on it once (forward, tfjs's own gradients, optimizer) yields the whole step as one ONNX graph. The kernels
 * stand in kernels.ts; ops with a fused form of their own call `lower` directly.
 */
import * as tf from '@tensorflow/tfjs';
import type { DataType, Initializer } from '../onnx/proto.ts';
import type { Provider } from '../onnx/session.ts';
import { GraphBuilder } from './graph.ts';

export const TRACE_BACKEND = 'ouroboros-trace';

/** The step did something that has no counterpart in the graph. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

type Values = Float32Array | Int32Array | Uint8Array;
interface Entry {
  name?: string;
  values?: Values;
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
  /** Tensors that share the value: tfjs counts them down when it disposes. */
  references: number;
}

class TraceBackend extends tf.KernelBackend {
  readonly entries = new WeakMap<object, Entry>();
  graph: GraphBuilder | null = null;
  #count = 0;

  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    const id = {};
    this.move(id, values, shape, dtype);
    return id;
  }

  override move(id: object, values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): void {
    this.#count++;
    this.entries.set(id, { values: values as Values, shape, dtype, references: 1 });
  }

  override numDataIds(): number {
    return this.#count;
  }

  override disposeData(id: object): boolean {
    const entry = this.entries.get(id);
    if (entry && --entry.references > 0) return false;
    this.#count--;
    return true;
  }

  override incRef(id: object): void {
    const entry = this.entries.get(id);
    if (entry) entry.references++;
  }

  override refCount(id: object): number {
    return this.entries.get(id)?.references ?? 0;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override epsilon(): number {
    return 1e-7;
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override async read(): Promise<never> {
    throw new TraceError(READ_MESSAGE);
  }
  override readSync(): never {
    throw new TraceError(READ_MESSAGE);
  }
  override dispose(): void {}
}

const READ_MESSAGE = 'A traced step read the values of a tensor; a step has to be a pure function of tensors, whose shapes alone are known.';

let backend: TraceBackend | null = null;

/** Registers the backend once and returns it. */
export function traceBackend(): TraceBackend {
  if (!backend) {
    backend = new TraceBackend();
    const instance = backend;
    tf.registerBackend(TRACE_BACKEND, () => instance, 0);
  }
  return backend;
}

/** Whether a step is being traced right now. */
export function tracing(): boolean {
  return backend?.graph != null && tf.getBackend() === TRACE_BACKEND;
}

/** What the step that is being traced will run on; null where none is. */
export function tracedFor(): Provider | null {
  return tracing() ? openGraph().provider : null;
}

function openGraph(): GraphBuilder {
  if (!backend?.graph) throw new TraceError('No step is being traced.');
  return backend.graph;
}

const ONNX_TYPE: Partial<Record<tf.DataType, DataType>> = { float32: 'float32', int32: 'int32', bool: 'bool' };

export function onnxType(dtype: tf.DataType): DataType {
  const type = ONNX_TYPE[dtype];
  if (!type) throw new TraceError(`Tensors of type ${dtype} cannot be traced.`);
  return type;
}

function typedValues(values: Values, dtype: tf.DataType): Initializer['values'] {
  if (dtype === 'bool') return Uint8Array.from(values);
  if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(values);
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

function entryOf(tensor: tf.TensorInfo): Entry {
  const entry = backend?.entries.get(tensor.dataId);
  if (!entry) throw new TraceError(`A tensor of shape [${tensor.shape}] was made outside the traced step; pass it in as a variable, an input or a constant.`);
  return entry;
}

/** The name of a tensor in the graph; a constant becomes an initializer when it is first used. */
export function nameOf(tensor: tf.TensorInfo): string {
  const entry = entryOf(tensor);
  entry.name ??= openGraph().constant(typedValues(entry.values!, entry.dtype), entry.shape, onnxType(entry.dtype));
  return entry.name;
}

/** The values of a constant of the trace, or undefined for a tensor that is computed. */
export function constantOf(tensor: tf.TensorInfo): Float32Array | undefined {
  const entry = entryOf(tensor);
  return entry.values instanceof Float32Array ? entry.values : undefined;
}

/** A tensor that stands for the graph's value `name`. */
export function named(name: string, shape: readonly number[], dtype: tf.DataType): tf.TensorInfo {
  const dataId = {};
  traceBackend().entries.set(dataId, { name, shape, dtype, references: 1 });
  return { dataId, shape: [...shape], dtype };
}

/** Another tensor over the same value. */
export function shared(x: tf.TensorInfo): tf.TensorInfo {
  traceBackend().incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

/** The same, as a tensor that tfjs's ops accept. */
export function symbolic(name: string, shape: readonly number[], dtype: tf.DataType): tf.Tensor {
  return tf.engine().makeTensorFromTensorInfo(named(name, shape, dtype) as Parameters<ReturnType<typeof tf.engine>['makeTensorFromTensorInfo']>[0]);
}

/** Runs `build` with the graph under construction: how an op with a fused form of its own appends its nodes. */
export function lower<T>(build: (graph: GraphBuilder) => T): T {
  return build(openGraph());
}

/** Traces `run` into a new graph for `provider`. tfjs's backend is restored afterwards, whatever happens. */
export function withTrace<T>(provider: Provider, run: (graph: GraphBuilder) => T): T {
  const instance = traceBackend();
  if (instance.graph) throw new TraceError('A traced step cannot compile another one.');
  const before = tf.getBackend();
  const graph = new GraphBuilder(provider);
  instance.graph = graph;
  tf.setBackend(TRACE_BACKEND);
  // Not tidy(): it would look for tensors in every byte of what `run` returns.
  tf.engine().startScope('trace');
  try {
    return run(graph);
  } catch (error) {
    const kernel = error instanceof Error ? /Kernel '(\w+)' not registered/.exec(error.message)?.[1] : undefined;
    if (kernel) throw new TraceError(`The tfjs kernel '${kernel}' has no lowering to ONNX; add it to src/engine/trace/kernels.ts or build the step from other ops.`);
    throw error;
  } finally {
    tf.engine().endScope();
    instance.graph = null;
    if (before && before !== TRACE_BACKEND) tf.setBackend(before);
  }
}
