import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensors, SafetensorsError } from '../../src/models/safetensors.ts';
import { safetensors } from './safetensors-writer.ts';

describe('safetensors', () => {
  it('come back as they were written, wherever their bytes lie', () => {
    const tensor = fc.array(fc.float({ noNaN: true }), { maxLength: 12 }).map((data) => ({ shape: [data.length, 1], data: Float32Array.from(data) }));
    fc.assert(fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tensor), fc.integer({ min: 0, max: 5 }), (tensors, padding) => {
      const bytes = safetensors(tensors, padding);
      expect(readSafetensors(bytes)).toEqual(tensors);
      const moved = new Uint8Array(bytes.length + 3);
      moved.set(bytes, 3);
      expect(readSafetensors(moved.subarray(3))).toEqual(tensors);
    }));
  });

  it('that are cut off, of another type or no such file are refused with the reason', () => {
    const bytes = safetensors({ w: { shape: [2], data: Float32Array.of(1, 2) } });
    const retyped = new TextEncoder().encode(new TextDecoder().decode(bytes).replace('F32', 'F16'));
    for (const [given, reason] of [[bytes.subarray(0, -1), /does not fit/], [bytes.subarray(0, 5), /longer than the file/], [retyped, /only F32/]] as const) {
      expect(() => readSafetensors(given)).toThrow(SafetensorsError);
      expect(() => readSafetensors(given)).toThrow(reason);
    }
    const text = new Uint8Array(12);
    text[0] = 3;
    expect(() => readSafetensors(text)).toThrow(/not JSON/);
  });
});
