/**
 * What the page knows of the run, built from the log's records one by one, the same whether they come live or hours later. Memory is
 * bounded: old samples, bars and lines are let go. Not here: drawing, and the line to the server.
 */
import type { MachineDefinition, WireEvent } from '../../protocol.ts';
import { addRound, NO_PROMPTS, type PromptsView } from './prompts.ts';
import { Series } from './series.ts';
import type { CritiqueData, EvaluationData, EventData, RewardData, RoundRowData, SampleData } from './views.ts';

export const LIMITS = { samples: 3000, activities: 600, log: 300, previews: 30, transitions: 12, alarms: 500 } as const;

export interface SampleView {
  readonly seq: number;
  readonly sample: SampleData;
  readonly evaluation: EvaluationData | null;
  readonly critique: CritiqueData | null;
  readonly reward: RewardData | null;
  /** The sample that this one is a revision of, as it stood when the revision was made. */
  readonly parent: SampleView | null;
  /** This revision counted as a repair. */
  readonly accepted: boolean;
  /** A revision of this sample was accepted. */
  readonly repaired: boolean;
}

export interface Activity {
  readonly seq: number;
  readonly agent: string;
  readonly activity: string;
  readonly round: number | null;
  readonly amount: number;
  readonly start: number;
  /** Null while it goes on. */
  readonly end: number | null;
  /** The process ended before the work did. */
  readonly interrupted: boolean;
}

export interface TransitionView {
  readonly seq: number;
  readonly time: number;
  readonly actor: string;
  readonly from: string | null;
  readonly to: string;
  readonly event: string;
  /** Scalar fields of the machine's context behind it; empty where none was recorded. */
  readonly context: Readonly<Record<string, unknown>>;
}

export interface MachineView {
  readonly id: string;
  readonly definition: MachineDefinition | null;
  /** Oldest first. The last one's `to` is the machine's state. */
  readonly transitions: readonly TransitionView[];
}

export interface PreviewView {
  readonly seq: number;
  readonly time: number;
  readonly step: number;
  readonly text: string;
  readonly valid: boolean;
}

export interface PretrainingView {
  readonly step: number;
  readonly totalSteps: number;
  readonly loss: number | null;
  readonly tokensPerSecond: number | null;
  /** The moment it should end, by the last estimate; ms since the epoch. */
  readonly endsAt: number | null;
  readonly finished: boolean;
  readonly curve: { readonly x: readonly number[]; readonly y: readonly number[] };
}

export interface RoundView {
  readonly round: number;
  readonly row: RoundRowData;
  readonly timing: EventData['round.timed'] | null;
  readonly refinement: EventData['refinement.finished'] | null;
  readonly reasons: readonly string[];
  /** What follows is null in logs that were written before it was recorded, and the first three at round 0. */
  readonly gate: EventData['guards.checked'] | null;
  readonly test: EventData['guards.checked'] | null;
  readonly rewards: EventData['rewards.counted'] | null;
  readonly update: EventData['policy.updated'] | null;
  readonly lengths: EventData['lengths.counted'] | null;
  /** Null under learners that have no such generator. */
  readonly latent: EventData['latent.updated'] | null;
}

/** What belongs to a round beside its row. */
type Beside = Omit<RoundView, 'round' | 'row'>;
const NOTHING_BESIDE: Beside = { timing: null, refinement: null, reasons: [], gate: null, test: null, rewards: null, update: null, lengths: null, latent: null };

export interface RunView {
  /** Time of the first record since the run was last started or resumed. */
  readonly startedAt: number | null;
  /** Milliseconds that it was worked on before that. */
  readonly worked: number;
  readonly newestAt: number | null;
  readonly seed: number | null;
  readonly corpus: EventData['corpus.ready'] | null;
  readonly tokenizer: EventData['tokenizer.ready'] | null;
  readonly model: EventData['model.ready'] | null;
  /** Bytes of every token, hexadecimal; null until they are known, and in logs without them. */
  readonly vocabulary: readonly string[] | null;
  /** The round that goes on or went on last; null before the first. */
  readonly round: number | null;
  readonly outcome: { readonly reason: string; readonly failed: boolean } | null;
  /** The newest command that the run took. */
  readonly command: string | null;
}

export interface View {
  readonly run: RunView;
  readonly pretraining: PretrainingView;
  readonly rounds: readonly RoundView[];
  readonly prompts: PromptsView;
  readonly machines: readonly MachineView[];
  readonly activities: readonly Activity[];
  /** Newest first. */
  readonly samples: readonly SampleView[];
  readonly previews: readonly PreviewView[];
  readonly alarms: readonly EventData['alarm.raised'][];
  /** Oldest first. */
  readonly log: readonly WireEvent[];
}

type Section = keyof View;

const NO_RUN: RunView = { startedAt: null, worked: 0, newestAt: null, seed: null, corpus: null, tokenizer: null, model: null, vocabulary: null, round: null, outcome: null, command: null };
const NO_PRETRAINING = { step: 0, totalSteps: 0, loss: null, tokensPerSecond: null, endsAt: null, finished: false };

