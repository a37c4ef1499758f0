/**
 * How each tfjs kernel is written as ONNX nodes. A kernel gets tensors that are names and returns one that is a name; shapes are
 * computed here because tfjs needs them on the spot.
 */
import * as tf from '@tensorflow/tfjs';
import { TRACE_BACKEND, constantOf, lower, nameOf, named, onnxType, shared, TraceError, tracedFor } from './backend.ts';

type Inputs = Record<string, tf.TensorInfo>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each kernel's attributes have a type of their own
type Attributes = Record<string, any>;
type Lowering = (inputs: Inputs, attributes: Attributes) => tf.TensorInfo | tf.TensorInfo[];

const add = (op: string, inputs: readonly string[], attributes = {}, domain: '' | 'com.microsoft' = ''): string =>
  lower((graph) => graph.add(op, inputs, attributes, domain));
const integers = (values: readonly number[]): string => lower((graph) => graph.integers(values));
/** Types as ONNX numbers them. */
const FLOAT = 1, INT32 = 6;
const product = (shape: readonly number[]): number => shape.reduce((total, dimension) => total * dimension, 1);

function register(kernelName: string, lowering: Lowering): void {
  tf.registerKernel({
    kernelName,
    backendName: TRACE_BACKEND,
    kernelFunc: ({ inputs, attrs }) => lowering((inputs ?? {}) as Inputs, (attrs ?? {}) as Attributes) as ReturnType<tf.KernelFunc>,
  });
}

function binary(kernel: string, op: string, result?: tf.DataType): void {
  register(kernel, ({ a, b }) =>
    named(add(op, [nameOf(a!), nameOf(b!)]), tf.backend_util.assertAndGetBroadcastShape(a!.shape, b!.shape), result ?? a!.dtype));
}

function unary(kernel: string, op: string): void {
  register(kernel, ({ x }) => named(add(op, [nameOf(x!)]), x!.shape, x!.dtype));
}

function reduction(kernel: string, op: string): void {
  // The axes of a maximum have a name of their own in tfjs.
  register(kernel, ({ x }, { axis, reductionIndices, keepDims }) => {
    const axes = tf.util.parseAxisParam((axis ?? reductionIndices) as number | number[], x!.shape);
    const shape = x!.shape.flatMap((dimension, i) => (!axes.includes(i) ? [dimension] : keepDims ? [1] : []));
    return named(add(op, [nameOf(x!), integers(axes)], { keepdims: keepDims ? 1 : 0 }), shape, x!.dtype);
  });
}

function filled(value: number, shape: readonly number[], dtype: tf.DataType): tf.TensorInfo {
  const scalar = lower((graph) =>
    graph.constant(dtype === 'float32' ? Float32Array.of(value) : dtype === 'bool' ? Uint8Array.of(value) : Int32Array.of(value), [], onnxType(dtype)));
  return named(shape.length === 0 ? scalar : add('Expand', [scalar, integers(shape)]), shape, dtype);
}

/** A view of a constant stays a constant, so that frozen weights reach onnxruntime as initializers it can prepack. */
function reshaped(x: tf.TensorInfo, shape: number[]): tf.TensorInfo {
  const values = constantOf(x);
  if (values) return constant(values, shape);
  return named(lower((graph) => graph.reshape(nameOf(x), x.shape, shape)), shape, x.dtype);
}

function constant(values: Float32Array, shape: number[]): tf.TensorInfo {
  return { dataId: tf.engine().backend.write(values, shape, 'float32') as tf.DataId, shape, dtype: 'float32' };
}

function split(x: tf.TensorInfo, sizes: readonly number[], axis: number): tf.TensorInfo[] {
  const shapes = sizes.map((size) => x.shape.map((dimension, i) => (i === axis ? size : dimension)));
  const values = constantOf(x);
  if (values && x.shape.length === 1) {
    let start = 0;
    return shapes.map((shape) => constant(values.subarray(start, (start += shape[0]!)), shape));
  }
  // WebGPU's Slice, which stands for a Split there, knows no whole numbers: ids go through as floats, which hold them up to 2^24.
  const whole = x.dtype === 'int32' && tracedFor() === 'webgpu';
  const from = whole ? add('Cast', [nameOf(x)], { to: FLOAT }) : nameOf(x);
  const names = lower((graph) => graph.split(from, sizes, axis));
  return names.map((name, i) => named(whole ? add('Cast', [name], { to: INT32 }) : name, shapes[i]!, x.dtype));
}

