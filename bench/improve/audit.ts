/**
 * The last measurement: the promoted policy of round 0 and of the last round on the test split, sample by sample, so that arms can be
 * compared in pairs, and the coverage of a fixed set of prompts. It stands round the gate, where the run's models and judge are at hand,
 * and writes one file a round into the cell's folder before the round ends; nothing of it reaches the run's log or its learner.
 */
import { join } from 'node:path';
import { requestOf, sampleOf } from '../../src/agents/samples.ts';
import type { Gate, Judged, RunParts } from '../../src/index.ts';
import type { Measurement, Task } from '../../src/contracts/records.ts';
import { distinctShapes, measurement, median, repeatedLines, structureDivergence } from '../../src/metrics/index.ts';
import { readJson, writeJsonAtomic } from '../../src/store/atomic.ts';
import type { AuditSizes } from './settings.ts';

/** What the held-out documents themselves are like: what the guards are compared with. */
export interface HeldOutFigures {
  readonly documents: number;
  readonly codeTokens: number;
  readonly distinctShapes: number;
  readonly repeatedLines: number;
  /** Structure divergence of one half from the other: what no sample can be expected to undercut. */
  readonly divergence: number;
}

/** Samples of the fixed prompts: of `n` each, how many are valid and not trivial. */
export interface Coverage {
  readonly n: number;
  readonly solved: readonly number[];
}

export interface Audit {
  readonly round: number;
  /** Unconditional, T=1, unconstrained, unrefined; 1 for a valid sample, in the order of the tasks. */
  readonly valid: readonly (0 | 1)[];
  /** Guards and rules-minus-judge gap over the same samples; `prompted` is over the samples of the fixed prompts. */
  readonly measurement: Measurement;
  readonly prompts: readonly string[];
  readonly coverage: Coverage;
  readonly heldOut: HeldOutFigures;
  /** Round 0 only: the same policy drawn a second time, which shows the prompts gained and lost by chance. */
  readonly again?: Coverage;
}

export const auditFile = (folder: string, round: number): string => join(folder, `audit-${String(round).padStart(4, '0')}.json`);

/** Samples asked for in one call: enough to keep the decoder busy. */
const CHUNK = 1024;

/** The gate `inner`, which also audits round 0 and round `last`. An audit that lies there already is not made again. */
export function auditing(inner: Gate, parts: Pick<RunParts, 'model' | 'evaluator' | 'tasks' | 'documents'>, options: { readonly folder: string; readonly last: number; readonly sizes: AuditSizes; readonly maxTokens: number }): Gate {
  const { folder, last, sizes, maxTokens } = options;
  return {
    decide: (input, signal) => inner.decide(input, signal),
    measure: async (input, signal) => {
      const { round } = input;
      if ((round === 0 || round === last) && readJson(auditFile(folder, round)) === null) {
        writeJsonAtomic(auditFile(folder, round), await audit(round, parts, { folder, sizes, maxTokens }, signal));
      }
      return inner.measure(input, signal);
    },
  };
}

async function audit(
  round: number,
  { model, evaluator, tasks, documents }: Pick<RunParts, 'model' | 'evaluator' | 'tasks' | 'documents'>,
  { folder, sizes, maxTokens }: { readonly folder: string; readonly sizes: AuditSizes; readonly maxTokens: number },
  signal?: AbortSignal,
): Promise<Audit> {
  const draw = async (drawn: readonly Task[], name: string): Promise<Judged[]> => {
    const judged: Judged[] = [];
    for (let at = 0; at < drawn.length; at += CHUNK) {
      const chunk = drawn.slice(at, at + CHUNK);
      const key = `audit/${round}/${name}/${at}`;
      const completions = await model.generate({ key, prompts: chunk.map(({ prompt }) => prompt), maxTokens, temperature: 1, weights: 'promoted' });
      signal?.throwIfAborted();
      const samples = chunk.map((task, i) => sampleOf(`${key}/${i}`, round, task, completions[i]!));
      const evaluations = await evaluator.evaluateMany(samples.map(requestOf), signal);
      judged.push(...samples.map((sample, i) => ({ sample, evaluation: evaluations[i]! })));
    }
    return judged;
  };
  const prompted = tasks({ split: 'test', prompted: true, count: sizes.prompts, round });
  const repeated = prompted.flatMap((task) => new Array<Task>(sizes.perPrompt).fill(task));
  const coverageOf = (judged: readonly Judged[]): Coverage => ({
    n: sizes.perPrompt,
    solved: prompted.map((_, p) => judged.slice(p * sizes.perPrompt, (p + 1) * sizes.perPrompt).filter(({ evaluation }) => evaluation.valid).length),
  });

  const free = await draw(tasks({ split: 'test', prompted: false, count: sizes.unconditional, round }), 'unconditional');
  const headed = await draw(repeated, 'coverage');
  const again = round === 0 ? coverageOf(await draw(repeated, 'coverage-again')) : undefined;

  // Ordered by id, a hash of the text, so that what comes first says nothing about it.
  const chosen = documents('test').toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)).slice(0, sizes.documents);
  const texts = chosen.map(({ text }) => text);
  const evaluations = await evaluator.evaluateMany(chosen.map(({ id, text }) => ({ id, text, promptLength: 0, finish: 'stop' as const })), signal);
  const bits = (await model.bits(texts, 'promoted')).reduce((sum, value) => sum + value, 0);
  const bigrams = evaluations.map((evaluation) => evaluation.bigrams);
  // Few texts look far away from anything: every round of every arm is compared over as many texts as round 0 had valid ones.
  const start = round === 0 ? free.filter(({ evaluation }) => evaluation.valid).length : readJson<Audit>(auditFile(folder, 0))?.measurement.guards.validCount;
  const heldOut = { bits, bytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0), bigrams };
  const half = Math.floor(bigrams.length / 2);
  return {
    round,
    valid: free.map(({ evaluation }) => (evaluation.valid ? 1 : 0)),
    measurement: measurement({ split: 'test', unconditional: free, prompted: headed, heldOut, baselineCount: start }),
    prompts: prompted.map(({ prompt }) => prompt),
    coverage: coverageOf(headed),
    heldOut: {
      documents: texts.length,
      codeTokens: median(evaluations.map(({ counts }) => counts.codeTokens)),
      distinctShapes: distinctShapes(evaluations.map(({ shape }) => shape)),
      repeatedLines: repeatedLines(evaluations.map(({ counts }) => ({ lines: counts.lines, share: counts.repeatedLines }))),
      divergence: structureDivergence(bigrams.slice(0, half), bigrams.slice(half)),
    },
    ...(again ? { again } : {}),
  };
}
