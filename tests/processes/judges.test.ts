import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { EvaluationRequest } from '../../src/contracts/evaluator.ts';
import { RandomStream } from '../../src/random/philox.ts';
import { JudgePool, type JudgePoolOptions } from '../../src/processes/judges.ts';
import { ProcessError } from '../../src/processes/rpc.ts';

const entry = new URL('./fake-judge.ts', import.meta.url);
const pools: JudgePool[] = [];
type Change = Parameters<NonNullable<JudgePoolOptions['onProcess']>>[0];

function open(options: Partial<JudgePoolOptions> = {}): { pool: JudgePool; changes: Change[] } {
  const changes: Change[] = [];
  const pool = new JudgePool({ judges: 1, entry, limitMs: 1500, onProcess: (change) => changes.push(change), ...options });
  pools.push(pool);
  return { pool, changes };
}

function requests(...texts: string[]): EvaluationRequest[] {
  return texts.map((text, index) => ({ id: `id-${index}`, text, promptLength: 0, finish: 'stop' }));
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

describe('a pool of judges', () => {
  it('starts nothing until it is asked, then answers in order from several judges', async () => {
    const { pool, changes } = open({ judges: 2, batch: 3 });
    expect(changes).toEqual([]);
    const texts = Array.from({ length: 40 }, (_, index) => `text ${index}`);
    const evaluations = await pool.evaluateMany(requests(...texts));
    expect(evaluations.map(({ shape }) => shape)).toEqual(texts);
    expect(changes.filter(({ state }) => state === 'started')).toHaveLength(2);
    expect(await pool.evaluateMany([])).toEqual([]);
  });

  it('finds the text that kills its judge and judges the others', async () => {
    const { pool, changes } = open({ batch: 10 });
    const evaluations = await pool.evaluateMany(requests('a', 'b', 'DIE', 'c', 'd'));
    expect(evaluations.map(({ id, valid }) => [id, valid])).toEqual([['id-0', true], ['id-1', true], ['id-2', false], ['id-3', true], ['id-4', true]]);
    expect(evaluations[2]).toMatchObject({ reason: 'syntax', score: 0, findings: [{ kind: 'judge.crash' }] });
    expect(changes.some(({ state }) => state === 'crashed')).toBe(true);
  });

  it('finds the text on which its judge hangs', async () => {
    const { pool } = open({ batch: 10, limitMs: 400 });
    const evaluations = await pool.evaluateMany(requests('a', 'HANG', 'b'));
    expect(evaluations.map(({ valid }) => valid)).toEqual([true, false, true]);
    expect(evaluations[1]).toMatchObject({ reason: 'syntax', findings: [{ kind: 'judge.hang' }] });
  });

  it('tries again when a judge fails once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'judges-'));
    try {
      const { pool } = open();
      const evaluations = await pool.evaluateMany(requests(`DIE-ONCE ${join(folder, 'mark')}`));
      expect(evaluations[0]).toMatchObject({ valid: true });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each<[string, (pool: JudgePool, text: string) => Promise<unknown>]>([
    ['documents', (pool, text) => pool.documents(text)],
    ['excerpts', (pool, text) => pool.excerpts(['a', text], 4)],
    ['the safety scan', (pool, text) => pool.scanSafety(['a', text])],
    ['beginnings', (pool, text) => pool.beginnings(['NO', text])],
  ])('asks again for %s, once', async (what, ask) => {
    const folder = mkdtempSync(join(tmpdir(), 'judges-'));
    try {
      const { pool, changes } = open();
      const given = await ask(pool, `DIE-ONCE ${join(folder, 'mark')}`);
      expect(changes.map(({ state }) => state)).toEqual(['started', 'crashed', 'started']);
      // By now the mark is there, and the same text does no harm.
      expect(await ask(pool, `DIE-ONCE ${join(folder, 'mark')}`)).toEqual(given);
      const dying = await ask(pool, 'DIE').catch((error: unknown) => error);
      expect(dying).toEqual(what === 'beginnings' ? ['sound', 'sound'] : expect.any(ProcessError));
      expect(changes.filter(({ state }) => state === 'crashed')).toHaveLength(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('marks a sample whose judge fails by itself', async () => {
    const { pool } = open();
    const evaluations = await pool.evaluateMany(requests('a', 'THROW', 'b'));
    expect(evaluations.map(({ valid }) => valid)).toEqual([true, false, true]);
    expect(evaluations[1]).toMatchObject({ reason: 'judge', findings: [{ kind: 'judge.failed' }] });
  });

  it('marks every sample, and says why, when no judge can start', async () => {
    const { pool } = open({ documents: ['UNABLE'] });
    await expect(pool.ready()).rejects.toThrow('cannot start');
    const evaluations = await pool.evaluateMany(requests('a'));
    expect(evaluations[0]).toMatchObject({ valid: false, reason: 'judge' });
    expect(evaluations[0]!.findings[0]!.message).toContain('cannot start');
  });

  it('tells judges that run and judges that replace them of the documents', async () => {
    const { pool } = open();
    await pool.ready();
    await pool.setDocuments(['known']);
    const before = await pool.evaluateMany(requests('known', 'new'));
    expect(before.map(({ copy }) => copy)).toEqual([true, false]);
    const after = await pool.evaluateMany(requests('DIE', 'known'));
    expect(after[1]).toMatchObject({ copy: true });
    expect(await pool.documents('source')).toEqual([{ text: 'source', span: { start: 0, end: 6 } }]);
  });

  it('gives up what waits when its signal aborts, and goes on with the rest', async () => {
    const { pool } = open({ batch: 1 });
    await pool.ready();
    const control = new AbortController();
    const given = pool.evaluateMany(requests('a', 'b', 'c'), control.signal);
    control.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    expect(await pool.evaluateMany(requests('d'))).toHaveLength(1);
    await expect(pool.evaluateMany(requests('e'), control.signal)).rejects.toThrow('enough');
  });

  it('replaces a judge that has grown, between two batches, and loses nothing', async () => {
    const { pool, changes } = open({ batch: 2 });
    const evaluations = await pool.evaluateMany(requests('PID', 'a', 'WORN', 'b', 'PID', 'c'));
    expect(evaluations.map(({ id }) => id)).toEqual(['id-0', 'id-1', 'id-2', 'id-3', 'id-4', 'id-5']);
    expect(evaluations[0]!.shape).not.toBe(evaluations[4]!.shape);
    expect(changes.map(({ state }) => state)).toEqual(['started', 'stopped', 'started']);
    const [later] = await pool.evaluateMany(requests('PID'));
    expect(later!.shape).toBe(evaluations[4]!.shape);
  });

  it('puts few long texts into one call', async () => {
    const { pool } = open({ batch: 100, limitMs: 60_000 });
    const texts = Array.from({ length: 5 }, (_, index) => `${index}${'x'.repeat(200_000)}`);
    const evaluations = await pool.evaluateMany(requests(...texts));
    expect(evaluations.map(({ shape }) => shape[0])).toEqual(['0', '1', '2', '3', '4']);
  });

  it('judges a stream in order and takes no more than it can judge', async () => {
    const { pool } = open({ judges: 2, batch: 3 });
    let taken = 0, given = 0, most = 0;
    function* source(): Generator<EvaluationRequest> {
      for (const request of requests(...Array.from({ length: 100 }, (_, index) => `text ${index}`))) {
        most = Math.max(most, ++taken - given);
        yield request;
      }
    }
    const shapes: string[] = [];
    for await (const { shape } of pool.evaluateStream(source())) {
      given++;
      shapes.push(shape);
    }
    expect(shapes).toEqual(Array.from({ length: 100 }, (_, index) => `text ${index}`));
    expect(most).toBeLessThanOrEqual(2 * 2 * 3);
  });

  it('works ahead and gives the same as if it had not, of whatever part of the requests it was told', async () => {
    const { pool } = open({ judges: 2, batch: 5 });
    const all = Array.from({ length: 60 }, (_, i): EvaluationRequest => ({
      id: `id-${i}`, text: i % 11 === 0 ? 'twice' : `text ${i}`, promptLength: i % 3, finish: i % 4 === 0 ? 'length' : 'stop', ...(i % 5 === 0 ? { locate: true } : {}),
    }));
    const plain = await pool.evaluateMany(all);
    for (let seed = 0; seed < 12; seed++) {
      const random = new RandomStream(seed, 'anticipate');
      const told = Array.from(random.permutation(all.length), (i) => ({ ...all[i]!, id: 'not known yet' })).slice(0, Math.floor(random.uniform(1000) * (all.length + 1)));
      while (told.length > 0) {
        pool.anticipate(told.splice(0, 7));
        if (seed % 3 === 0) await pool.canEnd([{ text: 'in between', promptLength: 0 }]);
      }
      expect(await pool.evaluateMany(all)).toEqual(plain);
      expect(pool.anticipated).toBe(0);
    }
  });

  it('has judged what it was told of before it is asked for, and tells apart what is asked about a text', async () => {
    const { pool } = open({ documents: ['known'] });
    pool.anticipate(requests('PID'));
    // One judge serves one call at a time: its answer to this comes after the other's.
    await pool.canEnd([{ text: 'a', promptLength: 0 }]);
    const [first] = await pool.evaluateMany(requests('DIE', 'x')).then(() => pool.evaluateMany(requests('PID')));
    const [again] = await pool.evaluateMany(requests('PID'));
    expect(first!.shape).not.toBe(again!.shape);
    pool.anticipate(requests('PID'));
    await pool.canEnd([{ text: 'a', promptLength: 0 }]);
    await pool.evaluateMany(requests('DIE'));
    const [other] = await pool.evaluateMany([{ ...requests('PID')[0]!, finish: 'length' }]);
    expect(other!.shape).not.toBe(again!.shape);
  });

  it('finds what kills or hangs its judge when it works ahead, too', async () => {
    const { pool } = open({ batch: 10, limitMs: 400 });
    const texts = ['a', 'DIE', 'b', 'HANG', 'THROW', 'c'];
    pool.anticipate(requests(...texts));
    const evaluations = await pool.evaluateMany(requests(...texts));
    expect(evaluations.map(({ id, findings }) => [id, findings[0]?.kind])).toEqual([
      ['id-0', undefined], ['id-1', 'judge.crash'], ['id-2', undefined], ['id-3', 'judge.hang'], ['id-4', 'judge.failed'], ['id-5', undefined],
    ]);
  });

  it('drops what was anticipated when its signal aborts, when documents change, when it closes, and when too much is never asked for', async () => {
    const { pool } = open({ batch: 1 });
    await pool.ready();
    const control = new AbortController();
    const busy = pool.evaluateMany(requests('a'));
    pool.anticipate(requests('b', 'c'), control.signal);
    control.abort();
    await busy;
    await pool.evaluateMany(requests('d'));
    expect(pool.anticipated).toBe(0);

    pool.anticipate(requests('known'));
    await pool.setDocuments(['known']);
    expect(pool.anticipated).toBe(0);
    expect((await pool.evaluateMany(requests('known')))[0]!.copy).toBe(true);

    for (let i = 0; i < 30; i++) pool.anticipate(requests(...Array.from({ length: 1000 }, (_, j) => `${i} ${j}`)));
    expect(pool.anticipated).toBeLessThan(10_000);
    await pool.close();
    expect(pool.anticipated).toBe(0);
    pool.anticipate(requests('e'));
    expect(pool.anticipated).toBe(0);
  });

  it('rejects clearly once it is closed, waiting and later requests alike', async () => {
    const { pool, changes } = open({ limitMs: 60_000 });
    await pool.ready();
    const waiting = [pool.evaluateMany(requests('HANG')), pool.evaluateMany(requests('b'))];
    const outcomes = Promise.allSettled(waiting);
    await pool.close();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'ProcessError', kind: 'closed' } });
    await expect(pool.evaluateMany(requests('c'))).rejects.toMatchObject({ kind: 'closed' });
    await expect(pool.documents('d')).rejects.toMatchObject({ kind: 'closed' });
    await expect(pool.ready()).rejects.toMatchObject({ kind: 'closed' });
    await pool.close();
    expect(changes.map(({ state }) => state)).toEqual(['started', 'stopped']);
  });
});

describe('a real judge', () => {
  it('says what a program may begin with and where one can end, in order', async () => {
    const judges = new JudgePool({ judges: 2 });
    try {
      const texts = Array.from({ length: 2000 }, (_, i) => (i % 3 === 0 ? `x = f(${i}` : i % 3 === 1 ? `x = ${i})` : `x = ${i}\n`));
      expect(await judges.beginnings(texts)).toEqual(texts.map((_, i) => (i % 3 === 1 ? 'broken' : 'sound')));
      expect(await judges.canEnd(texts.map((text) => ({ text, promptLength: 0 })))).toEqual(texts.map((_, i) => i % 3 === 2));
      const endings = [...texts, 'def f():\n    pass\n', "'''a'''\n", 'def f(a):\n    return a\n', '', 'x'].flatMap((text) => [0, 9, text.length].map((promptLength) => ({ text, promptLength: Math.min(promptLength, text.length) })));
      const evaluations = await judges.evaluateMany(endings.map((ending) => ({ id: '', ...ending, finish: 'stop' })));
      expect(await judges.canEnd(endings)).toEqual(evaluations.map(({ valid }) => valid));
    } finally {
      await judges.close();
    }
  });

  it('judges texts and finds documents', async () => {
    const { pool } = open({ entry: new URL('../../src/processes/judge-entry.ts', import.meta.url), limitMs: 20_000 });
    await pool.setDocuments(['def copied(a, b):\n    return [a, b, a + b, a - b]\n']);
    const texts = ['def f(a):\n    return a + 1\n', 'def f(a)\n    return a\n', 'def copied(a, b):\n    return [a, b, a + b, a - b]\n', '\0'];
    const evaluations = await pool.evaluateMany(requests(...texts));
    expect(evaluations.map(({ valid, copy }) => [valid, copy])).toEqual([[true, false], [false, false], [true, true], [false, false]]);
    const bytes = await pool.evaluateMany([Uint8Array.of(0xff), Buffer.from('\ufeffx = f(y)\nz = x\n')].map((text, index) => ({ id: `${index}`, text, promptLength: 0, finish: 'stop' as const })));
    expect(bytes.map(({ valid }) => valid)).toEqual([false, true]);
    expect(bytes[0]!.findings[0]).toMatchObject({ kind: 'cpython.encoding', line: 1 });
    expect(await pool.documents('class A:\n    def f(self):\n        return 1\n')).toHaveLength(2);
  });
});