function matMul(a: tf.TensorInfo, b: tf.TensorInfo, transposeA: boolean, transposeB: boolean): tf.TensorInfo {
  const [rows, columns] = [a.shape.at(transposeA ? -1 : -2)!, b.shape.at(transposeB ? -2 : -1)!];
  const batch = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, rows, columns];
  if (product(batch) !== 1) {
    const factor = (x: tf.TensorInfo, transposed: boolean) => ({ name: nameOf(x), rank: x.shape.length, transposed });
    return named(lower((graph) => graph.batchedMatMul(factor(a, transposeA), factor(b, transposeB))), shape, 'float32');
  }
  // tfjs hands every product over as a batch; one that holds a single matrix is a Gemm, whose transposes are free.
  const matrix = (x: tf.TensorInfo): string => nameOf(reshaped(x, x.shape.slice(-2)));
  const result = named(add('Gemm', [matrix(a), matrix(b)], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 }), [rows, columns], 'float32');
  return reshaped(result, shape);
}

/** Registers every kernel once. */
export function registerTraceKernels(): void {
  if (tf.getKernel('Add', TRACE_BACKEND)) return;

  for (const [kernel, op] of [['Add', 'Add'], ['Sub', 'Sub'], ['Multiply', 'Mul'], ['RealDiv', 'Div'], ['Pow', 'Pow'], ['Maximum', 'Max'], ['Minimum', 'Min']] as const) binary(kernel, op);
  for (const [kernel, op] of [['Equal', 'Equal'], ['Less', 'Less'], ['LessEqual', 'LessOrEqual'], ['Greater', 'Greater'], ['GreaterEqual', 'GreaterOrEqual'], ['LogicalAnd', 'And'], ['LogicalOr', 'Or']] as const) binary(kernel, op, 'bool');
  for (const op of ['Sqrt', 'Exp', 'Log', 'Neg', 'Abs', 'Sigmoid', 'Tanh', 'Relu', 'Softplus', 'Reciprocal']) unary(op, op);
  for (const [kernel, op] of [['Sum', 'ReduceSum'], ['Mean', 'ReduceMean'], ['Max', 'ReduceMax'], ['Min', 'ReduceMin']] as const) reduction(kernel, op);

  register('Cumsum', ({ x }, { axis, exclusive, reverse }) => {
    const at = lower((graph) => graph.constant(Int32Array.of(tf.util.parseAxisParam(axis as number, x!.shape)[0]!), [], 'int32'));
    return named(add('CumSum', [nameOf(x!), at], { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 }), x!.shape, x!.dtype);
  });
  register('LogicalNot', ({ x }) => named(add('Not', [nameOf(x!)]), x!.shape, 'bool'));
  register('Square', ({ x }) => named(add('Mul', [nameOf(x!), nameOf(x!)]), x!.shape, x!.dtype));
  register('Rsqrt', ({ x }) => named(add('Reciprocal', [add('Sqrt', [nameOf(x!)])]), x!.shape, x!.dtype));
  register('Step', ({ x }) => {
    const positive = add('Greater', [nameOf(x!), nameOf(filled(0, [], 'float32'))]);
    return named(add('Cast', [positive], { to: 1 }), x!.shape, 'float32');
  });
  register('AddN', (inputs) => {
    const terms = Object.values(inputs);
    return named(add('Sum', terms.map(nameOf)), terms[0]!.shape, terms[0]!.dtype);
  });
  register('Identity', ({ x }) => shared(x!));
  register('Reshape', ({ x }, { shape }) => reshaped(x!, tf.util.inferFromImplicitShape(shape as number[], product(x!.shape))));
  register('ExpandDims', ({ input }, { dim }) => {
    const shape = [...input!.shape];
    shape.splice(dim < 0 ? shape.length + 1 + dim : dim, 0, 1);
    return reshaped(input!, shape);
  });
  register('Cast', ({ x }, { dtype }) => {
    if (x!.dtype === dtype) return shared(x!);
    const to = { float32: FLOAT, int32: INT32, bool: 9 }[dtype as 'float32'];
    if (to === undefined) throw new TraceError(`A cast to ${dtype} cannot be traced.`);
    return named(add('Cast', [nameOf(x!)], { to }), x!.shape, dtype as tf.DataType);
  });
  register('ZerosLike', ({ x }) => filled(0, x!.shape, x!.dtype));
  register('OnesLike', ({ x }) => filled(1, x!.shape, x!.dtype));
  register('Fill', (_, { shape, value, dtype }) => filled(value as number, shape as number[], (dtype as tf.DataType | undefined) ?? 'float32'));
  register('BatchMatMul', ({ a, b }, { transposeA, transposeB }) => matMul(a!, b!, Boolean(transposeA), Boolean(transposeB)));
  register('Transpose', ({ x }, { perm }) =>
    named(add('Transpose', [nameOf(x!)], { perm: perm as number[] }), (perm as number[]).map((i) => x!.shape[i]!), x!.dtype));
  register('Slice', ({ x }, { begin, size }) => {
    const [starts, sizes] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin as number[], size as number[]) as [number[], number[]];
    const ends = starts.map((start, i) => start + sizes[i]!);
    return named(add('Slice', [nameOf(x!), integers(starts), integers(ends), integers(starts.map((_, i) => i))]), sizes, x!.dtype);
  });
  register('PadV2', ({ x }, { paddings, constantValue }) => {
    const pads = paddings as [number, number][];
    const value = nameOf(filled(constantValue as number, [], x!.dtype));
    return named(
      add('Pad', [nameOf(x!), integers([...pads.map((p) => p[0]), ...pads.map((p) => p[1])]), value]),
      x!.shape.map((dimension, i) => dimension + pads[i]![0] + pads[i]![1]), x!.dtype);
  });
  register('Unpack', ({ value }, { axis }) => {
    const at = axis < 0 ? axis + value!.shape.length : axis;
    const shape = value!.shape.filter((_, i) => i !== at);
    return split(value!, new Array(value!.shape[at]!).fill(1), at).map((part) => reshaped(part, shape));
  });
  register('Pack', (inputs, { axis }) => {
    const parts = Object.values(inputs);
    const shape = [...parts[0]!.shape];
    shape.splice(axis, 0, parts.length);
    return named(add('Concat', parts.map((part) => add('Unsqueeze', [nameOf(part), integers([axis as number])])), { axis: axis as number }), shape, parts[0]!.dtype);
  });
  register('Concat', (inputs, { axis }) => {
    const parts = Object.values(inputs);
    const at = tf.util.parseAxisParam(axis as number, parts[0]!.shape)[0]!;
    const shape = parts[0]!.shape.map((dimension, i) => (i === at ? parts.reduce((total, part) => total + part.shape[i]!, 0) : dimension));
    return named(add('Concat', parts.map(nameOf), { axis: at }), shape, parts[0]!.dtype);
  });
  register('SplitV', ({ x }, { numOrSizeSplits, axis }) => {
    const at = tf.util.parseAxisParam(axis as number, x!.shape)[0]!;
    return split(x!, tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits as number[], at), at);
  });
  register('Softmax', ({ logits }, { dim }) => named(add('Softmax', [nameOf(logits!)], { axis: dim as number }), logits!.shape, 'float32'));
  register('LogSoftmax', ({ logits }, { axis }) => named(add('LogSoftmax', [nameOf(logits!)], { axis: axis as number }), logits!.shape, 'float32'));
  register('OneHot', ({ indices }, { depth, onValue, offValue }) => {
    const values = lower((graph) => graph.constant(Float32Array.of((offValue as number | undefined) ?? 0, (onValue as number | undefined) ?? 1), [2], 'float32'));
    const ids = add('Cast', [nameOf(indices!)], { to: 7 });
    return named(add('OneHot', [ids, integers([depth as number]), values], { axis: -1 }), [...indices!.shape, depth as number], 'float32');
  });
  register('Tile', ({ x }, { reps }) => named(add('Tile', [nameOf(x!), integers(reps as number[])]), x!.shape.map((dimension, i) => dimension * (reps as number[])[i]!), x!.dtype));
  register('BroadcastTo', ({ x }, { shape }) => named(add('Expand', [nameOf(x!), integers(shape as number[])]), shape as number[], x!.dtype));
  register('Select', ({ condition, t, e }) => named(add('Where', [nameOf(condition!), nameOf(t!), nameOf(e!)]), t!.shape, t!.dtype));
  register('SelectV2', ({ condition, t, e }) => named(add('Where', [nameOf(condition!), nameOf(t!), nameOf(e!)]), t!.shape, t!.dtype));
  register('ClipByValue', ({ x }, { clipValueMin, clipValueMax }) =>
    named(add('Clip', [nameOf(x!), nameOf(filled(clipValueMin as number, [], 'float32')), nameOf(filled(clipValueMax as number, [], 'float32'))]), x!.shape, 'float32'));
  register('GatherV2', ({ x, indices }, { axis, batchDims }) => {
    if (batchDims) throw new TraceError('gather with batch dimensions cannot be traced.');
    const at = tf.util.parseAxisParam(axis as number, x!.shape)[0]!;
    return named(add('Gather', [nameOf(x!), nameOf(indices!)], { axis: at }), [...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at + 1)], x!.dtype);
  });
}
