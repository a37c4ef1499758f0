/** What a cell's report is made from, read from the log and the audits of a run of fakes. */
import { describe, expect, it } from 'vitest';
import { createActor, toPromise } from 'xstate';
import { auditFile, auditing, type Audit } from '../../bench/improve/audit.ts';
import { promptsOf, readFigures } from '../../bench/improve/figures.ts';
import type { Cell } from '../../bench/improve/settings.ts';
import { provideAgents } from '../../src/machines/provide.ts';
import { readJson } from '../../src/store/atomic.ts';
import { EventLog } from '../../src/store/event-log.ts';
import { fakeRun, toyDocuments, toyTasks } from '../fakes.ts';
import { temporaryFolder } from '../store/temporary.ts';

const ROUNDS = 2;

/** A run of fakes with its audits, its log in a folder, with three alarms and a refusal more than it had. */
async function ran(): Promise<{ readonly cell: Cell; readonly run: ReturnType<typeof fakeRun> }> {
  const cell: Cell = { arm: 'loop', seed: 7, folder: temporaryFolder() };
  const run = fakeRun();
  const { gate } = run.agents;
  const parts = { model: run.model, evaluator: run.evaluator, tasks: toyTasks, documents: (split: 'train' | 'gate' | 'test') => toyDocuments(split, 30) };
  const audited = auditing(gate, parts, { folder: cell.folder, last: ROUNDS, sizes: { unconditional: 40, prompts: 3, perPrompt: 5, documents: 20 }, maxTokens: 100 });
  const machine = provideAgents({ agents: { ...run.agents, gate: audited }, minutes: () => 0, retried: () => {} });
  await toPromise(createActor(machine, { input: { budget: { ...run.config.budget, rounds: ROUNDS }, attempts: 2, chunkSteps: 7 } }).start());
  const log = new EventLog(cell.folder);
  log.record(run.events.recorded);
  log.record(['bits.worse', 'copies', 'bits.worse'].map((alarm, i) => ({ key: `planted/${i}`, event: { type: 'alarm.raised', data: { round: 1, alarm, message: '' } } as const })));
  log.record([{ key: 'planted', event: { type: 'checkpoint.rejected', data: { round: 2, checkpoint: 'round-0002', gate: run.events.of('round.finished')[0]!.test, reasons: ['planted'] } } }]);
  log.close();
  return { cell, run };
}

describe("a cell's figures", () => {
  it('are those of its log and of its two audits', async () => {
    const { cell, run } = await ran();
    const figures = readFigures(cell, cell.folder, ROUNDS);
    const rows = run.events.of('round.finished');
    expect(figures).toMatchObject({ arm: 'loop', seed: 7 });
    expect(figures.rounds.map(({ round, validity, guards }) => [round, validity, guards])).toEqual(rows.map(({ round, test }) => [round, test.unconditional, test.guards]));
    expect(figures.rounds.map(({ refined, auc }) => [refined, auc])).toEqual(rows.map((row) => [row.validityAfterRefinement?.value ?? null, row.discriminatorAuc]));
    expect([figures.rounds[0]!.refined, typeof figures.rounds[1]!.refined]).toEqual([null, 'number']);

    const updates = run.events.of('policy.updated');
    expect(updates).toHaveLength(ROUNDS);
    expect([figures.steps, figures.tokens]).toEqual([updates[0]!.steps + updates[1]!.steps, updates[0]!.tokens + updates[1]!.tokens]);
    expect(figures.start).toBe(run.events.of('checkpoint.saved').find(({ round }) => round === 0)!.weightsHash);
    expect(figures.refused).toBe(1 + run.events.of('checkpoint.rejected').length);
    const raised = run.events.of('alarm.raised').map(({ alarm }) => alarm);
    const count = (name: string): number => raised.filter((alarm) => alarm === name).length;
    expect([figures.alarms['bits.worse'], figures.alarms['copies']]).toEqual([2 + count('bits.worse'), 1 + count('copies')]);

    for (const [which, round] of [['first', 0], ['last', ROUNDS]] as const) {
      const { prompts, ...audit } = readJson<Audit>(auditFile(cell.folder, round))!;
      expect(prompts).toHaveLength(3);
      expect(figures[which]).toEqual(audit);
      expect(promptsOf([cell, { ...cell, seed: 8, folder: temporaryFolder() }])).toEqual(new Map([[7, prompts]]));
    }
    expect(figures.first.again).toBeDefined();
  });

  it('are not made up where a measurement is missing', async () => {
    const { cell } = await ran();
    expect(() => readFigures(cell, cell.folder, ROUNDS + 1)).toThrow(/lacks the measurement of round 3; delete that folder/);
  });
});
