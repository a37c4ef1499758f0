/** Writes a safetensors file for tests: tensors in the order given, the header padded with `padding` blanks. */
import type { StoredTensor } from '../../src/models/safetensors.ts';

export function safetensors(tensors: Readonly<Record<string, StoredTensor>>, padding = 0): Uint8Array {
  let at = 0;
  const entries = Object.entries(tensors).map(([name, { shape, data }]) => [name, { dtype: 'F32', shape, data_offsets: [at, (at += data.byteLength)] }]);
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: { for: 'tests' }, ...Object.fromEntries(entries) }) + ' '.repeat(padding));
  const bytes = new Uint8Array(8 + header.length + at);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  let from = 8 + header.length;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), from);
    from += data.byteLength;
  }
  return bytes;
}
