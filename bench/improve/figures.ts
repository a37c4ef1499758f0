/**
 * What the report is made from: one cell's figures, read from its run's event log and its two audits when it ends, as plain records.
 * Not here: statistics (report.ts).
 */
import type { Guards, Proportion } from '../../src/contracts/records.ts';
import { readJson } from '../../src/store/atomic.ts';
import { EventLogReader } from '../../src/store/event-log.ts';
import { completedRows } from '../../src/store/history.ts';
import { UsageError } from '../usage.ts';
import { auditFile, type Audit } from './audit.ts';
import type { Arm, Cell } from './settings.ts';

export interface RoundFigures {
  readonly round: number;
  readonly validity: Proportion;
  readonly guards: Guards;
  /** Of the round's training samples after repair: the policy before this round's update. */
  readonly refined: number | null;
  readonly auc: number | null;
}

/** The prompts are the same in every arm of a seed. */
export type AuditFigures = Omit<Audit, 'prompts'>;

export interface CellFigures {
  readonly arm: Arm;
  readonly seed: number;
  /** Round 0 first. */
  readonly rounds: readonly RoundFigures[];
  readonly first: AuditFigures;
  readonly last: AuditFigures;
  /** Hash of round 0's weights: arms of a seed that share their pretraining have the same. */
  readonly start: string;
  /** Optimizer steps of all rounds and the tokens that they saw. */
  readonly steps: number;
  readonly tokens: number;
  /** Rounds whose candidate the gate refused, or would have refused. */
  readonly refused: number;
  /** Alarm names, with the number of rounds that raised them. */
  readonly alarms: Readonly<Record<string, number>>;
}

/** Figures of a run of `rounds` rounds that has ended in `folder`, and of the audits that lie beside it. */
export function readFigures(cell: Cell, folder: string, rounds: number): CellFigures {
  const reader = new EventLogReader(folder);
  try {
    const [first, last] = [auditOf(cell, 0), auditOf(cell, rounds)];
    const updates = reader.query({ types: ['policy.updated'] }).map(({ data }) => data);
    const raised = reader.query({ types: ['alarm.raised'] }).map(({ data }) => data.alarm);
    return {
      arm: cell.arm, seed: cell.seed, first, last,
      rounds: completedRows(reader).map(({ round, test, validityAfterRefinement, discriminatorAuc }) => ({
        round, validity: test.unconditional, guards: test.guards, refined: validityAfterRefinement?.value ?? null, auc: discriminatorAuc,
      })),
      start: reader.query({ types: ['checkpoint.saved'], round: 0 })[0]?.data.weightsHash ?? '',
      steps: updates.reduce((sum, { steps }) => sum + steps, 0),
      tokens: updates.reduce((sum, { tokens }) => sum + tokens, 0),
      refused: reader.query({ types: ['checkpoint.rejected'] }).length,
      alarms: Object.fromEntries([...new Set(raised)].sort().map((name) => [name, raised.filter((other) => other === name).length])),
    };
  } finally {
    reader.close();
  }
}

/** The texts of the fixed prompts of each seed whose audits lie in the cells' folders: `cell.json` stands without them. */
export function promptsOf(cells: readonly Cell[]): Map<number, readonly string[]> {
  return new Map(cells.flatMap(({ folder, seed }) => {
    const audit = readJson<Audit>(auditFile(folder, 0));
    return audit ? [[seed, audit.prompts] as const] : [];
  }));
}

function auditOf({ folder }: Cell, round: number): AuditFigures {
  const audit = readJson<Audit>(auditFile(folder, round));
  if (!audit) throw new UsageError(`${folder} lacks the measurement of round ${round}; delete that folder and start the command again.`);
  const { prompts: _, ...figures } = audit;
  return figures;
}
