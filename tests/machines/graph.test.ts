import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { statesOf, toMermaid, transitionsOf } from '../../src/machines/graph.ts';
import { refinementMachine } from '../../src/machines/refinement.ts';
import { roundMachine } from '../../src/machines/round.ts';
import { runMachine } from '../../src/machines/run.ts';
import { trainingMachine } from '../../src/machines/training.ts';
import { Coverage, drive } from './driver.ts';

const machines: readonly (readonly [string, AnyStateMachine])[] = [
  ['run', runMachine], ['round', roundMachine], ['refinement', refinementMachine], ['training', trainingMachine],
];

describe.each(machines)('%s as Mermaid', (name, machine) => {
  const lines = toMermaid(machine).split('\n');

  it('declares every state once and draws every transition', () => {
    expect(lines[0]).toBe('stateDiagram-v2');
    const declared = lines.flatMap((line) => /^\s*state ".*" as (\w+)/.exec(line)?.[1] ?? []);
    expect(new Set(declared).size).toBe(declared.length);
    const states = statesOf(machine);
    expect(declared).toHaveLength(states.length);
    const arrows = lines.filter((line) => line.includes('-->') && !line.includes('[*]'));
    expect(arrows).toHaveLength(states.flatMap(transitionsOf).length);
    for (const arrow of arrows) {
      const [, from, to] = /^\s*(\w+) --> (\w+)/.exec(arrow)!;
      expect(declared).toContain(from);
      expect(declared).toContain(to);
    }
  });

  it('draws no arrow between the insides of two composite states', () => {
    let container = '';
    for (const line of lines) {
      const opened = /state ".*" as (\w+) \{/.exec(line)?.[1];
      if (opened) container = opened;
      else if (line.trim() === '}') container = '';
      const arrow = /^\s*(\w+) --> (\w+)/.exec(line);
      if (!arrow) continue;
      for (const end of [arrow[1]!, arrow[2]!]) expect(end.startsWith(`${container}${container && '_'}`), line).toBe(true);
      if (!container) expect(line).not.toMatch(/\b\w+_(ready|working|waiting)\b/);
    }
  });

  it('balances its braces and quotes no reserved characters in labels', () => {
    expect(lines.filter((line) => line.endsWith('{'))).toHaveLength(lines.filter((line) => line.trim() === '}').length);
    for (const line of lines) expect(line.split(' : ')[1] ?? '').not.toMatch(/[#;{}]/);
    expect(lines[1]).toContain(name);
  });
});

describe('coverage of transitions', () => {
  it('names what was not taken, so that a new transition fails a suite', () => {
    const coverage = new Coverage();
    const all = coverage.missing(trainingMachine).length;
    const driven = drive(trainingMachine, { fromStep: 0, totalSteps: 1, chunkSteps: 1, paused: false }, coverage);
    driven.done({ step: 1, loss: 0 });
    const missing = coverage.missing(trainingMachine);
    expect(missing.length).toBeLessThan(all);
    expect(missing.some((name) => name.includes('training.finishing.working | done'))).toBe(true);
    expect(missing.some((name) => name.includes('training.advancing.working | done'))).toBe(false);
  });
});
