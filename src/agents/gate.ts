/**
 * The gate: measures the candidate's averaged weights on the gate split beside the promoted policy, both from the same random numbers, and promotes it or rolls back; measures the promoted policy
 * on the test split, which only tables and alarms read. The rule stands in promotion.ts. Samples drawn here are no training
 * data and are not recorded one by one: their figures are, and what became of each prompt.
 */
import type { Gate, GateDecision, Judged, LearnReport, Promotion } from '../contracts/agents.ts';
import type { Evaluator } from '../contracts/evaluator.ts';
import type { ModelHost, WeightsName } from '../contracts/model.ts';
import type { Document, Histogram, Measurement, PromptResult, Proportion, RoundRow } from '../contracts/records.ts';
import type { Config } from '../config/schema.ts';
import { measuredDocuments } from '../tasks/index.ts';
import { alarmBounds, alarmsOf, checksOf, histogramOf, measurement, median, type HeldOut } from '../metrics/index.ts';
import { during, type ActivityDeps } from './activity.ts';
import { judgeCandidate } from './promotion.ts';
import { judgedAhead } from './ahead.ts';
import { requestOf, sampleOf, type TaskSource } from './samples.ts';

/** The splits that are measured on. */
export type HeldOutSplit = 'gate' | 'test';

export interface GateDeps extends ActivityDeps {
  readonly model: Pick<ModelHost, 'generate' | 'bits' | 'promote' | 'rollback'>;
  readonly evaluator: Evaluator;
  readonly config: Pick<Config, 'sampling' | 'measuring'>;
  readonly tasks: TaskSource;
  /** All documents of a split; as many as `measuring.documents` are used. */
  readonly documents: (split: HeldOutSplit) => readonly Document[];
  /** Of a resumed run, both in order: what candidates and alarms are compared with. */
  readonly promotions?: readonly Promotion[];
  readonly rows?: readonly RoundRow[];
}

/** Validity is defined at temperature 1. */
const TEMPERATURE = 1;
/** Bins in which code tokens up to the longest completion are counted: the same in every round. */
const LENGTH_BINS = 32;

interface MeasuringPlan {
  readonly round: number;
  readonly split: HeldOutSplit;
  readonly weights: WeightsName;
  readonly unconditional: number;
  readonly prompted: number;
  /** Round 0 on the same split, once there is one. */
  readonly baseline: Measurement | undefined;
}

/** A measurement and the samples that it was taken on. */
interface Measured {
  readonly measurement: Measurement;
  readonly unconditional: readonly Judged[];
  readonly prompted: readonly Judged[];
}

interface HeldOutTexts {
  readonly texts: readonly string[];
  readonly codeTokens: readonly number[];
  readonly bytes: number;
  readonly bigrams: HeldOut['bigrams'];
}

export class MeasuringGate implements Gate {
  readonly #deps: GateDeps;
  /** By round, since an effect may be repeated: a round is compared with earlier ones only. */
  readonly #promotions = new Map<number, Measurement>();
  readonly #rows = new Map<number, RoundRow>();
  readonly #heldOut = new Map<HeldOutSplit, HeldOutTexts>();

  constructor(deps: GateDeps) {
    this.#deps = deps;
    for (const { round, gate } of deps.promotions ?? []) this.#promotions.set(round, gate);
    for (const row of deps.rows ?? []) this.#rows.set(row.round, row);
  }

