import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Cache, defaultCacheFolder } from '../../src/store/cache.ts';
import { StoreError } from '../../src/store/errors.ts';
import { temporaryFolder } from './temporary.ts';

const fill = (text: string) => async (folder: string): Promise<void> => writeFileSync(join(folder, 'data.txt'), text);
const temporaries = (cache: Cache): string[] => (existsSync(join(cache.folder, 'tmp')) ? readdirSync(join(cache.folder, 'tmp')) : []);

describe('the cache', () => {
  it('finds what was put under an equal key, whatever the order of the key\'s members', async () => {
    const cache = new Cache(temporaryFolder());
    expect(cache.get('tokenizer', { a: 1, b: 2 })).toBeNull();
    const folder = await cache.put('tokenizer', { a: 1, b: 2 }, fill('x'));
    expect(cache.get('tokenizer', { b: 2, a: 1 })).toBe(folder);
    expect(readFileSync(join(folder, 'data.txt'), 'utf8')).toBe('x');
    expect(cache.get('tokenizer', { a: 1, b: 3 })).toBeNull();
    expect(cache.get('weights', { a: 1, b: 2 })).toBeNull();
    expect(temporaries(cache)).toEqual([]);
  });

  it('shows nothing of an entry that is being made, and nothing remains when making it fails', async () => {
    const cache = new Cache(temporaryFolder());
    const failed = cache.put('k', 1, async (folder) => {
      writeFileSync(join(folder, 'data.txt'), 'half');
      expect(cache.get('k', 1)).toBeNull();
      throw new Error('training broke');
    });
    await expect(failed).rejects.toThrow('training broke');
    expect(cache.get('k', 1)).toBeNull();
    expect(temporaries(cache)).toEqual([]);
  });

  it('keeps the first of two that are made at once; both callers get it', async () => {
    const cache = new Cache(temporaryFolder());
    let slow!: () => void;
    const waiting = new Promise<void>((resolve) => (slow = resolve));
    const second = cache.put('k', 1, async (folder) => {
      await waiting;
      await fill('second')(folder);
    });
    const first = await cache.put('k', 1, fill('first'));
    slow();
    expect(await second).toBe(first);
    expect(readFileSync(join(first, 'data.txt'), 'utf8')).toBe('first');
    expect(temporaries(cache)).toEqual([]);
  });

  it('serves several processes that make the same entry', async () => {
    const folder = temporaryFolder();
    const script = `
      const { Cache } = await import(${JSON.stringify(new URL('../../src/store/cache.ts', import.meta.url).href)});
      const { writeFileSync, readFileSync } = await import('node:fs');
      const entry = await new Cache(process.env.FOLDER).put('k', 1, async (to) => { for (let i = 0; i < 50; i++) writeFileSync(to + '/' + i, process.pid + ''); });
      const writers = new Set(Array.from({ length: 50 }, (_, i) => readFileSync(entry + '/' + i, 'utf8')));
      process.exit(writers.size === 1 ? 0 : 9);`;
    const codes = await Promise.all(
      Array.from({ length: 3 }, () => {
        const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { env: { ...process.env, FOLDER: folder }, stdio: ['ignore', 'ignore', 'inherit'] });
        return new Promise<number | null>((resolve) => child.on('exit', resolve));
      }),
    );
    expect(codes).toEqual([0, 0, 0]);
    const cache = new Cache(folder);
    expect(cache.list()).toHaveLength(1);
    expect(temporaries(cache)).toEqual([]);
  });

  it('does not serve an entry that lost bytes, and makes it again', async () => {
    const cache = new Cache(temporaryFolder());
    writeFileSync(join(await cache.put('k', 1, fill('whole')), 'data.txt'), 'wh');
    expect(cache.get('k', 1)).toBeNull();
    await cache.put('k', 1, fill('again'));
    expect(readFileSync(join(cache.get('k', 1)!, 'data.txt'), 'utf8')).toBe('again');
  });

  it('makes an entry again that lost its label, and clears one away', async () => {
    const cache = new Cache(temporaryFolder());
    const broken = async (kind: string): Promise<string> => {
      const folder = await cache.put(kind, 1, fill('first'));
      for (const name of readdirSync(folder)) if (name !== 'data.txt') writeFileSync(join(folder, name), '{"key"');
      expect(cache.get(kind, 1)).toBeNull();
      return folder;
    };
    await broken('k');
    expect(readFileSync(join(await cache.put('k', 1, fill('again')), 'data.txt'), 'utf8')).toBe('again');
    expect(cache.get('k', 1)).not.toBeNull();
    const other = await broken('other');
    cache.clear();
    expect([existsSync(other), cache.list()]).toEqual([false, []]);
    expect(temporaries(cache)).toEqual([]);
  });

  it('lists entries with kind, key and size, largest first, and clears them', async () => {
    const cache = new Cache(temporaryFolder());
    await cache.put('small', { id: 1 }, fill('1'));
    await cache.put('large', { id: 2 }, fill('22222'));
    expect(cache.list().map(({ kind, key, bytes }) => ({ kind, key, bytes }))).toEqual([
      { kind: 'large', key: { id: 2 }, bytes: 5 },
      { kind: 'small', key: { id: 1 }, bytes: 1 },
    ]);
    expect(cache.clear()).toBe(6);
    expect(cache.list()).toEqual([]);
    expect(cache.clear()).toBe(0);
  });

  it('clears away what dead processes left, and leaves alone what living ones make', async () => {
    const cache = new Cache(temporaryFolder());
    // No process has number 2^22 + 1: Linux's largest is 2^22.
    const dead = join(cache.folder, 'tmp', '4194305-abc'), living = join(cache.folder, 'tmp', `${process.ppid}-abc`);
    mkdirSync(dead, { recursive: true });
    mkdirSync(living, { recursive: true });
    await cache.put('k', 1, fill('x'));
    expect([existsSync(dead), existsSync(living)]).toEqual([false, true]);
  });

  it('refuses kinds that are no plain names', () => {
    expect(() => new Cache(temporaryFolder()).get('../up', 1)).toThrow(StoreError);
  });

  it('lies where the system keeps caches, or where the user says', () => {
    expect(defaultCacheFolder({ OUROBOROS_CACHE: '/x', XDG_CACHE_HOME: '/y' }, 'linux')).toBe('/x');
    expect(defaultCacheFolder({ XDG_CACHE_HOME: '/y' }, 'linux')).toBe(join('/y', 'ouroboros'));
    expect(defaultCacheFolder({ XDG_CACHE_HOME: '' }, 'linux')).toMatch(/\.cache.ouroboros$/);
    expect(defaultCacheFolder({ LOCALAPPDATA: 'C:/local' }, 'win32')).toBe(join('C:/local', 'ouroboros', 'cache'));
  });
});
