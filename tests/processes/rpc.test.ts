/** What a method tells while it works: it arrives at once, in order, at its own caller and nobody else; and what arrives of its failure. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChildService } from '../../src/processes/rpc.ts';
import type { TellerService } from './teller.ts';

let child: ChildService<TellerService>;
let folder: string;
beforeAll(() => {
  child = new ChildService<TellerService>(new URL('./teller.ts', import.meta.url));
  folder = mkdtempSync(join(tmpdir(), 'rpc-'));
});
afterAll(async () => {
  await child.kill();
  rmSync(folder, { recursive: true });
});

describe('what a method tells', () => {
  it('arrives while the child still holds its thread', async () => {
    const path = join(folder, 'heard');
    // The child goes on only once it was heard.
    const heard: number[] = [];
    const answer = await child.call('tell', { count: 3, path }, { onProgress: ({ n }) => {
      heard.push(n);
      if (n === 2) writeFileSync(path, '');
    } });
    expect(answer).toEqual({ listened: true });
    expect(heard).toEqual([0, 1, 2]);
  });

  it('comes to the call that it belongs to, before its answer, and is not sent where nobody listens', async () => {
    const heard: string[] = [];
    const call = (name: string, count: number) => child.call('tell', { count }, { onProgress: ({ n }) => void heard.push(`${name}${n}`) }).then(() => void heard.push(name));
    const silent = child.call('tell', { count: 2 });
    await Promise.all([call('a', 2), call('b', 1), silent]);
    expect(heard.filter((what) => what.startsWith('a'))).toEqual(['a0', 'a1', 'a']);
    expect(heard.filter((what) => what.startsWith('b'))).toEqual(['b0', 'b']);
    expect(await silent).toEqual({ listened: false });
  });
});

describe('what a method throws', () => {
  it.each([true, false])('says whether it would only come again (%s)', async (permanent) => {
    await expect(child.call('fail', { permanent })).rejects.toMatchObject({ name: 'ProcessError', kind: 'thrown', message: 'failed on purpose', permanent });
  });
});
