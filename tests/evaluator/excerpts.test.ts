/** Excerpts of long functions: valid by themselves, no longer than asked for, the function's own text in its own order. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateTexts, findDocuments, findExcerpts, loadCPython, type CPython } from '../../src/evaluator/index.ts';
import { zipMembers } from '../../src/tasks/zip.ts';

let cpython: CPython;
beforeAll(async () => {
  cpython = await loadCPython();
});

const FUNCTION = `@cached
def load(path, *, strict=True):
    """Reads it.

    And says so.
    """
    # what is there
    names = sorted(path)
    first, *rest = names
    if strict:
        check(names)
    else:
        names = set(names)
    for name in rest:
        # one at a time
        with open(name) as file:
            text = file.read()
        yield parse(text, name)
        yield parse(text, first)
        yield name
    try:
        finish(names)
    finally:
        names.clear()
    return first
`;

describe('excerpts', () => {
  it('are the head and statements that fit, in order, with the comments before them', () => {
    const head = '@cached\ndef load(path, *, strict=True):\n';
    expect(findExcerpts([FUNCTION], 180, cpython)).toEqual([
      `${head}    """Reads it.\n\n    And says so.\n    """\n    # what is there\n    names = sorted(path)\n    first, *rest = names\n`,
      `${head}    if strict:\n        check(names)\n    else:\n        names = set(names)\n`,
      `${head}    for name in rest:\n        # one at a time\n        with open(name) as file:\n            text = file.read()\n`,
      `${head}    for name in rest:\n        yield parse(text, name)\n        yield parse(text, first)\n        yield name\n`,
      `${head}    try:\n        finish(names)\n    finally:\n        names.clear()\n    return first\n`,
    ]);
  });

  it('are none of what fits, is no function, or has no room behind its head', () => {
    expect(findExcerpts([FUNCTION], FUNCTION.length, cpython)).toEqual([]);
    expect(findExcerpts([FUNCTION], 60, cpython)).toEqual([]);
    expect(findExcerpts([`class A:\n${'    x = f(1)\n'.repeat(20)}`, 'def broken(:\n    return 1\n', ''], 20, cpython)).toEqual([]);
  });

  it('of library code are valid samples, no longer than asked for, and hold no line that the function has not', () => {
    const archive = readFileSync(join(dirname(createRequire(import.meta.url).resolve('pyodide/package.json')), 'python_stdlib.zip'));
    const texts = zipMembers(archive).filter(({ name }) => /^(?:argparse|difflib|tarfile)\.py$/.test(name)).flatMap((member) => findDocuments(Buffer.from(member.read()).toString(), cpython)).map(({ text }) => text);
    const all: string[] = [];
    for (const text of texts) {
      const lines = new Set(text.split('\n'));
      for (const excerpt of findExcerpts([text], 400, cpython)) {
        expect(excerpt.length).toBeLessThanOrEqual(400);
        for (const line of excerpt.split('\n')) expect(lines).toContain(line);
        all.push(excerpt);
      }
    }
    expect(all.length).toBeGreaterThan(100);
    const evaluations = evaluateTexts(all.map((text, i) => ({ id: String(i), text, promptLength: 0, finish: 'stop' as const })), { cpython });
    expect(evaluations.filter(({ valid }) => !valid)).toEqual([]);
  });
});
