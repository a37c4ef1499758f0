/**
 * Writes ONNX models: the few protobuf messages a traced graph needs, straight to bytes. Not a reader, not a general
 * protobuf library. Field numbers: onnx/onnx.proto (IR version 10), opset 21 and com.microsoft 1.
 */

export type DataType = 'float32' | 'int32' | 'int64' | 'bool';

/** TensorProto.DataType numbers; onnxruntime's C API uses the same. */
export const DATA_TYPE: Record<DataType, number> = { float32: 1, int32: 6, int64: 7, bool: 9 };

export type AttributeValue = number | string | readonly number[] | { readonly float: number };

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly domain: '' | 'com.microsoft';
}

export interface TensorSpec {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
}

export interface Initializer extends TensorSpec {
  readonly values: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

export interface GraphSpec {
  readonly nodes: readonly NodeSpec[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

type Chunk = Uint8Array;
/** A model's bytes, to be put one after another. Pieces that are constants are views of their values: what these hold by then is in the model. */
export type ModelPieces = readonly Chunk[];

const text = new TextEncoder();

function varint(value: number | bigint): Chunk {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** How many bytes they are. */
export const size = (chunks: readonly Chunk[]): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0);
const tag = (field: number, wire: number): Chunk => varint((field << 3) | wire);
const message = (field: number, chunks: readonly Chunk[]): Chunk[] => [tag(field, 2), varint(size(chunks)), ...chunks];
const string = (field: number, value: string): Chunk[] => message(field, [text.encode(value)]);
const integer = (field: number, value: number): Chunk[] => [tag(field, 0), varint(value)];
const float = (field: number, value: number): Chunk[] => [tag(field, 5), new Uint8Array(new Float32Array([value]).buffer)];

// AttributeProto.AttributeType
const FLOAT = 1, INT = 2, STRING = 3, INTS = 7;

function attribute(name: string, value: AttributeValue): Chunk[] {
  const head = string(1, name);
  if (typeof value === 'number') return [...head, ...integer(3, value), ...integer(20, INT)];
  if (typeof value === 'string') return [...head, ...string(4, value), ...integer(20, STRING)];
  if ('float' in value) return [...head, ...float(2, value.float), ...integer(20, FLOAT)];
  return [...head, ...value.flatMap((item) => integer(8, item)), ...integer(20, INTS)];
}

function node(spec: NodeSpec): Chunk[] {
  return [
    ...spec.inputs.flatMap((name) => string(1, name)),
    ...spec.outputs.flatMap((name) => string(2, name)),
    ...string(3, spec.outputs.find((name) => name !== '') ?? spec.op),
    ...string(4, spec.op),
    ...Object.entries(spec.attributes).flatMap(([name, value]) => message(5, attribute(name, value))),
    ...(spec.domain === '' ? [] : string(7, spec.domain)),
  ];
}

function valueInfo(spec: TensorSpec): Chunk[] {
  const shape = spec.shape.flatMap((dimension) => message(1, integer(1, dimension)));
  return [...string(1, spec.name), ...message(2, message(1, [...integer(1, DATA_TYPE[spec.type]), ...message(2, shape)]))];
}

function initializer(spec: Initializer): Chunk[] {
  const { buffer, byteOffset, byteLength } = spec.values;
  return [
    ...spec.shape.flatMap((dimension) => integer(1, dimension)),
    ...integer(2, DATA_TYPE[spec.type]),
    ...string(8, spec.name),
    ...message(9, [new Uint8Array(buffer, byteOffset, byteLength)]),
  ];
}

/** The bytes of a ModelProto, in pieces. */
export function encodeModel(graph: GraphSpec): ModelPieces {
  const body = [
    ...graph.nodes.flatMap((spec) => message(1, node(spec))),
    ...string(2, 'step'),
    ...graph.initializers.flatMap((spec) => message(5, initializer(spec))),
    ...graph.inputs.flatMap((spec) => message(11, valueInfo(spec))),
    ...graph.outputs.flatMap((spec) => message(12, valueInfo(spec))),
  ];
  const opset = (domain: string, version: number): Chunk[] => message(8, [...string(1, domain), ...integer(2, version)]);
  return [...integer(1, 10), ...message(7, body), ...opset('', 21), ...opset('com.microsoft', 1)];
}

/** The pieces' bytes, one after another: in `bytes`, which has to have the room. */
export function concatenate(chunks: ModelPieces, bytes: Uint8Array = new Uint8Array(size(chunks))): Uint8Array {
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
