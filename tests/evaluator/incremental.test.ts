import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTree, Reparser } from '../../src/evaluator/index.ts';

const lines = ['def f(a, b):', '    return a + b', '    """é doc', '    more"""', 'class A:', '    x = f"{y!r}"', '', '# c', 'if x:', '    pass', 'else:', '    z = [1,', '      2]', "s = '''", "'''", 'x = (', ')', '\tt = 1'];
const text = fc.array(fc.constantFrom(...lines), { maxLength: 12 }).map((list) => list.map((line) => `${line}\n`).join(''));

function shapeOf(tree: ReturnType<typeof parseTree>): string {
  const parts: (string | number)[] = [];
  const visit = (node: typeof tree.rootNode): void => {
    parts.push(node.type, node.startIndex, node.endIndex);
    node.children.forEach(visit);
  };
  visit(tree.rootNode);
  return parts.join(' ');
}

describe('a reparser', () => {
  it('gives the tree that a fresh parse gives, edit after edit', () => {
    const edits = fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), drop: fc.nat(20), add: fc.oneof(text, fc.string({ maxLength: 6 }), fc.constantFrom(' ', '\n', '    ', ')', '"', 'é', '😀')) }), { maxLength: 6 });
    fc.assert(fc.property(text, edits, (first, list) => {
      const reparser = new Reparser();
      let now = first;
      reparser.parse(now);
      for (const { at, drop, add } of list) {
        const from = Math.floor(at * now.length);
        now = now.slice(0, from) + add + now.slice(from + drop);
        expect(shapeOf(reparser.parse(now))).toBe(shapeOf(parseTree(now)));
      }
    }), { numRuns: 300 });
  });

  it('reads a long text and an emptied one', () => {
    const reparser = new Reparser();
    const long = 'x = f(y)\n'.repeat(5000);
    reparser.parse(long);
    expect(shapeOf(reparser.parse(long.replace('f(y)', 'g(y, z)')))).toBe(shapeOf(parseTree(long.replace('f(y)', 'g(y, z)'))));
    expect(shapeOf(reparser.parse(''))).toBe(shapeOf(parseTree('')));
  });
});
