import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DocumentFinder } from '../../src/contracts/evaluator.ts';
import type { Document, Split } from '../../src/contracts/records.ts';
import { CorpusError, type CorpusFile } from '../../src/tasks/corpus.ts';
import { findDocuments } from '../../src/tasks/documents.ts';
import { promptEnds } from '../../src/tasks/prompts.ts';
import { promptedTasks, unconditionalTasks } from '../../src/tasks/python.ts';
import { textId } from '../../src/tasks/splits.ts';

/** Documents are what stands between lines of dashes. */
const finder: DocumentFinder = {
  documents: async (source) => source.split('---\n').filter((text) => text !== '').map((text) => ({ text, span: { start: 0, end: 0 } })),
  excerpts: async () => [],
};
const simple = (n: number): string => `def f_${n}(x):\n    return x + ${n}\n`;
const range = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => simple(from + i));
const file = (path: string, split: Split, texts: string[]): CorpusFile => ({ path, split, text: texts.join('---\n') });
const enough = [file('a.py', 'train', range(0, 120)), file('b.py', 'gate', range(200, 220)), file('c.py', 'test', range(300, 320))];

describe('findDocuments', () => {
  it('gives each text once: train before gate before test, whatever the order of files', async () => {
    const files = [
      file('0.py', 'test', [simple(1), simple(201), simple(9000), simple(9000)]),
      file('1.py', 'gate', [simple(1), simple(9001)]),
      ...enough,
      file('z.py', 'train', [simple(1)]),
    ];
    const documents = await findDocuments(files, finder);
    expect([documents.train.length, documents.gate.length, documents.test.length]).toEqual([120, 21, 21]);
    const all = [...documents.train, ...documents.gate, ...documents.test];
    expect(new Set(all.map(({ text }) => text)).size).toBe(all.length);
    for (const { id, text } of all) expect(id).toBe(textId(text));
    for (const split of ['train', 'gate', 'test'] as const) expect(documents[split].every((document) => document.split === split)).toBe(true);
    expect(documents.train.find(({ text }) => text === simple(1))!.file).toBe('a.py');
  });

  it('orders documents by id, so that the order of files does not show', async () => {
    const documents = await findDocuments(enough, finder);
    expect(await findDocuments([...enough].reverse(), finder)).toEqual(documents);
    const ids = documents.train.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
  });

  it('reports progress, stops when told to, and refuses a split with too little', async () => {
    const seen: [number, number][] = [];
    await findDocuments(enough, finder, { onFile: (done, total) => seen.push([done, total]) });
    expect(seen).toEqual([[1, 3], [2, 3], [3, 3]]);
    await expect(findDocuments(enough, finder, { signal: AbortSignal.abort() })).rejects.toThrow();
    await expect(findDocuments(enough.slice(0, 2), finder)).rejects.toThrow(CorpusError);
    await expect(findDocuments(enough.slice(1), finder)).rejects.toThrow(/0 of the 100 needed for train/);
  });
});

describe('promptEnds', () => {
  const prompts = (text: string): Record<string, string[]> => Object.fromEntries(Object.entries(promptEnds(text)).map(([kind, ends]) => [kind, ends.map((end) => text.slice(0, end))]));

  it('cuts after signature, docstring and statements of the first half', () => {
    const head = `@wraps(f)\nasync def g(a: dict[str, int] = {1: 2}, *, key=lambda x: x) -> 'a:b':`;
    const doc = `${head}\n    """Says: what.\n\n    More."""`;
    const text = `${doc}\n    # first\n    value = f(a,\n              key)\n    if value:\n        return None\n${'    use(value, value, value)\n'.repeat(7)}`;
    expect(prompts(text)).toEqual({
      signature: [head],
      docstring: [doc],
      lines: [`${doc}\n    # first\n    value = f(a,\n              key)`, `${doc}\n    # first\n    value = f(a,\n              key)\n    if value:`, `${doc}\n    # first\n    value = f(a,\n              key)\n    if value:\n        return None`],
    });
  });

  it('always leaves a statement to write', () => {
    expect(prompts('def f():\n    """Only this."""\n    # and this\n')).toEqual({ signature: ['def f():'], docstring: [], lines: [] });
    expect(prompts('def f():\n    a = b\n    return\n')).toEqual({ signature: ['def f():'], docstring: [], lines: [] });
    expect(prompts('def f():\n    a\n    return a + a + a\n')).toEqual({ signature: ['def f():'], docstring: [], lines: ['def f():\n    a'] });
    expect(prompts('def f(): return 1\n')).toEqual({ signature: ['def f():'], docstring: [], lines: [] });
  });

  it('offers no cut where a token might go on', () => {
    expect(prompts('def f():return 1\n').signature).toEqual([]);
    expect(prompts('def f():\n    "doc";x = 1\n').docstring).toEqual([]);
    expect(prompts('x = 1\n')).toEqual({ signature: [], docstring: [], lines: [] });
    expect(prompts('def broken(\n')).toEqual({ signature: [], docstring: [], lines: [] });
    expect(prompts('')).toEqual({ signature: [], docstring: [], lines: [] });
  });

  it('ends between ink and white space, and within bounds, for any text', () => {
    const line = fc.constantFrom('def f(a):', 'class C:', '    """doc"""', '    x = (1,', '  2)', '    # c', '    return x', '', '    s = """', '"""', '@d', 'async def g():  # c', 'def h(): pass', '   ');
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }).map((lines) => `${lines.join('\n')}\n`), (text) => {
        const ends = promptEnds(text);
        for (const end of Object.values(ends).flat()) {
          expect(text[end - 1]).toMatch(/\S/);
          expect(text[end]).toMatch(/\s/);
          expect(text.slice(end).replace(/#.*/g, '').trim()).not.toBe('');
        }
        for (const end of ends.lines) expect(end).toBeLessThanOrEqual(text.length / 2);
      }),
    );
  });
});

