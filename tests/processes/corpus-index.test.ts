/** The index of a corpus out of the cache: the same answers, made once, and made anew where the cache is of no use. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cachedIndex } from '../../src/processes/corpus-index.ts';
import { Cache } from '../../src/store/cache.ts';

const DOCUMENTS = Array.from({ length: 4000 }, (_, i) => ({ name: `${i}.py`, text: `def function_${i}(first, second):\n    return first * ${i} + second\n` }));
let folder: string;
let cache: Cache;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'corpus-index-'));
  cache = new Cache(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

const TEXTS = [DOCUMENTS[7]!.text, `${DOCUMENTS[8]!.text}x = first * 8 + second\n`, 'def other(a):\n    return a\n'];
const answers = async (documents: readonly { name: string; text: string }[] = DOCUMENTS): Promise<unknown[]> => {
  const { copies, novelty } = await cachedIndex(documents, cache);
  return TEXTS.map((text) => [copies.has(text), novelty.noveltyOf(text)]);
};

it('is made once, and answers the same when it is read', async () => {
  const made = await answers();
  expect(cache.list().map(({ kind }) => kind)).toEqual(['novelty-index']);
  expect(made[0]).toMatchObject([true, { covered: 1, document: '7.py' }]);
  expect(await answers()).toEqual(made);
  expect(cache.list()).toHaveLength(1);
});

it('is another for other texts, other names or another order', async () => {
  await answers();
  await answers([...DOCUMENTS].reverse());
  await answers(DOCUMENTS.map(({ name, text }) => ({ name: `a/${name}`, text })));
  expect(cache.list()).toHaveLength(3);
});

it('is made anew where an entry is damaged, and made where nothing can be kept', async () => {
  const made = await answers();
  const [entry] = cache.list();
  const file = join(entry!.folder, readdirSync(entry!.folder).find((name) => name.endsWith('.bin'))!);
  writeFileSync(file, Buffer.alloc(entry!.bytes, 1));
  expect(await answers()).toEqual(made);
  const occupied = join(folder, 'a file');
  writeFileSync(occupied, '');
  cache = new Cache(occupied);
  expect(await answers()).toEqual(made);
});

it('keeps nothing of a corpus that is indexed in no time', async () => {
  await answers(DOCUMENTS.slice(0, 10));
  expect(cache.list()).toEqual([]);
});
