import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMachineBusy, parseStat, parseStatusBytes, roleOf, sampleTree, treeOf, treeSeconds, type TreeSample } from '../../bench/processes.ts';
import { covered, growth, partOf, residentOf, roundTimes, useBetween, valueAt } from '../../bench/run-report.ts';
import type { LoggedEvent, RunEvent } from '../../src/contracts/events.ts';

let seq = 0;
const at = (time: number, type: RunEvent['type'], data: object): LoggedEvent => ({ seq: ++seq, key: String(seq), hashed: false, time, type, data }) as unknown as LoggedEvent;
const activity = (to: number, agent: string, name: string, seconds: number, round: number): LoggedEvent => at(to, 'activity.finished', { agent, activity: name, round, amount: 1, seconds });

describe('what /proc says', () => {
  it('reads a stat line whose program has spaces and parentheses in its name', () => {
    const line = '4242 (node (main) x) S 17 4242 1 0 -1 4194560 100 200 0 0 1250 250 300 100 20 0 11 0 500 1000000 5000 18446744073709551615';
    expect(parseStat(line)).toEqual({ pid: 4242, parent: 17, own: 15, reaped: 4 });
    expect(parseStat('')).toBeNull();
    expect(parseStat('17 (short) S 1')).toBeNull();
  });

  it('reads sizes and the machine', () => {
    const status = 'Name:\tnode\nVmPeak:\t 900 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\nThreads:\t11\n';
    expect(parseStatusBytes(status, 'VmRSS')).toBe(1024 * 1024);
    expect(parseStatusBytes(status, 'VmHWM')).toBe(2048 * 1024);
    expect(parseStatusBytes('Name:\tzombie\n', 'VmRSS')).toBeNull();
    expect(parseMachineBusy('cpu  1000 100 300 99999 88888 50 50 0 0 0\ncpu0 1 1 1 1\n')).toBe(15);
  });

  it('knows processes by their command lines', () => {
    expect(roleOf('node\0--import\0/x/tsx\0/p/src/processes/model-host-entry.ts\0')).toBe('model host');
    expect(roleOf('node\0/p/dist/src/processes/judge-entry.js\0')).toBe('judge');
    expect(roleOf('node\0/p/dist/src/processes/dashboard-entry.js\0')).toBe('dashboard');
    expect(roleOf('node\0/p/dist/src/cli/main.js\0run\0')).toBe('main');
    expect(roleOf('bash\0')).toBe('other');
  });

  it('follows descendants, whatever the order, and no others', () => {
    const all = [{ pid: 5, parent: 4 }, { pid: 4, parent: 2 }, { pid: 3, parent: 1 }, { pid: 2, parent: 1 }];
    expect(treeOf(2, all).map(({ pid }) => pid).sort()).toEqual([2, 4, 5]);
    expect(treeOf(9, all)).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('sees this process', () => {
    const sample = sampleTree(process.pid)!;
    const own = sample.processes.find(({ pid }) => pid === process.pid)!;
    expect(own.resident).toBeGreaterThan(1e6);
    expect(own.own).toBeGreaterThan(0);
    expect(sample.machineBusy).toBeGreaterThanOrEqual(own.own);
  });
});

describe('rounds', () => {
  it('parts the time of a round among its activities and finds what none accounts for', () => {
    const events = [
      at(500, 'round.finished', { round: 0 }),
      at(1000, 'round.started', { round: 1 }),
      activity(3000, 'generator', 'generate', 2, 1),
      activity(4000, 'critic', 'judge', 1, 1),
      activity(5000, 'refiner', 'propose', 1, 1),
      activity(8000, 'learner', 'learn', 3, 1),
      at(8500, 'checkpoint.saved', { round: 1, checkpoint: 'round-0001', weightsHash: '' }),
      activity(9500, 'gate', 'measure gate', 1, 1),
      activity(11_000, 'gate', 'measure test', 1, 1),
      at(11_000, 'round.finished', { round: 1 }),
    ];
    const [round, ...more] = roundTimes(events);
    expect(more).toEqual([]);
    expect(round).toMatchObject({ round: 1, seconds: 10, shares: { sampling: 0.2, judging: 0.1, refining: 0.1, learning: 0.3, saving: 0.05, gate: 0.1, table: 0.1, other: 0 } });
    expect(round!.unaccounted).toBeCloseTo(0.05, 12);
  });

  it('counts overlapping activities once, so that nothing is accounted for twice', () => {
    const events = [
      at(0, 'round.started', { round: 1 }),
      activity(6000, 'generator', 'generate', 6, 1),
      activity(8000, 'critic', 'judge', 4, 1),
      at(10_000, 'round.finished', { round: 1 }),
    ];
    const [round] = roundTimes(events);
    expect(round!.shares.sampling + round!.shares.judging).toBeCloseTo(1, 12);
    expect(round!.unaccounted).toBeCloseTo(0.2, 12);
  });

  it('counts the way to the next round, but not the time between two launches', () => {
    const one = [at(0, 'round.started', { round: 1 }), at(4000, 'round.finished', { round: 1 })];
    const two = [at(5000, 'round.started', { round: 2 }), at(9000, 'round.finished', { round: 2 })];
    expect(roundTimes([...one, ...two]).map(({ seconds }) => seconds)).toEqual([5, 4]);
    expect(roundTimes([...one, at(4900, 'run.resumed', { fromRound: 1 }), ...two]).map(({ seconds }) => seconds)).toEqual([4, 4]);
  });

  it('leaves out rounds that are not complete', () => {
    expect(roundTimes([at(0, 'round.started', { round: 1 })])).toEqual([]);
  });

  it('never covers more than the window or than the intervals together', () => {
    const interval = fc.tuple(fc.integer({ min: -50, max: 150 }), fc.integer({ min: 0, max: 80 })).map(([from, length]) => ({ from, to: from + length }));
    fc.assert(fc.property(fc.array(interval, { maxLength: 8 }), (intervals) => {
      // The definition, millisecond by millisecond.
      let expected = 0;
      for (let t = 0; t < 100; t++) if (intervals.some(({ from, to }) => from <= t && t + 1 <= to)) expected++;
      expect(covered({ from: 0, to: 100 }, intervals)).toBe(expected);
    }));
  });

  it('knows every agent', () => {
    expect([partOf('critic', 'criticise'), partOf('gate', 'measure test'), partOf('gate', 'measure gate'), partOf('preparer', 'prepare')]).toEqual(['judging', 'table', 'gate', 'other']);
  });
});

describe('use of the processors', () => {
  const sample = (time: number, main: number, host: number, busy: number, resident = 100): TreeSample => ({
    time, machineBusy: busy,
    processes: [
      { pid: 1, parent: 0, own: main, reaped: 1, role: 'main', resident },
      { pid: 2, parent: 1, own: host, reaped: 0, role: 'model host', resident: 3 * resident },
    ],
  });
  const samples = [sample(0, 0, 0, 50), sample(2000, 0.2, 2.8, 53.4), sample(4000, 0.4, 6.6, 58)];

  it('counts the whole tree over cores and time, and what others took', () => {
    const use = useBetween(samples, 0, 4000, 2)!;
    expect(treeSeconds(samples[2]!) - treeSeconds(samples[0]!)).toBeCloseTo(7, 12);
    expect(use.utilisation).toBeCloseTo(7 / 8, 12);
    expect(use.others).toBeCloseTo(1 / 8, 12);
    expect(use.main).toBeCloseTo(0.1, 12);
    expect(use.dashboard).toBe(0);
  });

  it('reads between samples along the line, and nothing outside of them', () => {
    expect(valueAt(samples, 1000, treeSeconds)! - valueAt(samples, 0, treeSeconds)!).toBeCloseTo(1.5, 12);
    expect(valueAt(samples, -1, treeSeconds)).toBeNull();
    expect(useBetween(samples, 0, 4001, 2)).toBeNull();
    expect(useBetween([], 0, 1, 2)).toBeNull();
  });

  it('adds memory up by role and in all', () => {
    expect(residentOf([sample(0, 0, 0, 0, 1), sample(10, 0, 0, 0, 2), sample(20, 0, 0, 0, 9)], { from: 5, to: 15 })).toEqual({ all: 8, roles: { main: 2, 'model host': 6 } });
    expect(residentOf(samples, { from: 100, to: 200 })).toBeNull();
  });
});

describe('growth', () => {
  const rounds = (n: number, value: (round: number) => number | null) => Array.from({ length: n }, (_, i) => ({ round: i + 1, value: value(i + 1) }));

  it('is 1 for what stays, and sees what grows', () => {
    expect(growth(rounds(100, () => 7))).toEqual({ early: 7, late: 7, ratio: 1 });
    expect(growth(rounds(100, (round) => round))).toEqual({ early: 10, late: 98, ratio: 9.8 });
  });

  it('is not disturbed by one odd round or one without a value', () => {
    expect(growth(rounds(100, (round) => (round === 10 || round === 100 ? 50 : round === 97 ? null : 2)))!.ratio).toBe(1);
  });

  it('says nothing of runs that are too short', () => {
    expect(growth(rounds(16, () => 1))).toBeNull();
    expect(growth(rounds(17, () => 1))).not.toBeNull();
    expect(growth([])).toBeNull();
  });
});
