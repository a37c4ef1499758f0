/** What benches over seeds share: options that are refused, and seeds that are not done twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { optionLines, parseCommand, reportsOf } from '../../bench/seeds.ts';
import { UsageError } from '../../bench/usage.ts';

const settings = { small: { about: 'some', seeds: 2 }, full: { about: 'more', seeds: 5 } };
const parse = (...args: string[]) => parseCommand('tiny', args, settings, optionLines('tiny', 'a file', settings));

describe('the command', () => {
  it('takes the seeds and the folder from its setting unless they are named', () => {
    expect(parse('--data', 'file')).toMatchObject({ name: 'small', data: 'file', seeds: [1, 2], engine: { threads: 1 }, json: false });
    expect(parse('--data', 'file')!.out.endsWith(join('runs', 'tiny-small'))).toBe(true);
    expect(parse('--data', 'file', '--setting', 'full', '--seeds', '4,', '--threads', '2')).toMatchObject({ setting: settings.full, seeds: [4], engine: { threads: 2 } });
    expect(parse('--help')).toBeNull();
  });

  it('says what is wrong', () => {
    expect(() => parse()).toThrow(/--data is missing/);
    expect(() => parse('--data', 'file', '--setting', 'huge')).toThrow(/no setting 'huge'; there are small, full/);
    expect(() => parse('--data', 'file', '--threads', '0')).toThrow(UsageError);
  });
});

describe('reports', () => {
  let out = '';
  beforeEach(() => {
    out = mkdtempSync(join(tmpdir(), 'seeds-'));
  });
  afterEach(() => rmSync(out, { recursive: true, force: true }));

  it('of seeds that were done under the same setting are read, under another one refused', async () => {
    const ran: number[] = [], heard: number[] = [];
    const run = async (seed: number) => {
      ran.push(seed);
      return { square: seed ** 2 };
    };
    const all = (seeds: number[], setting = settings.small) => reportsOf({ setting, seeds, out }, run, ({ square }) => heard.push(square));
    expect(await all([1, 3])).toEqual([{ square: 1 }, { square: 9 }]);
    expect(await all([1, 2, 3])).toEqual([{ square: 1 }, { square: 4 }, { square: 9 }]);
    expect(ran).toEqual([1, 3, 2]);
    expect(heard).toEqual([1, 9, 1, 4, 9]);
    await expect(all([1], settings.full)).rejects.toThrow(/other settings; name another folder/);
  });
});
