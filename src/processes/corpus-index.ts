/**
 * The index of a corpus out of the cache that all runs share, made once. Not here: what it holds (src/evaluator/novelty).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { CopyIndex, indexCorpus, NoveltyIndex, textOf, type CorpusIndex, type NamedText, type SavedNoveltyIndex } from '../evaluator/index.ts';
import { Cache } from '../store/cache.ts';
import { canonicalHash } from '../store/canonical.ts';

/** To be raised when tokens or tables are other than before. */
const VERSION = 1;
/** Characters from which reading the index is faster than making it by more than anyone would notice. */
const SMALLEST = 200_000;
const FILE = 'novelty.bin';

/** What `indexCorpus` gives, in less than half the time when it was made before by any process. A cache that cannot be used costs time alone. @throws RangeError as `indexCorpus` does. */
export async function cachedIndex(documents: readonly NamedText[], cache = new Cache()): Promise<CorpusIndex> {
  const texts = documents.map(textOf);
  if (texts.reduce((sum, { length }) => sum + length, 0) < SMALLEST) return indexCorpus(documents);
  const key = { version: VERSION, documents: canonicalHash(documents) };
  try {
    const folder = cache.get('novelty-index', key);
    if (folder) return { copies: new CopyIndex(texts), novelty: NoveltyIndex.restore(deserialize(readFileSync(join(folder, FILE))) as SavedNoveltyIndex) };
  } catch {}
  const index = indexCorpus(documents);
  await cache.put('novelty-index', key, async (folder) => writeFileSync(join(folder, FILE), serialize(index.novelty.save()))).catch(() => {});
  return index;
}
