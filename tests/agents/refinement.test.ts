import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JoiningCritic } from '../../src/agents/critic.ts';
import type { Judged } from '../../src/contracts/agents.ts';
import type { Finding } from '../../src/contracts/records.ts';
import { difference, objection } from '../../src/agents/refinement/acceptance.ts';
import { cutFor, holeFor, stemFor } from '../../src/agents/refinement/cuts.ts';
import { byteLength, toOffsets, trivialStatements, workTokens } from '../../src/agents/refinement/python-text.ts';
import { PointedRefiner } from '../../src/agents/refiner.ts';
import { spread, textOf } from '../../src/agents/samples.ts';
import { FakeEvaluator, FakeModelHost, judgedSample, MemorySink, smallConfig, toyDocument } from '../fakes.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 60 });

/** A failed sample whose compiler finding covers the first occurrence of `at`. */
function failing(completion: string, at: string, change: { prompt?: string; reason?: 'syntax' | 'truncated' } = {}): Judged {
  const { sample, evaluation } = judgedSample({ completion, prompt: change.prompt ?? '' });
  const whole = sample.prompt + completion;
  const start = byteLength(whole.slice(0, whole.indexOf(at)));
  const finding: Finding = { source: 'cpython', kind: 'syntax', message: 'invalid syntax', span: { start, end: start + byteLength(at) }, line: 1, column: 0 };
  return { sample, evaluation: { ...evaluation, valid: false, reason: change.reason ?? 'syntax', findings: [finding], score: 0.5 } };
}

/** The revision as the evaluator would see it if it were valid. */
function revised(parent: Judged, completion: string): Judged {
  const { sample, evaluation } = judgedSample({ ...parent.sample, id: `${parent.sample.id}~1`, parent: parent.sample.id, completion, attempt: 1 });
  const { reason: _reason, ...rest } = evaluation;
  return { sample, evaluation: { ...rest, valid: true, score: 1 } };
}

describe('byte spans', () => {
  it('become string offsets that cut the same bytes', () => {
    fc.assert(fc.property(text, text, text, (before, span, after) => {
      const start = byteLength(before);
      const offsets = toOffsets(before + span + after, { start, end: start + byteLength(span) });
      expect((before + span + after).slice(offsets.start, offsets.end)).toBe(span);
    }));
  });

  it('are clamped to the text, and a byte inside a character counts as its start', () => {
    expect(toOffsets('aüb', { start: 2, end: 99 })).toEqual({ start: 1, end: 3 });
    expect(toOffsets('a𝄞b', { start: 3, end: 5 })).toEqual({ start: 1, end: 3 });
    expect(toOffsets('', { start: 5, end: 2 })).toEqual({ start: 0, end: 0 });
    expect(toOffsets('\ud800x', { start: 3, end: 4 })).toEqual({ start: 1, end: 2 });
  });
});

