/**
 * Reading weights that others trained: the safetensors format, float32 tensors only. Eight bytes (little endian) say how long the JSON
 * header is; the header gives every tensor's type, shape and place in the bytes that follow. Not here: what the tensors are for.
 *
 * Source: the format's description at huggingface.co/docs/safetensors.
 */

export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The bytes are no safetensors file, or hold something that is not read here. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function isEntry(value: unknown): value is Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Partial<Record<keyof Entry, unknown>>;
  const whole = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 0;
  return typeof dtype === 'string' && Array.isArray(shape) && shape.every(whole) && Array.isArray(offsets) && offsets.length === 2 && offsets.every(whole);
}

/** Every tensor of a file, by name. */
export function readSafetensors(bytes: Uint8Array): Record<string, StoredTensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = bytes.length < 8 ? Infinity : Number(view.getBigUint64(0, true));
  if (8 + headerLength > bytes.length) throw new SafetensorsError('This is no safetensors file: its header would be longer than the file.');
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength))) as Record<string, unknown>;
  } catch {
    throw new SafetensorsError('This is no safetensors file: its header is not JSON.');
  }
  const body = 8 + headerLength;
  return Object.fromEntries(Object.entries(header).filter(([name]) => name !== '__metadata__').map(([name, entry]) => {
    if (!isEntry(entry)) throw new SafetensorsError(`The header's entry for tensor '${name}' is not complete.`);
    const { dtype, shape, data_offsets: [from, to] } = entry;
    if (dtype !== 'F32') throw new SafetensorsError(`Tensor '${name}' has type ${dtype}; only F32 is read.`);
    const size = shape.reduce((total, dimension) => total * dimension, 1);
    if (to - from !== 4 * size || body + to > bytes.length) throw new SafetensorsError(`Tensor '${name}' of shape [${shape}] does not fit its place in the file.`);
    // Read value by value: the place need not be a multiple of four, nor the machine little endian.
    return [name, { shape, data: Float32Array.from({ length: size }, (_, i) => view.getFloat32(body + from + 4 * i, true)) }];
  }));
}