  /**
   * Records `checkpoint.promoted` or `checkpoint.rejected` (key `round/<r>/gate`), `guards.checked` (key `guards/<r>/gate`) and an
   * `alarm.raised` a broken guard (key `alarm/<r>/<name>`).
   *
   * @throws Error when round 0 was not measured before.
   */
  async decide({ round, checkpoint }: { readonly round: number; readonly checkpoint: string }, signal?: AbortSignal): Promise<GateDecision> {
    const { model, events, config: { measuring } } = this.#deps;
    const earlier = [...this.#promotions].filter(([of]) => of < round).sort(([a], [b]) => a - b).map(([, gate]) => gate);
    const baseline = earlier[0];
    const promoted = earlier.at(-1);
    if (!baseline || !promoted) throw new Error('Round 0 must be measured before a candidate can be judged.');
    // Promotion looks at unconditional samples only, so no prompted ones are drawn.
    const before = await this.#sample({ round, split: 'gate', weights: 'promoted', prompted: false, count: measuring.gate }, signal);
    const { measurement: gate, unconditional } = await this.#measure({ round, split: 'gate', weights: 'average', unconditional: measuring.gate, prompted: 0, baseline }, signal);
    const valid = (judged: readonly Judged[]): boolean[] => judged.map(({ evaluation }) => evaluation.valid);
    const verdict = judgeCandidate(gate, promoted, baseline, { candidate: valid(unconditional), promoted: valid(before) });
    await (verdict.promoted ? model.promote() : model.rollback());
    signal?.throwIfAborted();
    if (verdict.promoted) this.#promotions.set(round, gate);
    const reasons = [...verdict.reasons];
    events.record([
      {
        key: `round/${round}/gate`,
        event: verdict.promoted
          ? { type: 'checkpoint.promoted', data: { round, checkpoint, gate } }
          : { type: 'checkpoint.rejected', data: { round, checkpoint, gate, reasons } },
      },
      { key: `guards/${round}/gate`, event: { type: 'guards.checked', data: { round, split: 'gate', checks: verdict.checks } } },
      ...verdict.broken.map((broken) => ({ key: `alarm/${round}/${broken.alarm}`, event: { type: 'alarm.raised' as const, data: { round, ...broken } } })),
    ]);
    return { promoted: verdict.promoted, reasons, alarms: verdict.broken.map(({ alarm }) => alarm), measurement: gate };
  }

  /**
   * Records `round.finished` (key `round/<r>/finished`), and before it what stands behind the row: `lengths.counted`, `prompts.measured`,
   * `guards.checked` and an `alarm.raised` an alarm of the test split; for the baseline also `checkpoint.promoted` of round 0 (key
   * `round/0/gate`), and no guards.
   */
  async measure(
    { round, checkpoint, outcome, refined, report }: {
      readonly round: number; readonly checkpoint: string; readonly outcome: RoundRow['outcome'];
      readonly refined: Proportion | null; readonly report: LearnReport | null;
    },
    signal?: AbortSignal,
  ): Promise<{ row: RoundRow; alarms: readonly string[]; gate?: Measurement }> {
    const { events, config: { measuring } } = this.#deps;
    let gate: Measurement | undefined;
    if (outcome === 'baseline') {
      ({ measurement: gate } = await this.#measure({ round, split: 'gate', weights: 'promoted', unconditional: measuring.gate, prompted: 0, baseline: undefined }, signal));
      this.#promotions.set(round, gate);
      events.record([{ key: `round/${round}/gate`, event: { type: 'checkpoint.promoted', data: { round, checkpoint, gate } } }]);
    }
    const baseline = round === 0 ? undefined : this.#rows.get(0)?.test;
    const measured = await this.#measure(
      { round, split: 'test', weights: 'promoted', unconditional: measuring.unconditional, prompted: measuring.prompted, baseline }, signal,
    );
    const { measurement: test } = measured;
    const row: RoundRow = {
      round, checkpoint, outcome, test,
      validityAfterRefinement: refined,
      meanReward: report?.meanReward ?? null,
      discriminatorAuc: report?.discriminatorAuc ?? null,
      discriminatorLoss: report?.discriminatorLoss ?? null,
    };
    this.#rows.set(round, row);
    const alarms = alarmsOf([...this.#rows.values()].filter((other) => other.round <= round).sort((a, b) => a.round - b.round));
    const checks = baseline ? checksOf(alarmBounds(test.guards, baseline.guards), test.guards, baseline.guards) : null;
    events.record([
      { key: `lengths/${round}`, event: { type: 'lengths.counted', data: { round, ...(await this.#lengths(measured.unconditional)) } } },
      { key: `prompts/${round}`, event: { type: 'prompts.measured', data: { round, results: measured.prompted.map(resultOf) } } },
      ...(checks ? [{ key: `guards/${round}/test`, event: { type: 'guards.checked' as const, data: { round, split: 'test' as const, checks } } }] : []),
      ...alarms.map((alarm) => ({ key: `alarm/${round}/${alarm.alarm}`, event: { type: 'alarm.raised' as const, data: { round, ...alarm } } })),
      { key: `round/${round}/finished`, event: { type: 'round.finished', data: row } },
    ]);
    return { row, alarms: alarms.map(({ alarm }) => alarm), ...(gate ? { gate } : {}) };
  }

  /**
   * One measurement. Few texts look far away from anything, so the structure divergence of every round is taken over as many texts as
   * round 0's was: with more valid samples in later rounds it would fall by itself.
   */
  async #measure({ round, split, weights, unconditional, prompted, baseline }: MeasuringPlan, signal?: AbortSignal): Promise<Measured> {
    const { model } = this.#deps;
    return during(this.#deps, { agent: 'gate', activity: `measure ${split}`, round, amount: unconditional + prompted }, async () => {
      const heldOut = await this.#heldOutOf(split, signal);
      const free = await this.#sample({ round, split, weights, prompted: false, count: unconditional }, signal);
      const headed = await this.#sample({ round, split, weights, prompted: true, count: prompted }, signal);
      const bits = (await model.bits(heldOut.texts, weights)).reduce((sum, value) => sum + value, 0);
      signal?.throwIfAborted();
      const taken = measurement({
        split, unconditional: free, prompted: headed, heldOut: { ...heldOut, bits }, baselineCount: baseline?.guards.validCount,
      });
      return { measurement: taken, unconditional: free, prompted: headed };
    });
  }

  /** Code tokens of the valid samples and of the test split's documents, in the same bins. */
  async #lengths(unconditional: readonly Judged[]): Promise<{ samples: Histogram; documents: Histogram; documentsMedian: number }> {
    const { codeTokens } = await this.#heldOutOf('test');
    const bins = { from: 0, width: Math.ceil(this.#deps.config.sampling.maxTokens / LENGTH_BINS), count: LENGTH_BINS };
    const samples = unconditional.flatMap(({ evaluation }) => (evaluation.valid ? [evaluation.counts.codeTokens] : []));
    return { samples: histogramOf(samples, bins), documents: histogramOf(codeTokens, bins), documentsMedian: median(codeTokens) };
  }

  async #sample(
    { round, split, weights, prompted, count }: { round: number; split: HeldOutSplit; weights: WeightsName; prompted: boolean; count: number },
    signal?: AbortSignal,
  ): Promise<Judged[]> {
    if (count === 0) return [];
    const { model, evaluator, config: { sampling }, tasks } = this.#deps;
    const drawn = tasks({ split, prompted, count, round });
    const key = `round/${round}/${split}/${prompted ? 'prompted' : 'unconditional'}`;
    const idOf = (index: number): string => `${key}/${weights}/${index}`;
    const completions = await judgedAhead(
      evaluator,
      (listener) => model.generate({ key, prompts: drawn.map(({ prompt }) => prompt), maxTokens: sampling.maxTokens, temperature: TEMPERATURE, weights }, listener),
      ({ index, text, finish }) => requestOf({ id: idOf(index), prompt: drawn[index]!.prompt, completion: text, finish }),
      signal,
    );
    signal?.throwIfAborted();
    const samples = drawn.map((task, i) => sampleOf(idOf(i), round, task, completions[i]!));
    const evaluations = await evaluator.evaluateMany(samples.map(requestOf), signal);
    return samples.map((sample, i) => ({ sample, evaluation: evaluations[i]! }));
  }

  async #heldOutOf(split: HeldOutSplit, signal?: AbortSignal): Promise<HeldOutTexts> {
    const known = this.#heldOut.get(split);
    if (known) return known;
    const { evaluator, documents, config: { measuring } } = this.#deps;
    const chosen = measuredDocuments(documents(split), measuring.documents);
    const evaluations = await evaluator.evaluateMany(
      chosen.map(({ id, text }) => ({ id, text, promptLength: 0, finish: 'stop' as const })), signal,
    );
    const heldOut: HeldOutTexts = {
      texts: chosen.map(({ text }) => text),
      codeTokens: evaluations.map(({ counts }) => counts.codeTokens),
      bytes: chosen.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
      bigrams: evaluations.map(({ bigrams }) => bigrams),
    };
    this.#heldOut.set(split, heldOut);
    return heldOut;
  }
}

const resultOf = ({ sample: { taskId, prompt, completion }, evaluation: { valid } }: Judged): PromptResult => ({ taskId, prompt, completion, valid });
