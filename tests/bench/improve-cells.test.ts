import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cellsOf, claimSettings, ImproveError, readManifest, runCells, type CellRunner } from '../../bench/improve/cells.ts';
import { SETTINGS, configOf, type Arm, type Cell } from '../../bench/improve/settings.ts';
import { recipes } from '../../src/config/presets.ts';
import { parseConfig } from '../../src/config/load.ts';
import { RunError } from '../../src/index.ts';
import { StoreError } from '../../src/store/errors.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { cell as figuresOf } from './improve-fixtures.ts';

const cells = (out: string): Cell[] => cellsOf(out, ['loop', 'no-feedback'], [1, 2]);
const key = ({ arm, seed }: Cell): string => `${arm}/${seed}`;

/** A run that makes its folder, reports its rounds and ends; `fail` names a cell that breaks after its first round. */
function fakeRunner(calls: { cell: string; resumed: boolean }[], fail?: string): CellRunner {
  return async (cell, { run, round }) => {
    calls.push({ cell: key(cell), resumed: run !== null });
    const folder = run ?? join(cell.folder, '20260101-000000-abcd');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'config.json'), '{}');
    round(0, 0.3);
    if (key(cell) === fail) throw new Error('cut off');
    round(1, 0.4);
    return figuresOf(cell.arm, cell.seed, { rounds: 1 });
  };
}

const runAll = (out: string, runner: CellRunner, said: string[] = [], settings = 'a', signal = new AbortController().signal): Promise<void> => {
  let clock = 0;
  return runCells(cells(out), { settings, rounds: 1, runner, say: (line) => said.push(line), now: () => (clock += 1000), signal });
};

describe('running the cells', () => {
  it('runs every arm of a seed before the next seed, one after the other, and tells how far it is', async () => {
    const calls: { cell: string; resumed: boolean }[] = [];
    const said: string[] = [];
    const out = temporaryFolder();
    await runAll(out, fakeRunner(calls), said);
    expect(calls.map(({ cell }) => cell)).toEqual(['loop/1', 'no-feedback/1', 'loop/2', 'no-feedback/2']);
    expect(cells(out).map((cell) => readManifest(cell)?.figures)).toEqual(cells(out).map(({ arm, seed }) => figuresOf(arm, seed, { rounds: 1 })));
    expect(said).toContainEqual(expect.stringMatching(/^no-feedback, seed 1 \(2 of 4\): round 1 of 1, 40\.0 % valid; about \d+ s left$/));
    expect(said.at(-1)).toContain('about 0 s left');
  });

  it('skips what is finished, goes on with what was cut off', async () => {
    const out = temporaryFolder();
    await expect(runAll(out, fakeRunner([], 'no-feedback/1'))).rejects.toThrow('cut off');
    expect(cells(out).map((cell) => readManifest(cell) !== null)).toEqual([true, false, false, false]);
    const calls: { cell: string; resumed: boolean }[] = [];
    await runAll(out, fakeRunner(calls));
    expect(calls).toEqual([{ cell: 'no-feedback/1', resumed: true }, { cell: 'loop/2', resumed: false }, { cell: 'no-feedback/2', resumed: false }]);
    const none: { cell: string; resumed: boolean }[] = [];
    const said: string[] = [];
    await runAll(out, fakeRunner(none), said);
    expect(none).toEqual([]);
    expect(said).toEqual(['4 of 4 runs are finished already.']);
  });

  it('begins a cell again that cannot be gone on with', async () => {
    const out = temporaryFolder();
    await expect(runAll(out, fakeRunner([], 'loop/1'))).rejects.toThrow('cut off');
    const rest = join(cells(out)[0]!.folder, 'audit-0000.json');
    writeFileSync(rest, '{}');
    const inner = fakeRunner([]);
    const calls: boolean[] = [];
    await runAll(out, (cell, options) => {
      calls.push(options.run !== null);
      if (options.run !== null) throw new RunError("'prepare' of the run failed 4 times", { cause: new StoreError('damaged', 'A checkpoint is damaged.') });
      return inner(cell, options);
    });
    expect(calls).toEqual([true, false, false, false, false]);
    expect(existsSync(rest)).toBe(false);
  });

  it('keeps what it has of a cell whose run failed while it was gone on with', async () => {
    const out = temporaryFolder();
    await expect(runAll(out, fakeRunner([], 'loop/1'))).rejects.toThrow('cut off');
    for (const error of [new Error('The model host was killed.'), new RunError('The model host was killed.', { cause: new Error('killed') }), new StoreError('full', 'The disk is full.'), new StoreError('busy', 'Another process has it.')]) {
      await expect(runAll(out, async () => { throw error; })).rejects.toThrow(error.message);
      expect(readdirSync(cells(out)[0]!.folder)).not.toEqual([]);
    }
    const calls: { cell: string; resumed: boolean }[] = [];
    await runAll(out, fakeRunner(calls));
    expect(calls[0]).toEqual({ cell: 'loop/1', resumed: true });
  });

  it('stops between two cells, and keeps what it has', async () => {
    const out = temporaryFolder();
    const stop = new AbortController();
    const inner = fakeRunner([]);
    const stopping: CellRunner = async (cell, options) => {
      const result = await inner(cell, options);
      stop.abort(new ImproveError('Stopped.'));
      return result;
    };
    await expect(runAll(out, stopping, [], 'a', stop.signal)).rejects.toThrow('Stopped.');
    expect(cells(out).map((cell) => readManifest(cell) !== null)).toEqual([true, false, false, false]);
  });
});

describe('the settings', () => {
  it('a folder belongs to one comparison', () => {
    const out = temporaryFolder();
    const hash = claimSettings(out, { setting: 'small', rounds: 6 });
    expect(claimSettings(out, { rounds: 6, setting: 'small' })).toBe(hash);
    expect(() => claimSettings(out, { setting: 'small', rounds: 7 })).toThrow(ImproveError);
  });

  it.each(Object.entries(SETTINGS))('%s is a configuration that only rounds end, with N enough', (name, setting) => {
    const config = parseConfig(configOf(setting, 4, setting.rounds));
    expect(config).toMatchObject({ seed: 4, budget: { rounds: setting.rounds, minutes: 1e6, targetValidity: 1, plateauRounds: 0 } });
    if (name === 'smoke') return;
    expect(setting.audit.unconditional).toBeGreaterThanOrEqual(1000);
    expect(setting.seeds).toBeGreaterThanOrEqual(name === 'full' ? 5 : 3);
  });

  it('an arm has its learner\'s recipe over the setting, and below what is set', () => {
    const parents = (arm: Arm, ...set: string[]) => parseConfig(configOf({ ...SETTINGS.small, set }, 1, 10, arm)).refinement.parents;
    const { parents: own } = SETTINGS.small.config.refinement!;
    expect([parents('loop'), parents('inverted-reward'), parents('seqgan')]).toEqual([own, own, own]);
    expect([parents('repair'), parents('repair', 'refinement.parents=5'), parents('loop', 'refinement.parents=5')]).toEqual([recipes.repair!.refinement!.parents, 5, 5]);
  });
});
