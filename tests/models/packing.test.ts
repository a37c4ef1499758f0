/** Packing keeps every sequence whole, in its row, under a segment of its own. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Lexicon, TOLD_NAMES, type ToldArrays } from '../../src/models/lexical.ts';
import { eachPlacement, packRows, shifted, writeRows, type RowArrays } from '../../src/models/packing.ts';

const LENGTH = 12;
const sequences = fc.array(fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: LENGTH }), { maxLength: 40 })
  .map((all) => all.map((tokens) => shifted(tokens, 7)));

it('holds each sequence once, without overlap, and depends on nothing but its input', () => {
  fc.assert(fc.property(sequences, (all) => {
    const rows = packRows(all, LENGTH);
    expect(rows.flat().map(({ sequence }) => sequence).sort(byIndex(all))).toEqual(all);
    for (const row of rows) {
      let end = 0;
      for (const { sequence, start } of row) {
        expect(start).toBe(end);
        end += sequence.ids.length;
      }
      expect(end).toBeLessThanOrEqual(LENGTH);
    }
    expect(packRows(all, LENGTH)).toEqual(rows);
  }));
});

it('writes rows from which every sequence can be read back by its segment', () => {
  fc.assert(fc.property(sequences, (all) => {
    const rows = packRows(all, LENGTH);
    const size = (rows.length + 1) * LENGTH;
    const arrays = { ids: new Int32Array(size), targets: new Int32Array(size), segments: new Int32Array(size) };
    writeRows(rows, LENGTH, arrays);
    let used = 0;
    for (const [r, row] of rows.entries()) {
      for (const [segment, { sequence }] of row.entries()) {
        const places = Array.from({ length: LENGTH }, (_, i) => r * LENGTH + i).filter((i) => arrays.segments[i] === segment);
        expect(places.map((i) => arrays.targets[i])).toEqual(Array.from(sequence.targets));
        expect(places.map((i) => arrays.ids[i])).toEqual(Array.from(sequence.ids));
        used += places.length;
      }
    }
    expect(arrays.segments.filter((segment) => segment === -1)).toHaveLength(size - used);
  }));
});

it('shifts: what a position sees is what the one before had to predict', () => {
  expect(shifted([5, 6, 7], 0)).toEqual({ ids: Int32Array.of(0, 5, 6), targets: Int32Array.of(5, 6, 7) });
  expect(shifted([], 0)).toEqual({ ids: Int32Array.of(), targets: Int32Array.of() });
});

it('refuses a sequence that is longer than a row', () => {
  expect(() => packRows([shifted(new Array<number>(LENGTH + 1).fill(1), 0)], LENGTH)).toThrow(RangeError);
});

function byIndex<T>(all: readonly T[]): (a: T, b: T) => number {
  const index = new Map(all.map((item, i) => [item, i]));
  return (a, b) => index.get(a)! - index.get(b)!;
}

it('writes what is told of each sequence by itself, and nothing where rows are free', () => {
  const lexicon = new Lexicon(['', '(', 'x', ')', '\n'].map((text) => new Uint8Array(Buffer.from(text))), { endOfText: 0, prefix: -1, suffix: -2, middle: -3 });
  const texts = [[1, 2], [2, 1, 1], [1, 3, 2]].map((tokens) => shifted(tokens, 0));
  const arrays = Object.fromEntries(['ids', 'segments', ...TOLD_NAMES].map((name) => [name, new Int32Array(2 * LENGTH).fill(9)])) as unknown as RowArrays & ToldArrays;
  const rows = packRows(texts, LENGTH);
  writeRows(rows, LENGTH, arrays, lexicon);
  eachPlacement(rows, LENGTH, (at, { ids }) => {
    const alone = Object.fromEntries(TOLD_NAMES.map((name) => [name, new Int32Array(ids.length)])) as unknown as ToldArrays;
    lexicon.tell(ids, alone, 0);
    for (const name of TOLD_NAMES) expect(arrays[name].subarray(at, at + ids.length)).toEqual(alone[name]);
  });
  for (const name of TOLD_NAMES) expect(arrays[name].subarray(LENGTH).every((value) => value === 0)).toBe(true);
});