describe('cuts', () => {
  const program = 'def größe(käse):\n    alpha = "ü𝄞"\n    beta = call(alpha\n    gamma = beta + 1\n    return gamma';
  const parent = failing(program, '(alpha');

  it('the first hole is the line of the fault, from the end of the line before it, whatever the bytes before it', () => {
    expect(holeFor(parent, 0, 0.3)).toEqual({
      method: 'infill', prefix: 'def größe(käse):\n    alpha = "ü𝄞"', removed: '\n    beta = call(alpha', suffix: '\n    gamma = beta + 1\n    return gamma',
    });
  });

  it('a fault of indentation is about its own line, not about the one before it', () => {
    const indented = failing('def f(x):\n    """A long docstring that stays."""\n      y = x\n    return y', '      y');
    expect(holeFor(indented, 0, 0.5)).toMatchObject({ removed: '\n      y = x', suffix: '\n    return y' });
    expect(stemFor(indented, 0, 0.5)?.prefix).toBe('def f(x):\n    """A long docstring that stays."""');
  });

  it('a block left to an unknown depth puts the line before under suspicion', () => {
    const program = 'def f(x):\n    a = call(x, x)\n    if x:\n          y = a\n        b = y\n    return call(a, b)';
    const parent = failing(program, 'b = y');
    const unindent = { ...parent.evaluation.findings[0]!, message: 'unindent does not match any outer indentation level' };
    const suspicious = { ...parent, evaluation: { ...parent.evaluation, findings: [unindent] } };
    expect(holeFor(suspicious, 0, 0.5)?.removed).toBe('\n          y = a\n        b = y');
    expect(stemFor(suspicious, 0, 0.3)?.prefix).toBe('def f(x):\n    a = call(x, x)\n    if x:');
  });

  it('the continuation begins before the statement of the fault', () => {
    expect(stemFor(parent, 0, 0.2)).toEqual({ method: 'continue', prefix: 'def größe(käse):\n    alpha = "ü𝄞"' });
    expect(stemFor(parent, 1, 0.1)).toEqual({ method: 'continue', prefix: 'def größe(käse):' });
    expect(stemFor(parent, 2, 0)).toBeNull();
  });

  it('a statement in brackets is cut before its first line', () => {
    const call = failing('def f(x):\n    a = 1\n    y = call(\n        1,\n        2 3,\n    )\n    return y', '2 3');
    expect(stemFor(call, 0, 0.1)?.prefix).toBe('def f(x):\n    a = 1');
  });

  it('attempts take turns; what would keep too little gives way to the other way, then to nothing', () => {
    expect([1, 2, 3, 4, 5].map((attempt) => cutFor(parent, [], attempt, 0.1)?.method)).toEqual(['continue', 'continue', 'continue', 'infill', 'continue']);
    expect(cutFor(parent, [], 1, 0.6)?.method).toBe('infill');
    expect(cutFor(failing('x = = 1', '= ='), [], 1, 0.9)).toBeNull();
  });

  describe('continuations', () => {
    const brokenAfter = (completion: string, sound: string, id = 'r1/u0', from?: string): Judged => {
      const { sample, evaluation } = failing(completion, completion.slice(sound.length));
      return {
        sample: { ...sample, id, ...(from === undefined ? {} : { parent: from, method: 'continue' as const }) },
        evaluation: { ...evaluation, brokenAt: byteLength(sound) },
      };
    };
    const first = brokenAfter('a = 1; b = 2; c = ) ; d = 4', 'a = 1; b = 2; c = ');
    const further = brokenAfter('a = 1; b = 2; c = 3 + 4 + )', 'a = 1; b = 2; c = 3 + 4 + ', 'r1/u0~1', 'r1/u0');
    const nearer = brokenAfter('a = 1; b = 2; c ]', 'a = 1; b = 2; c ', 'r1/u0~2', 'r1/u0');

    it('begin where the best attempt so far broke', () => {
      expect(cutFor(first, [], 1, 0.4)).toEqual({ method: 'continue', prefix: 'a = 1; b = 2; c =' });
      expect(cutFor(first, [further], 2, 0.4)).toEqual({ method: 'continue', prefix: 'a = 1; b = 2; c = 3 + 4 +' });
    });

    it('give back some tokens for each attempt that got no further', () => {
      expect(cutFor(first, [further, nearer], 3, 0.4)).toEqual({ method: 'continue', prefix: 'a = 1; b = 2; c =' });
    });

    it('never leave too little of the parent, however far they got', () => {
      expect(cutFor(first, [further], 2, 0.95)).toBeNull();
    });
  });

  it('a truncated text is continued only, from a place that leaves room for an ending', () => {
    const long = toyDocument('truncated');
    const cut = failing(long, long.slice(-1), { reason: 'truncated' });
    const [first, second] = [1, 2].map((attempt) => cutFor(cut, [], attempt, 0.5)!);
    expect(first!.method).toBe('continue');
    expect(second!.method).toBe('continue');
    expect(byteLength(first!.prefix)).toBeLessThan(0.85 * byteLength(long));
    expect(second!.prefix.length).toBeLessThanOrEqual(first!.prefix.length);
  });

  it('hold for any text and fault: they never touch the prompt, keep enough, end where a token ends, and lose nothing', () => {
    const lines = fc.array(fc.constantFrom('x = (1', '  y = "ü', 'if a:', '    käse = [1, 2]', ')', '', '# ö', '"""', 'return 𝄞', '\tz'), { maxLength: 12 });
    fc.assert(fc.property(lines, fc.constantFrom('', 'def f(x):', 'def ä():\n    """ö"""'), fc.nat(), fc.nat(8), fc.integer({ min: 1, max: 6 }), fc.constantFrom(0.1, 0.6, 0.9), (all, prompt, at, length, attempt, kept) => {
      const completion = `\n${all.join('\n')}`;
      const whole = prompt + completion;
      const start = at % (byteLength(whole) + 1);
      const { sample, evaluation } = judgedSample({ completion, prompt });
      const finding: Finding = { source: 'rule', kind: 'k', message: 'm', span: { start, end: start + length }, line: 1, column: 0 };
      const cut = cutFor({ sample, evaluation: { ...evaluation, valid: false, reason: 'syntax', findings: [finding] } }, [], attempt, kept);
      if (!cut) return;
      expect(whole.startsWith(cut.prefix)).toBe(true);
      expect(cut.prefix.length).toBeGreaterThanOrEqual(prompt.length);
      if (cut.prefix.length > prompt.length) expect(cut.prefix).toBe(cut.prefix.trimEnd());
      const suffix = cut.method === 'infill' ? cut.suffix : '';
      if (cut.method === 'infill') expect(cut.prefix + cut.removed + suffix).toBe(whole);
      const own = byteLength(completion);
      expect(byteLength(cut.prefix) - byteLength(prompt) + byteLength(suffix)).toBeGreaterThanOrEqual(kept * own - 1e-9);
    }), { numRuns: 300 });
  });
});

