import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandsOf, compareRatios, lowerIsBetter, TOLERANCE, updatedRatios, verdictOf, type CommittedRatio } from '../../bench/check.ts';

const committed = (ratio: number, command = 'train'): CommittedRatio => ({ ratio, spread: [ratio, ratio], machine: 'one', load: 0, date: '2026-01-01', command, peers: { torch: '2.0' } });

describe('when a ratio has fallen', () => {
  it('allows 15 % and no more', () => {
    expect(verdictOf('train.S/torch', 2, 1.71)).toBe('held');
    expect(verdictOf('train.S/torch', 2, 1.69)).toBe('worse');
    expect(verdictOf('train.S/torch', 2, 2.31)).toBe('better');
  });

  it('turns round where less is better', () => {
    for (const name of ['memory.M/torch', 'run.memory.last/10', 'run.seconds.last/10']) {
      expect(lowerIsBetter(name)).toBe(true);
      expect(verdictOf(name, 1, 1.14)).toBe('held');
      expect(verdictOf(name, 1, 1.16)).toBe('worse');
      expect(verdictOf(name, 1, 0.5)).toBe('better');
    }
    for (const name of ['train.M/torch', 'sample.S.16/torch', 'round.S/torch', 'run.utilisation']) expect(lowerIsBetter(name)).toBe(false);
  });

  it('never calls a ratio that is as committed, or better, worse; a ratio that is no number has not held', () => {
    fc.assert(fc.property(fc.constantFrom('train.S/torch', 'memory.M/torch'), fc.double({ min: 0.01, max: 100, noNaN: true }), fc.double({ min: 0, max: 5, noNaN: true }), (name, ratio, gain) => {
      const better = lowerIsBetter(name) ? ratio / (1 + gain) : ratio * (1 + gain);
      expect(verdictOf(name, ratio, better)).not.toBe('worse');
      const worse = lowerIsBetter(name) ? ratio * (1 + TOLERANCE + 0.001 + gain) : ratio / (1 / (1 - TOLERANCE) + 0.001 + gain);
      expect(verdictOf(name, ratio, worse)).toBe('worse');
    }));
    expect(verdictOf('train.S/torch', 2, Number.NaN)).toBe('worse');
  });
});

describe('comparing', () => {
  const file = { 'train.S/torch': committed(2), 'train.S/wasm': committed(50), 'round.S/torch': committed(3, 'round') };

  it('has a row for what the commands should have measured and for what they did', () => {
    expect(compareRatios(file, { 'train.S/wasm': 20, 'train.S/torch-compile': 1.5 }, ['train'])).toEqual([
      { name: 'train.S/torch', committed: 2, measured: null, verdict: 'not measured' },
      { name: 'train.S/torch-compile', committed: null, measured: 1.5, verdict: 'new' },
      { name: 'train.S/wasm', committed: 50, measured: 20, verdict: 'worse' },
    ]);
  });

  it('keeps what was not measured when it updates, and says where the new ones come from', () => {
    const report = { ratios: { 'train.S/torch': 2.5 }, spreads: { 'train.S/torch': [2.4, 2.61239] as const }, machine: 'two', load: 1.25, peers: { torch: '2.13' }, missing: [] };
    const updated = updatedRatios(file, report, 'train --sizes S', '2026-11-24');
    expect(updated['train.S/torch']).toEqual({ ratio: 2.5, spread: [2.4, 2.612], machine: 'two', load: 1.25, date: '2026-11-24', command: 'train --sizes S', peers: { torch: '2.13' } });
    expect(updated['round.S/torch']).toEqual(file['round.S/torch']);
    expect(Object.keys(updated)).toEqual(Object.keys(updated).toSorted());
    expect(compareRatios(updated, report.ratios, ['train --sizes S'])).toEqual([{ name: 'train.S/torch', committed: 2.5, measured: 2.5, verdict: 'held' }]);
  });

  it('runs what is named as it stands, else what is committed, each command once', () => {
    const own = { 'train.S/torch': committed(2, 'train --sizes S'), 'sample.S.1/torch': committed(5, 'train --sizes S'), 'round.S/torch': committed(3, 'round') };
    expect(commandsOf([], own)).toEqual(['train --sizes S', 'round']);
    expect(commandsOf(['train --sizes M', 'run', 'run'], own)).toEqual(['train --sizes M', 'run']);
    expect(commandsOf([], {})).toEqual(['train', 'round']);
  });
});

it('every committed ratio says machine, date, command and load, and lies within its spread', () => {
  const file = JSON.parse(readFileSync(new URL('../../bench/ratios.json', import.meta.url), 'utf8')) as Record<string, CommittedRatio>;
  for (const [name, { ratio, spread, machine, date, command, load, peers }] of Object.entries(file)) {
    expect(name).toMatch(/^(?:train|sample|memory|round|run)\./);
    expect(spread[0]).toBeLessThanOrEqual(ratio);
    expect(spread[1]).toBeGreaterThanOrEqual(ratio);
    expect(machine).toMatch(/core/);
    expect(date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(command).toMatch(/^(?:train|round|run)\b/);
    expect(load).toBeGreaterThanOrEqual(0);
    expect(typeof peers).toBe('object');
  }
});
