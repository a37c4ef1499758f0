import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalHash, canonicalJson, differences } from '../../src/store/canonical.ts';
import { StoreError } from '../../src/store/errors.ts';

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(value).reverse()) copy[key] = shuffled((value as Record<string, unknown>)[key]);
  return copy;
}

describe('canonical JSON', () => {
  it('is the same text whatever order the keys have', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => canonicalJson(shuffled(value)) === canonicalJson(value)));
  });

  it('reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // JSON has one zero.
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('tells different values apart', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => (canonicalJson(a) === canonicalJson(b)) === (differences(JSON.parse(canonicalJson(a)), JSON.parse(canonicalJson(b))).length === 0)));
  });

  it('leaves out what is undefined', () => {
    expect(canonicalJson({ b: undefined, a: [1] })).toBe('{"a":[1]}');
    expect(canonicalHash({ a: 1, b: undefined })).toBe(canonicalHash({ a: 1 }));
  });

  it.each([
    [{ loss: { mean: Number.NaN } }, 'loss.mean'],
    [{ steps: [1, Number.POSITIVE_INFINITY] }, 'steps[1]'],
    [{ when: new Date(0) }, 'when'],
    [{ tokens: new Uint8Array(1) }, 'tokens'],
    [{ call: () => 1 }, 'call'],
  ])('refuses what JSON cannot hold and names the field: %j', (value, field) => {
    expect(() => canonicalJson(value)).toThrow(StoreError);
    expect(() => canonicalJson(value)).toThrow(`'${field}'`);
  });

  it('names where two values differ', () => {
    expect(differences({ a: 1, b: { c: [1, 2] } }, { a: 1, b: { c: [1, 3] } })).toEqual(['b.c[1]']);
    expect(differences({ a: 1 }, { a: 1, b: 2 })).toEqual(['b']);
    expect(differences([1, 2, 3, 4], [0, 0, 0, 0], 2)).toEqual(['[0]', '[1]', '2 more']);
  });
});
