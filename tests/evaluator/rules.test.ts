import { beforeAll, describe, expect, it } from 'vitest';
import { checkRules, loadCPython, RULE_KINDS, type CPython, type RuleKind } from '../../src/evaluator/index.ts';
import { RIGHT, WORDED, WRONG } from './snippets.ts';

let cpython: CPython;
beforeAll(async () => {
  cpython = await loadCPython();
});

/** The rules alone refuse what is nested too deeply; CPython would be lost over it. */
const UNASKED: ReadonlySet<string> = new Set(['syntax.deep', 'text.tokens']);

describe('wrong programs', () => {
  it('has an example of every rule', () => {
    expect(Object.keys(WRONG).sort()).toEqual([...RULE_KINDS].sort());
  });

  it.each(Object.entries(WRONG) as [RuleKind, readonly string[]][])('%s', (kind, texts) => {
    const missed = texts.filter((text) => checkRules(text).faults.length === 0);
    expect(missed).toEqual([]);
    if (UNASKED.has(kind)) return;
    const verdicts = cpython.compileAll(texts);
    expect(texts.filter((_, index) => verdicts[index] === null)).toEqual([]);
    const found = texts.flatMap((text) => checkRules(text).faults.map((fault) => fault.kind));
    expect(found).toContain(kind);
  });

  it('says the same as CPython, at the same line, about most of them', () => {
    const texts = Object.entries(WRONG).flatMap(([kind, list]) => (UNASKED.has(kind) ? [] : list));
    const verdicts = cpython.compileAll(texts);
    const same = texts.filter((text, index) => checkRules(text).faults.some(({ message }) => message === verdicts[index]?.message));
    expect(same.length / texts.length).toBeGreaterThan(0.8);
  });

  it("says CPython's own words where it has some", () => {
    const verdicts = cpython.compileAll(WORDED);
    const other = WORDED.flatMap((text, index) => (checkRules(text).faults.some(({ message }) => message === verdicts[index]?.message) ? [] : [[text, verdicts[index]?.message, checkRules(text).faults]]));
    expect(other).toEqual([]);
  });
});

describe('right programs', () => {
  it('accepts what CPython accepts', () => {
    const verdicts = cpython.compileAll(RIGHT);
    expect(RIGHT.flatMap((text, index) => (verdicts[index] ? [[text, verdicts[index]]] : []))).toEqual([]);
    expect(RIGHT.flatMap((text) => (checkRules(text).faults.length > 0 ? [[text, checkRules(text).faults]] : []))).toEqual([]);
  });
});

describe('names', () => {
  it("are made of CPython's letters, whatever Unicode this Node knows", () => {
    const classes = [/\p{XIDS}/u, /\p{XIDC}/u, /[\p{C}\p{Z}]/u, /\p{Cn}/u];
    const classOf = (point: number) => classes.map((one) => (one.test(String.fromCodePoint(point)) ? '1' : '0')).join('');
    const edges = new Set<number>([0x88f, 0x20c1, 0x323b0, 0x33479, 0x3347a]);
    for (let point = 0x80, last = classOf(point); point < 0x110000; point++) {
      const here = classOf(point);
      if (here !== last) edges.add(point - 1).add(point);
      last = here;
    }
    const letters = [...edges].filter((point) => point < 0xd800 || point > 0xdfff).map((point) => String.fromCodePoint(point));
    const texts = letters.flatMap((letter) => [`${letter} = 1\n`, `a${letter} = 1\n`]);
    const verdicts = cpython.compileAll(texts);
    const other = texts.flatMap((text, index) => {
      const words = checkRules(text).faults[0]?.message;
      return words === verdicts[index]?.message ? [] : [[text.codePointAt(0), text, words, verdicts[index]?.message]];
    });
    expect(other).toEqual([]);
  });
});

describe('faults', () => {
  it('go on after a fault: two faulty lines are two faults', () => {
    const { faults } = checkRules('def f():\n    x = = 1\n    y = 2\n    z z\n    return x\n');
    expect(faults.map(({ start }) => start)).toHaveLength(2);
  });

  it('know the block of a head that cannot be read', () => {
    const { faults } = checkRules('for x in in y:\n    if a b:\n        break\n    yield x\n');
    expect(faults.map(({ kind }) => kind)).toEqual(['syntax.invalid', 'syntax.invalid']);
  });

  it('lie where the fault is', () => {
    const text = 'def f():\n    return 1 +\n';
    expect(checkRules(text).faults[0]).toMatchObject({ kind: 'syntax.invalid', start: text.indexOf('+') + 1 });
    const repeated = 'f(a=1, a=2)';
    expect(checkRules(repeated).faults[0]).toMatchObject({ start: 7, end: 10 });
  });
});