describe('acceptance', () => {
  const broken = 'def f(x):\n    total = call(x, 1\n    other = total + x\n    print(other)\n    return other';
  const parent = failing(broken, '(x, 1');
  const verdict = (completion: string): string | null => objection(parent, revised(parent, completion), 0.6);

  it('takes a repair: the missing bracket, a rewritten line', () => {
    expect(verdict(broken.replace('(x, 1', '(x, 1)'))).toBeNull();
    expect(verdict(broken.replace('call(x, 1', 'x.size + 1'))).toBeNull();
  });

  it('takes a long name that gives way to a short token', () => {
    const name = failing('def f(x):\n    y = call(x unexpected_name\n    return y', 'unexpected_name');
    expect(objection(name, revised(name, 'def f(x):\n    y = call(x )\n    return y'), 0.5)).toBeNull();
  });

  it('takes a line that is indented anew', () => {
    const indented = failing('def f(x):\n    a = 1\n      b = a + x\n    return b', '      b');
    expect(objection(indented, revised(indented, 'def f(x):\n    a = 1\n    b = a + x\n    return b'), 0.6)).toBeNull();
  });

  it.each([
    ['deletes the line', broken.replace('    total = call(x, 1\n', '')],
    ['deletes a few characters', broken.replace('call(x, 1', 'x')],
    ['writes pass over it', broken.replace('total = call(x, 1', 'pass')],
    ['writes ... over it', broken.replace('total = call(x, 1', '...')],
    ['hides pass behind work', broken.replace('total = call(x, 1', 'total = x; pass')],
    ['hides pass in a block', broken.replace('total = call(x, 1', 'if x: pass')],
    ['comments it out', broken.replace('total', '# total')],
    ['makes it a string', broken.replace('total = call(x, 1', '"""total = call(x, 1"""')],
    ['writes a comment over it', broken.replace('total = call(x, 1', '# a long comment instead')],
    ['shrinks it', broken.replace('total = call(x, 1', 'x')],
    ['cuts off the rest', 'def f(x):\n    total = call(x, 1)'],
  ])('refuses what %s', (_, completion) => {
    expect(verdict(completion)).not.toBeNull();
  });

  it('refuses the invalid, the copied and what has too few syntax nodes', () => {
    const fixed = revised(parent, broken.replace('(x, 1', '(x, 1)'));
    const with_ = (change: Partial<Judged['evaluation']>): Judged => ({ ...fixed, evaluation: { ...fixed.evaluation, ...change } });
    expect(objection(parent, with_({ valid: false }), 0.6)).toBe('not valid');
    expect(objection(parent, with_({ copy: true }), 0.6)).toBe('a copy');
    expect(objection(parent, with_({ counts: { ...fixed.evaluation.counts, ownNodes: 2 } }), 0.6)).toBe('keeps too few syntax nodes');
  });

  it('never takes a pure deletion of code, wherever it is', () => {
    fc.assert(fc.property(fc.nat(), fc.integer({ min: 1, max: 12 }), (from, length) => {
      const start = from % broken.length;
      const deleted = broken.slice(start, start + length);
      fc.pre(deleted.trim() !== '');
      expect(verdict(broken.slice(0, start) + broken.slice(start + length))).not.toBeNull();
    }));
  });

  it('difference: what is kept and what differs make up both texts', () => {
    fc.assert(fc.property(text, text, text, text, (prefix, a, b, suffix) => {
      const [before, after] = [prefix + a + suffix, prefix + b + suffix];
      const { deleted, inserted, kept } = difference(before, after);
      expect(kept).toBe(byteLength(before) - byteLength(deleted));
      expect(kept).toBeGreaterThanOrEqual(byteLength(prefix) + byteLength(suffix) - 8);
      const at = before.length - deleted.length;
      expect(after.length - inserted.length).toBe(at);
      expect(difference(before, before)).toEqual({ deleted: '', inserted: '', kept: byteLength(before) });
    }));
  });

  it('counts tokens without comments, a string as one, and statements that do nothing', () => {
    expect(workTokens('x = "a b c"  # note\n')).toBe(3);
    expect(workTokens("x = 'not closed\ny = 1")).toBe(6);
    expect(trivialStatements('def f(): ...\nclass A: pass\nx[...] = 1\nif a:\n    pass  # why\n')).toBe(3);
    expect(trivialStatements('"""pass"""\n# pass\ncompass = 1')).toBe(0);
  });
});