describe('tasks', () => {
  const document = (n: number, split: Split, documented: boolean): Document => {
    const text = `def job_${n}(value):\n${documented ? `    """Does job ${n}."""\n` : ''}    first = value + ${n}\n    second = first * ${n}\n${'    first = second + first + value\n'.repeat(5)}    return second\n`;
    return { id: textId(text), file: `${n}.py`, split, text };
  };
  const documents = (['train', 'gate', 'test'] as const).flatMap((split, s) => Array.from({ length: 60 }, (_, i) => document(100 * s + i, split, i % 2 === 0)));
  const options = { countTokens: (text: string) => text.split(/\s+/).length, maxPromptTokens: 30 };
  const draw = (split: Split, round: number, count: number, seed = 1) => promptedTasks(documents, split, round, count, seed, options);

  it('have unique ids, over splits and over rounds of training', () => {
    const ids = (['train', 'gate', 'test'] as const).flatMap((split) => [...unconditionalTasks(split, 0, 50), ...draw(split, 0, 90)]).map(({ id }) => id);
    const later = [...unconditionalTasks('train', 1, 50), ...draw('train', 1, 90)].map(({ id }) => id);
    expect(new Set([...ids, ...later]).size).toBe(ids.length + later.length);
    expect(unconditionalTasks('test', 3, 4).every(({ prompt, kind, split }) => prompt === '' && kind === 'unconditional' && split === 'test')).toBe(true);
  });

  it('are the same for the same arguments; new each round for train, never for gate and test', () => {
    expect(draw('train', 2, 40)).toEqual(draw('train', 2, 40));
    expect(draw('train', 2, 40).map(({ prompt }) => prompt)).not.toEqual(draw('train', 3, 40).map(({ prompt }) => prompt));
    for (const split of ['gate', 'test'] as const) {
      expect(draw(split, 0, 40)).toEqual(draw(split, 9, 40));
      expect(unconditionalTasks(split, 0, 9)).toEqual(unconditionalTasks(split, 7, 9));
      expect(draw(split, 0, 40, 2)).not.toEqual(draw(split, 0, 40, 1));
    }
    // Fewer tasks are the first of more.
    expect(draw('test', 0, 20)).toEqual(draw('test', 0, 40).slice(0, 20));
  });

  it('are heads of documents of their own split, a third of each kind', () => {
    for (const split of ['train', 'gate', 'test'] as const) {
      const tasks = draw(split, 1, 48);
      expect(['signature', 'docstring', 'lines'].map((kind) => tasks.filter((task) => task.kind === kind).length)).toEqual([16, 16, 16]);
      for (const { prompt } of tasks) {
        expect(documents.some((d) => d.split === split && d.text.startsWith(prompt))).toBe(true);
        expect(options.countTokens(prompt)).toBeLessThanOrEqual(options.maxPromptTokens);
      }
      // 48 tasks, 60 documents: none serves twice while there are fresh ones of every kind.
      expect(new Set(tasks.map(({ prompt }) => /job_\d+/.exec(prompt)![0])).size).toBeGreaterThanOrEqual(46);
    }
  });

  it('repeat a prompt only when all have been used', () => {
    const all = documents.filter(({ split }) => split === 'test').flatMap(({ text }) => Object.values(promptEnds(text)).flat().map((end) => text.slice(0, end))).filter((prompt) => options.countTokens(prompt) <= options.maxPromptTokens);
    const once = draw('test', 0, all.length);
    expect(once.map(({ prompt }) => prompt).sort()).toEqual([...all].sort());
    const more = draw('test', 0, all.length + 10);
    expect(more).toHaveLength(all.length + 10);
    expect(new Set(more.map(({ id }) => id)).size).toBe(more.length);
  });

  it('make do with what there is', () => {
    const bare = Array.from({ length: 5 }, (_, n): Document => ({ id: `${n}`, file: 'x', split: 'test', text: `def f${n}():\n    return ${n}\n` }));
    expect(promptedTasks(bare, 'test', 0, 12, 1, options).map(({ kind }) => kind)).toEqual(Array.from({ length: 12 }, () => 'signature'));
    expect(promptedTasks(bare, 'gate', 0, 12, 1, options)).toEqual([]);
    expect(promptedTasks(bare, 'test', 0, 12, 1, { ...options, maxPromptTokens: 0 })).toEqual([]);
  });
});