export class RunModel {
  #run: RunView = NO_RUN;
  #pretraining: Omit<PretrainingView, 'curve'> = NO_PRETRAINING;
  readonly #curve = new Series();
  readonly #rounds = new Map<number, RoundView>();
  readonly #pending = new Map<number, Partial<Beside>>();
  #prompts = NO_PROMPTS;
  readonly #machines = new Map<string, MachineView>();
  #activities: Activity[] = [];
  readonly #samples = new Map<string, SampleView>();
  #previews: PreviewView[] = [];
  #alarms: EventData['alarm.raised'][] = [];
  #log: WireEvent[] = [];
  readonly #dirty = new Set<Section>();
  #view: View = {
    run: NO_RUN,
    pretraining: { ...NO_PRETRAINING, curve: { x: [], y: [] } },
    rounds: [],
    prompts: NO_PROMPTS,
    machines: [],
    activities: [],
    samples: [],
    previews: [],
    alarms: [],
    log: [],
  };

  /** The picture after every record applied so far. Parts that did not change are the same objects as in the last picture. */
  view(): View {
    const build: { readonly [S in Section]: () => View[S] } = {
      run: () => this.#run,
      pretraining: () => ({ ...this.#pretraining, curve: this.#curve.points() }),
      rounds: () => [...this.#rounds.values()].sort((a, b) => a.round - b.round),
      prompts: () => this.#prompts,
      machines: () => [...this.#machines.values()],
      activities: () => [...this.#activities],
      samples: () => [...this.#samples.values()].reverse(),
      previews: () => [...this.#previews],
      alarms: () => [...this.#alarms],
      log: () => [...this.#log],
    };
    const fresh = Object.fromEntries([...this.#dirty].map((section) => [section, build[section]()]));
    this.#dirty.clear();
    this.#view = { ...this.#view, ...fresh };
    return this.#view;
  }

  /** Takes the next record. Types it does not know are shown in the log's tail and otherwise passed over. */
  apply(event: WireEvent): void {
    push(this.#log, event, LIMITS.log);
    this.#dirty.add('log');
    const handler = this.#handlers[event.type as keyof EventData] as ((data: unknown, event: WireEvent) => void) | undefined;
    handler?.(event.data, event);
    // Last: what a process left open ended when it was last heard of, not when the next one spoke.
    this.#setRun({ newestAt: event.time, startedAt: this.#run.startedAt ?? event.time });
  }

  readonly #handlers: { readonly [T in keyof EventData]: (data: EventData[T], event: WireEvent) => void } = {
    'run.started': ({ seed }, { time }) => this.#setRun({ seed, startedAt: time, outcome: null }),
    'run.resumed': (_, { time }) => {
      this.#interrupt(time);
      const { worked, startedAt, newestAt } = this.#run;
      this.#setRun({ worked: worked + (newestAt ?? time) - (startedAt ?? time), startedAt: time, outcome: null, command: null });
    },
    'run.finished': ({ reason }, { time }) => {
      this.#interrupt(time);
      this.#setRun({ outcome: { reason, failed: false } });
    },
    'run.failed': ({ message }, { time }) => {
      this.#interrupt(time);
      this.#setRun({ outcome: { reason: message, failed: true } });
    },
    'command.received': ({ command }) => this.#setRun({ command }),
    'corpus.ready': (corpus) => this.#setRun({ corpus }),
    'tokenizer.ready': (tokenizer) => this.#setRun({ tokenizer }),
    'model.ready': (model) => this.#setRun({ model }),
    'vocabulary.ready': ({ bytes }) => this.#setRun({ vocabulary: bytes }),
    'pretraining.step': ({ step, loss, totalSteps }) => {
      this.#curve.push(step + 1, loss);
      this.#setPretraining({ step: Math.max(step + 1, this.#pretraining.step), loss, totalSteps });
    },
    'pretraining.progress': ({ step, loss, totalSteps, tokensPerSecond, secondsLeft }, { time }) => {
      this.#setPretraining({ step: Math.max(step, this.#pretraining.step), loss, totalSteps, tokensPerSecond, endsAt: time + secondsLeft * 1000 });
    },
    'pretraining.finished': ({ steps }) => this.#setPretraining({ step: steps, totalSteps: Math.max(steps, this.#pretraining.totalSteps), finished: true, endsAt: null }),
    'preview.created': (preview, { seq, time }) => {
      push(this.#previews, { ...preview, seq, time }, LIMITS.previews);
      this.#dirty.add('previews');
    },
    'round.started': ({ round }) => this.#setRun({ round }),
    'refinement.finished': (refinement) => {
      for (const id of refinement.accepted) {
        this.#setSample(id, { accepted: true });
        const parent = this.#samples.get(id)?.sample.parent;
        if (parent !== undefined) this.#setSample(parent, { repaired: true });
      }
      this.#amend(refinement.round, { refinement });
    },
    'round.timed': (timing) => this.#amend(timing.round, { timing }),
    'rewards.counted': (rewards) => this.#amend(rewards.round, { rewards }),
    // Older logs do not say how much of an update was corpus.
    'latent.updated': (latent) => this.#amend(latent.round, { latent }),
    'policy.updated': (update) => this.#amend(update.round, { update: update.corpusTokens === undefined ? null : update }),
    'guards.checked': (checked) => this.#amend(checked.round, checked.split === 'gate' ? { gate: checked } : { test: checked }),
    'lengths.counted': (lengths) => this.#amend(lengths.round, { lengths }),
    'prompts.measured': (measured) => {
      this.#prompts = addRound(this.#prompts, measured);
      this.#dirty.add('prompts');
    },
    'checkpoint.rejected': ({ round, reasons }) => this.#amend(round, { reasons }),
    'round.finished': (row) => {
      this.#rounds.set(row.round, { round: row.round, row, ...NOTHING_BESIDE, ...this.#pending.get(row.round) });
      this.#pending.delete(row.round);
      this.#dirty.add('rounds');
    },
    'alarm.raised': (alarm) => {
      push(this.#alarms, alarm, LIMITS.alarms);
      this.#dirty.add('alarms');
    },
    'machine.defined': ({ machine, definition }) => this.#setMachine(machine, { definition }),
    'machine.transition': ({ machine, actor, from, to, event: cause, context = {} }, { seq, time }) => {
      const transitions = [...(this.#machines.get(machine)?.transitions ?? []), { seq, time, actor, from, to, event: cause, context }];
      this.#setMachine(machine, { transitions: transitions.slice(-LIMITS.transitions) });
    },
    'activity.started': ({ agent, activity, round, amount }, { seq, time }) => {
      push(this.#activities, { seq, agent, activity, round, amount, start: time, end: null, interrupted: false }, LIMITS.activities);
      this.#dirty.add('activities');
    },
    'activity.finished': ({ agent, activity, round, amount, seconds }, { seq, time }) => {
      this.#dirty.add('activities');
      const at = this.#activities.findLastIndex((bar) => bar.end === null && bar.agent === agent && bar.activity === activity);
      const started = this.#activities[at];
      if (started) this.#activities[at] = { ...started, end: time, amount };
      // Its start lies further back than what is kept, or was written by a process that died.
      else push(this.#activities, { seq, agent, activity, round, amount, start: time - seconds * 1000, end: time, interrupted: false }, LIMITS.activities);
    },
    'sample.created': (sample, { seq }) => {
      const parent = sample.parent === undefined ? null : this.#samples.get(sample.parent) ?? null;
      this.#samples.set(sample.id, { seq, sample, evaluation: null, critique: null, reward: null, parent, accepted: false, repaired: false });
      if (this.#samples.size > LIMITS.samples) this.#samples.delete(this.#samples.keys().next().value!);
      this.#dirty.add('samples');
    },
    'evaluation.recorded': (evaluation) => this.#setSample(evaluation.id, { evaluation }),
    'critique.recorded': (critique) => this.#setSample(critique.sampleId, { critique }),
    'reward.recorded': (reward) => this.#setSample(reward.sampleId, { reward }),
  };

  #setRun(change: Partial<RunView>): void {
    this.#run = { ...this.#run, ...change };
    this.#dirty.add('run');
  }

  #setPretraining(change: Partial<Omit<PretrainingView, 'curve'>>): void {
    this.#pretraining = { ...this.#pretraining, ...change };
    this.#dirty.add('pretraining');
  }

  #setMachine(id: string, change: Partial<MachineView>): void {
    this.#machines.set(id, { definition: null, transitions: [], ...this.#machines.get(id), ...change, id });
    this.#dirty.add('machines');
  }

  /** Nothing where the sample was let go already. */
  #setSample(id: string, change: Partial<SampleView>): void {
    const old = this.#samples.get(id);
    if (!old) return;
    this.#samples.set(id, { ...old, ...change });
    this.#dirty.add('samples');
  }

  /** What belongs to a round may be logged before or after its row. */
  #amend(round: number, change: Partial<Beside>): void {
    const view = this.#rounds.get(round);
    if (view) this.#rounds.set(round, { ...view, ...change });
    else this.#pending.set(round, { ...this.#pending.get(round), ...change });
    this.#dirty.add('rounds');
  }

  /** Work that was going on when a process ended did not end by itself. */
  #interrupt(time: number): void {
    this.#activities = this.#activities.map((bar) => (bar.end === null ? { ...bar, end: Math.max(bar.start, this.#run.newestAt ?? time), interrupted: true } : bar));
    this.#dirty.add('activities');
  }
}

function push<T>(list: T[], item: T, limit: number): void {
  list.push(item);
  if (list.length > limit) list.splice(0, list.length - limit);
}