describe('refiner', () => {
  const config = smallConfig({ refinement: { parents: 6, attempts: 2 } });
  const make = (model = new FakeModelHost()) => {
    const events = new MemorySink();
    const evaluator = new FakeEvaluator();
    return { model, events, evaluator, refiner: new PointedRefiner({ model, evaluator, events, config, clock: () => 0 }) };
  };
  const sample = (id: string, completion: string, finish: 'stop' | 'length' = 'stop'): Judged => judgedSample({ id, completion, finish });
  const faulty = (i: number): Judged => sample(`r1/u${i}`, `${Array.from({ length: i + 2 }, (_, n) => `v${n} = call(alpha, ${n})`).join('\n')}\nbeta = (1\nreturn beta`);

  it('selects syntax failures by score, evenly spaced, then truncated ones, and nothing else', () => {
    const { refiner } = make();
    const truncated = [0, 1, 2].map((i) => sample(`r1/t${i}`, 'def f(alpha):\n    return alpha', 'length'));
    const valid = sample('r1/v', 'def f(alpha):\n    return alpha');
    const empty = sample('r1/e', '');
    const few = refiner.select({ round: 1, judged: [valid, truncated[0]!, faulty(1), empty, truncated[1]!, faulty(5), truncated[2]!] });
    expect(few.map(({ sample: { id } }) => id)).toEqual(['r1/u5', 'r1/u1', 'r1/t0', 'r1/t1', 'r1/t2']);
    const many = refiner.select({ round: 1, judged: Array.from({ length: 20 }, (_, i) => faulty(i)) });
    const scores = many.map(({ evaluation }) => evaluation.score);
    expect(many).toHaveLength(6);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(many[0]!.sample.id).toBe('r1/u19');
    expect(Number(many.at(-1)!.sample.id.slice(4))).toBeLessThan(5);
  });

  it('spread takes distinct items in order, the first among them', () => {
    fc.assert(fc.property(fc.nat(40), fc.nat(40), (length, limit) => {
      const items = Array.from({ length }, (_, i) => i);
      const taken = spread(items, limit);
      expect(taken).toHaveLength(Math.min(length, limit));
      expect(new Set(taken).size).toBe(taken.length);
      expect(taken).toEqual([...taken].sort((a, b) => a - b));
      if (taken.length > 0) expect(taken[0]).toBe(0);
    }));
  });

  it('proposes revisions with stable ids, their parent and method; the same key twice gives the same records', async () => {
    const { refiner, events } = make();
    const parents = Array.from({ length: 4 }, (_, i) => faulty(i + 4));
    const first = await refiner.propose({ round: 1, attempt: 1, parents, revisions: [] });
    expect(first.map(({ id }) => id)).toEqual(parents.map(({ sample: { id } }) => `${id}~1`));
    for (const [i, revision] of first.entries()) {
      expect(revision).toMatchObject({ parent: parents[i]!.sample.id, method: 'continue', attempt: 1, round: 1, kind: 'unconditional' });
      expect(revision.tokens).not.toHaveLength(0);
      expect(textOf(parents[i]!.sample).startsWith(textOf(revision).slice(0, revision.kept))).toBe(true);
    }
    const recorded = events.recorded.length;
    expect(await refiner.propose({ round: 1, attempt: 1, parents, revisions: [] })).toEqual(first);
    expect(events.recorded).toHaveLength(recorded);
    const second = await refiner.propose({ round: 1, attempt: 4, parents, revisions: [] });
    expect(second.map(({ method }) => method)).toContain('infill');
  });

  it('has its revisions judged ahead exactly as the critic will ask, continued and filled ones alike', async () => {
    const { refiner, model, events, evaluator } = make();
    const prompted = judgedSample({ id: 'r1/p0', prompt: 'def f(a):', kind: 'signature', completion: '\n    alpha = call(a, a)\n    beta = alpha + 1\n    gamma = (1\n    return gamma' });
    const propose = (attempt: number) => refiner.propose({ round: 1, attempt, parents: [faulty(4), faulty(5), prompted], revisions: [] });
    const revisions = [...(await propose(1)), ...(await propose(4))];
    expect(new Set(revisions.map(({ method }) => method)).size).toBe(2);
    expect(evaluator.anticipated).toHaveLength(revisions.length);
    await new JoiningCritic({ model, events, evaluator, clock: () => 0, readability: () => 0 }).judge({ round: 1, samples: revisions });
    expect(evaluator.anticipated).toEqual([]);
  });

  it('leaves alone what is repaired already', async () => {
    const { refiner } = make();
    const parent = faulty(5);
    const repair = revised(parent, parent.sample.completion.replace('(1', '(1)'));
    expect(refiner.choose({ parents: [parent], revisions: [repair] })).toHaveLength(1);
    expect(await refiner.propose({ round: 1, attempt: 2, parents: [parent, faulty(6)], revisions: [repair] })).toMatchObject([{ parent: faulty(6).sample.id }]);
  });

  it('keeps the prompt of a prompted parent, and marks what was cut off', async () => {
    const prompt = 'def größe(käse):';
    const parent = judgedSample({ id: 'r1/p0', prompt, kind: 'signature', completion: '\n    alpha = call(käse, käse)\n    beta = alpha + 1\n    gamma = (1\n    return gamma' });
    const { refiner } = make();
    const [revision] = await refiner.propose({ round: 1, attempt: 4, parents: [parent], revisions: [] });
    expect(revision!.prompt).toBe(prompt);
    expect(revision!.completion.startsWith('\n    alpha = call(käse, käse)\n    beta = alpha + 1')).toBe(true);
    expect(revision!.completion.endsWith('\n    return gamma')).toBe(true);
    class Cut extends FakeModelHost {
      override async infill(request: Parameters<FakeModelHost['infill']>[0]) {
        return (await super.infill(request)).map((completion) => ({ ...completion, finish: 'length' as const }));
      }
    }
    const [cut] = await make(new Cut()).refiner.propose({ round: 1, attempt: 4, parents: [parent], revisions: [] });
    expect(cut!.finish).toBe('length');
  });

  it('chooses by score, then by kept bytes, then by attempt, and only what is acceptable', () => {
    const { refiner } = make();
    const broken = 'def f(x):\n    total = call(x, 1\n    other = total + x\n    return other';
    const parent = failing(broken, '(x, 1');
    const revision = (attempt: number, completion: string, score = 1): Judged => {
      const made = revised(parent, completion);
      return { sample: { ...made.sample, id: `${parent.sample.id}~${attempt}`, attempt }, evaluation: { ...made.evaluation, score } };
    };
    const close = broken.replace('(x, 1', '(x, 1)');
    const far = broken.replace('total = call(x, 1', 'total = other_call(x)');
    const choose = (...revisions: Judged[]) => refiner.choose({ parents: [parent], revisions }).map((repair) => repair.revision.attempt);
    expect(choose(revision(1, far), revision(2, close))).toEqual([2]);
    expect(choose(revision(2, close), revision(1, close))).toEqual([1]);
    expect(choose(revision(1, far, 1), revision(2, close, 0.9))).toEqual([1]);
    expect(choose(revision(1, broken.replace('total = call(x, 1', 'pass')))).toEqual([]);
    expect(refiner.choose({ parents: [parent], revisions: [{ ...revision(1, close), sample: { ...revision(1, close).sample, parent: 'another' } }] })).toEqual([]);
  });

  it('concludes with the validity of unconditional samples, repairs counted', () => {
    const { refiner, events } = make();
    const valid = sample('r1/u0', 'def f(alpha):\n    return alpha');
    const parents = [faulty(1), faulty(2)];
    const prompted = judgedSample({ id: 'r1/p0', kind: 'signature', prompt: 'def f(x):', completion: '\n  (' });
    const repairs = [{ parent: parents[0]!.sample.id, revision: { ...parents[0]!.sample, id: 'r1/u1~2' }, evaluation: valid.evaluation }];
    const after = refiner.conclude({ round: 1, judged: [valid, ...parents, prompted], repairs });
    expect(after).toMatchObject({ successes: 2, n: 3 });
    expect(events.of('refinement.finished')).toEqual([{ round: 1, failed: 3, repaired: 1, accepted: ['r1/u1~2'], after }]);
  });
});
