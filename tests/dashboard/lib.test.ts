/** The page's pure parts: offsets and marks, the diff, Python's colours, curves, statecharts, sentences. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeMachine } from '../../dashboard/bridge/index.ts';
import { diffLines } from '../../dashboard/client/lib/diff.ts';
import { duration, percent, signed } from '../../dashboard/client/lib/format.ts';
import { colour } from '../../dashboard/client/lib/python.ts';
import { Series } from '../../dashboard/client/lib/series.ts';
import { eventLabel, innerState, isActive, overview, takenEdge, toGraph } from '../../dashboard/client/lib/statechart.ts';
import { summarise } from '../../dashboard/client/lib/summary.ts';
import { cut, spanMark, unitAt } from '../../dashboard/client/lib/text.ts';
import { roundMachine } from '../../src/machines/round.ts';
import { runMachine } from '../../src/machines/run.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 40 });

describe('unitAt', () => {
  it('undoes Buffer.byteLength at every character border', () => {
    fc.assert(fc.property(anyText, (text) => {
      let index = 0;
      for (const character of text) {
        expect(unitAt(text, Buffer.byteLength(text.slice(0, index)))).toBe(index);
        index += character.length;
      }
      expect(unitAt(text, Buffer.byteLength(text))).toBe(text.length);
    }));
  });
  it('takes a byte within a character for the character, and what lies behind the text for its end', () => {
    expect(unitAt('aé🐍b', 2)).toBe(1);
    expect(unitAt('aé🐍b', 5)).toBe(2);
    expect(unitAt('aé🐍b', 7)).toBe(4);
    expect(unitAt('ab', 99)).toBe(2);
  });
});

describe('cut and spanMark', () => {
  it('cuts without losing a character, and every mark covers just its own range', () => {
    const mark = fc.record({ start: fc.nat(50), end: fc.nat(50), name: fc.constantFrom('a', 'b') });
    fc.assert(fc.property(anyText, fc.array(mark, { maxLength: 5 }), (text, marks) => {
      const pieces = cut(text, marks);
      expect(pieces.map((piece) => piece.text).join('')).toBe(text);
      let at = 0;
      for (const piece of pieces) {
        for (let i = at; i < at + piece.text.length; i++) {
          expect([...piece.names].sort()).toEqual(marks.filter((m) => m.start <= i && i < m.end).map((m) => m.name).sort());
        }
        at += piece.text.length;
      }
    }));
  });
  it('makes every span visible in a text that is not empty', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.nat(60), fc.nat(60), (text, start, length) => {
      const mark = spanMark(text, { start, end: start + length }, 'x');
      expect(mark.end).toBeGreaterThan(mark.start);
      expect(mark.end).toBeLessThanOrEqual(text.length);
      expect(mark.start).toBeGreaterThanOrEqual(0);
    }));
  });
  it('marks the bytes that a finding names', () => {
    const text = 'größe = (1';
    const mark = spanMark(text, { start: Buffer.byteLength('größe = '), end: Buffer.byteLength('größe = (') }, 'fault');
    expect(text.slice(mark.start, mark.end)).toBe('(');
  });
});

describe('diffLines', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', '  d', ''), { maxLength: 12 }).map((list) => list.join('\n'));
  it('holds both texts whole', () => {
    fc.assert(fc.property(lines, lines, (before, after) => {
      const diff = diffLines(before, after);
      expect(diff.filter((line) => line.sign !== '+').map((line) => line.text).join('\n')).toBe(before);
      expect(diff.filter((line) => line.sign !== '-').map((line) => line.text).join('\n')).toBe(after);
    }));
  });
  it('keeps as many lines as the longest common subsequence has', () => {
    const longest = (a: readonly string[], b: readonly string[]): number =>
      a.length === 0 || b.length === 0 ? 0 : a[0] === b[0] ? 1 + longest(a.slice(1), b.slice(1)) : Math.max(longest(a.slice(1), b), longest(a, b.slice(1)));
    const few = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 7 });
    fc.assert(fc.property(few, few, (a, b) => {
      expect(diffLines(a.join('\n'), b.join('\n')).filter((line) => line.sign === ' ').length).toBe(longest(a, b));
    }));
  });
  it('says what changed within a line', () => {
    const [, before, after] = diffLines('def f():\n    return (1', 'def f():\n    return (1)');
    expect(before).toMatchObject({ sign: '-', changed: { start: 13, end: 13 } });
    expect(after!.text.slice(after!.changed!.start, after!.changed!.end)).toBe(')');
  });
  it('stays quick on texts that share nothing', () => {
    const before = Array.from({ length: 3000 }, (_, i) => `a${i}`).join('\n');
    expect(diffLines(before, before.replaceAll('a', 'b'))).toHaveLength(6000);
  });
});

describe('colour', () => {
  it('names what it sees, in order and without overlaps, for any text', () => {
    const source = '@wraps(f)\ndef go(self, n=12):\n    """Say \'hi\'."""\n    return "a # b" if n else f\'{n}\'  # done';
    expect(colour(source).map((mark) => [mark.name, source.slice(mark.start, mark.end)])).toEqual([
      ['decorator', '@wraps'], ['keyword', 'def'], ['definition', 'go'], ['self', 'self'], ['number', '12'], ['string', '"""Say \'hi\'."""'],
      ['keyword', 'return'], ['string', '"a # b"'], ['keyword', 'if'], ['keyword', 'else'], ['string', "f'{n}'"], ['comment', '# done'],
    ]);
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('"', "'", '\\', '\n', '#', 'a', 'é', '1', ' ', 'def ') }), (text) => {
      let end = 0;
      for (const mark of colour(text)) {
        expect(mark.start).toBeGreaterThanOrEqual(end);
        end = mark.end;
      }
      expect(end).toBeLessThanOrEqual(text.length);
    }));
  });
});

describe('Series', () => {
  it('stays within its limit, in rising order, from the first point on, however many come', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 2000 }), (limit, count) => {
      const series = new Series(limit);
      for (let i = 0; i < count; i++) series.push(i, i * 2);
      const { x, y } = series.points();
      expect(x.length).toBeLessThanOrEqual(limit);
      expect(x[0]).toBe(0);
      expect(y).toEqual(x.map((value) => value * 2));
      expect([...x].sort((a, b) => a - b)).toEqual(x);
      // What was dropped lies evenly: no gap is longer than a few strides.
      expect(Math.max(0, ...x.slice(1).map((value, i) => value - x[i]!))).toBeLessThanOrEqual(Math.max(1, (8 * count) / limit));
    }));
  });
  it('takes a step once', () => {
    const series = new Series();
    series.push(1, 5);
    series.push(1, 6);
    series.push(2, 4);
    expect(series.points()).toEqual({ x: [1, 2], y: [5, 4] });
  });
});

describe('statecharts', () => {
  const run = describeMachine(runMachine);
  const round = describeMachine(roundMachine);

  it('names events as people say them', () => {
    expect(eventLabel({ event: 'xstate.done.actor.0.round.judging', guard: null })).toBe('done');
    expect(eventLabel({ event: 'xstate.error.actor.x', guard: 'mayRetry' })).toBe('error [mayRetry]');
    expect(eventLabel({ event: 'xstate.after.1500.m.x', guard: null })).toBe('after 1.5 s');
    expect(eventLabel({ event: 'xstate.after.backOff.m.x', guard: null })).toBe('after backOff');
    expect(eventLabel({ event: '', guard: null })).toBe('always');
    expect(eventLabel({ event: 'command.pause', guard: null })).toBe('command.pause');
  });

  it('draws a node for each state, and only edges between nodes it draws', () => {
    for (const machine of [run, round, overview(run), overview(round)]) {
      const graph = toGraph(machine, 'RIGHT');
      const ids = new Set<string>();
      const collect = (node: typeof graph): void => {
        ids.add(node.id);
        node.children?.forEach(collect);
      };
      graph.children!.forEach(collect);
      for (const edge of graph.edges!) for (const end of [...edge.sources, ...edge.targets]) expect(ids).toContain(end);
      expect(new Set(graph.edges!.map((edge) => edge.id)).size).toBe(graph.edges!.length);
    }
  });

  it('leaves inner states and giving up out of the outline, and no other state', () => {
    const outline = overview(round);
    expect(outline.root.states.map((state) => state.key)).toEqual(round.root.states.map((state) => state.key).filter((key) => key !== 'failed'));
    expect(outline.root.states.every((state) => state.states.length === 0)).toBe(true);
    expect(overview(round, 'failed').root.states.map((state) => state.key)).toEqual(round.root.states.map((state) => state.key));
    const flat = { id: 'flat', root: { ...round.root, states: round.root.states.filter((state) => state.states.length === 0) } };
    expect(overview(flat)).toBe(flat);
  });

  it('knows which states are active and which way was taken', () => {
    expect(isActive('judging', 'judging.working')).toBe(true);
    expect(isActive('judging', 'judgingX.working')).toBe(false);
    expect(isActive('b', 'a.x,b.y')).toBe(true);
    expect(isActive('', 'a')).toBe(true);
    expect(isActive('a', null)).toBe(false);
    expect(innerState('judging', 'judging.working')).toBe('working');
    const edges = overview(round).root.states.flatMap((state) =>
      state.transitions.flatMap(({ event, targets }) => targets.map((target) => ({ id: `${state.path}>${target}`, source: state.path, target, path: '', labels: [], events: [event] }))));
    expect(takenEdge(edges, { from: 'judging.working', to: 'criticising.working', event: 'xstate.done.actor.0.round.judging.working' })!.id).toBe('judging>criticising');
    expect(takenEdge(edges, { from: 'judging.ready', to: 'judging.working', event: '' })).toBeNull();
    expect(takenEdge(edges, { from: null, to: 'generating.working', event: 'xstate.init' })).toBeNull();
  });
});

describe('words and numbers', () => {
  it('writes them as people do', () => {
    expect(duration(83)).toBe('1 min 23 s');
    expect(duration(3700)).toBe('1 h 01 min');
    expect(percent(0.58941)).toBe('58.9 %');
    expect(signed(-0.0004, 3)).toBe('±0.000');
    expect(signed(-0.25, 1)).toBe('−0.3');
  });
  it('summarises any record in one line', () => {
    fc.assert(fc.property(fc.jsonValue(), (data) => {
      expect(summarise({ data })).not.toContain('\n');
    }));
    expect(summarise({ data: { round: 3, after: { n: 10, value: 0.5 }, text: 'a\n  b', tokens: [1, 2], none: null } })).toBe('round 3 · after 50.0 % · text a b · tokens 2 items');
  });
});
