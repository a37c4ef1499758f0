import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Checkpoints } from '../../src/store/checkpoints.ts';
import { StoreError } from '../../src/store/errors.ts';
import { temporaryFolder } from './temporary.ts';

async function save(checkpoints: Checkpoints, name: string, round: number | null = null): Promise<void> {
  const folder = checkpoints.prepare(name);
  mkdirSync(join(folder, 'model'));
  writeFileSync(join(folder, 'model', 'weights.bin'), `weights of ${name}`);
  writeFileSync(join(folder, 'counters.json'), '{}');
  await checkpoints.complete(name, { round, weightsHash: `hash of ${name}`, state: { watermark: 12 } });
}

const names = (checkpoints: Checkpoints): string[] => checkpoints.list().map((manifest) => manifest.name);

describe('a checkpoint', () => {
  it('exists once it is complete, not before', async () => {
    const checkpoints = new Checkpoints(temporaryFolder());
    writeFileSync(join(checkpoints.prepare('round-1'), 'weights.bin'), 'half');
    expect([checkpoints.get('round-1'), checkpoints.latest(), names(checkpoints)]).toEqual([null, null, []]);
    await checkpoints.complete('round-1', { round: 1, weightsHash: 'h' });
    expect(checkpoints.latest()).toMatchObject({ name: 'round-1', round: 1, weightsHash: 'h', state: null });
  });

  it('names size and hash of each file, and gives back the state', async () => {
    const checkpoints = new Checkpoints(temporaryFolder());
    await save(checkpoints, 'round-1', 1);
    expect(await checkpoints.verified('round-1')).toBe(checkpoints.path('round-1'));
    const manifest = checkpoints.get('round-1')!;
    expect(Object.keys(manifest.files).sort()).toEqual(['counters.json', 'model/weights.bin']);
    expect(manifest.files['model/weights.bin']!.bytes).toBe('weights of round-1'.length);
    expect(manifest.files['counters.json']!.sha256).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
    expect(manifest.state).toEqual({ watermark: 12 });
  });

  it('that was damaged or lost a file is told by name', async () => {
    const checkpoints = new Checkpoints(temporaryFolder());
    await save(checkpoints, 'a', 1);
    writeFileSync(join(checkpoints.path('a'), 'model', 'weights.bin'), 'weights of b');
    await expect(checkpoints.verified('a')).rejects.toThrow(/weights\.bin is missing or damaged.* start a new run/);
    await save(checkpoints, 'pretraining-1', null);
    writeFileSync(join(checkpoints.path('pretraining-1'), 'model', 'weights.bin'), 'weights of pretraining-2');
    await expect(checkpoints.verified('pretraining-1')).rejects.toThrow(/missing or damaged.* delete the folder .*pretraining-1 and resume/);
    await expect(checkpoints.verified('b')).rejects.toThrow(/no complete checkpoint 'b' .* There are: a/);
  });

  it('without a file, or with a name that leaves the folder, is refused', async () => {
    const checkpoints = new Checkpoints(temporaryFolder());
    checkpoints.prepare('empty');
    await expect(checkpoints.complete('empty', { round: null, weightsHash: '' })).rejects.toThrow(/holds no file/);
    expect(checkpoints.get('empty')).toBeNull();
    for (const name of ['../up', '', 'a/b', '.hidden']) expect(() => checkpoints.prepare(name)).toThrow(StoreError);
  });

  it('saved again replaces the one of that name and is the latest', async () => {
    const checkpoints = new Checkpoints(temporaryFolder());
    await save(checkpoints, 'a');
    await save(checkpoints, 'b');
    await save(checkpoints, 'a');
    expect(names(checkpoints)).toEqual(['b', 'a']);
  });
});

describe('cleaning up', () => {
  it('removes what a crash left and nothing else', async () => {
    const run = temporaryFolder();
    const checkpoints = new Checkpoints(run);
    await save(checkpoints, 'good');
    writeFileSync(join(checkpoints.prepare('bad'), 'weights.bin'), 'half');
    expect(new Checkpoints(run).clean()).toEqual(['bad']);
    expect(readdirSync(checkpoints.folder)).toEqual(['good']);
    await checkpoints.verified('good');
  });
});

describe('retention', () => {
  it('keeps the last ones, every tenth round, and those that are named', async () => {
    const checkpoints = new Checkpoints(temporaryFolder());
    await save(checkpoints, 'pretraining-100');
    for (let round = 1; round <= 14; round++) await save(checkpoints, `round-${round}`, round);
    const deleted = checkpoints.retain({ keep: 2, always: ['round-4', 'round-9'] });
    expect(names(checkpoints)).toEqual(['round-4', 'round-9', 'round-10', 'round-13', 'round-14']);
    expect(deleted).toHaveLength(10);
    for (const name of deleted) expect(existsSync(checkpoints.path(name))).toBe(false);
  });

  it('never deletes the latest or a named one, for any rule', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(5), { maxLength: 2 }), async (count, keep, named) => {
        const checkpoints = new Checkpoints(temporaryFolder());
        for (let round = 1; round <= count; round++) await save(checkpoints, `r${round}`, round);
        const always = named.map((i) => `r${i + 1}`);
        const before = names(checkpoints);
        checkpoints.retain({ keep, always });
        const after = names(checkpoints);
        expect(after).toEqual(before.filter((name, i) => i >= before.length - keep || always.includes(name)));
      }),
      { numRuns: 15 },
    );
  });
});
