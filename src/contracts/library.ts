/**
 * The library's door: what src/index.ts offers to programs and to the command line. Types only; `Library` is generic in the
 * configuration because contracts import nothing.
 */
import type { Agents } from './agents.ts';
import type { Evaluator, SourceEvaluator } from './evaluator.ts';
import type { Executor, ExecutorOptions } from './execution.ts';
import type { Command, EventSink, LoggedEvent } from './events.ts';
import type { Excerpts, ModelHost } from './model.ts';
import type { Document, RoundRow, Split, Task } from './records.ts';
import type { SafetyOptions } from './safety.ts';

/** What agents of one's own may be made of: the built-in ones, and what those act through. */
export interface RunParts {
  readonly agents: Agents;
  readonly model: ModelHost;
  readonly evaluator: Evaluator;
  readonly events: EventSink;
  /** Tasks of a split, its documents, and what the policy reads besides those of `train`; all only once the run is prepared. */
  readonly tasks: (request: { readonly split: Split; readonly prompted: boolean; readonly count: number; readonly round: number }) => readonly Task[];
  readonly documents: (split: Split) => readonly Document[];
  readonly excerpts: () => Excerpts;
  /** A built-in learner and gate that act through another model host, which may change on the way what they ask for. */
  readonly through: (model: ModelHost) => Pick<Agents, 'learner' | 'gate'>;
}

export interface RunOptions {
  /** Agents of one's own instead of the built-in ones, or a function that makes them from what the run is made of. */
  readonly agents?: Partial<Agents> | ((parts: RunParts) => Partial<Agents>);
  /** An evaluator of one's own; over the configuration's `evaluator`. The caller closes it. */
  readonly evaluator?: Evaluator;
  /** Aborting it is the command `stop-now`. */
  readonly signal?: AbortSignal;
  /** Folder in which the run's own folder is made; default: `runs` in the working directory. */
  readonly folder?: string;
  /** The folder of an earlier run to go on with; then `folder` is not used. */
  readonly resume?: string;
  /** Default false: a program gets a dashboard when it asks for one. Port 0: any; a taken port: the next free one. */
  readonly dashboard?: boolean | { readonly port?: number };
}

/** How a run ended: its budget was used up, or someone asked. One that failed has no result. */
export interface RunResult {
  readonly folder: string;
  /** Rounds that are complete, round 0 not counted. */
  readonly rounds: number;
  readonly reason: string;
  /** Hash of the event log (store/event-log.ts). */
  readonly logHash: string;
  readonly weightsHash: string;
  /** One row a round, from round 0 on. */
  readonly table: readonly RoundRow[];
}

/**
 * A run. Iterating yields every event from the first on, those logged before a resumption included, and ends with the run;
 * each iteration begins anew.
 */
export interface Run extends AsyncIterable<LoggedEvent> {
  readonly folder: string;
  /** The address with its token, once the dashboard listens; null without one. Never rejects. */
  readonly dashboardUrl: Promise<string | null>;
  /** Runs to the end. Rejects when the run failed; its folder stays and can be resumed. Called again: the same promise. */
  start(): Promise<RunResult>;
  command(command: Command): void;
  /** Ends dashboard and child processes; stops the run first where it still goes on. */
  close(): Promise<void>;
}

export interface BackendReport {
  readonly name: string;
  readonly usable: boolean;
  /** Why not, or what is worth knowing. */
  readonly reason?: string;
  /** Trained tokens a second of one measured training step; only with `bench`. */
  readonly tokensPerSecond?: number;
}

export interface DoctorReport {
  /** A run can start here. */
  readonly ok: boolean;
  /** Node, disk, cache, judge, sandbox; `message` says what to do where `ok` is false. */
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly message: string; /** A run can start without it. */ readonly optional?: boolean }[];
  readonly backends: readonly BackendReport[];
  /** The backend that `auto` takes; null when none is usable. */
  readonly chosen: string | null;
}

export interface TensorFlowSetupOptions {
  /** A Python that has TensorFlow; default: OUROBOROS_PYTHON, else python3 or python on the PATH. */
  readonly python?: string;
  /** Told what is done, a line a step. */
  readonly onProgress?: (line: string) => void;
}

export interface TensorFlowSetup {
  readonly python: string;
  /** TensorFlow's. */
  readonly version: string;
  /** Path of the native part. */
  readonly addon: string;
  /** False where it was there already, made for this TensorFlow. */
  readonly compiled: boolean;
  /** How the backend computes now. */
  readonly detail: string;
}

export interface EvaluatorOptions {
  /** Judge processes, each about 250 MB; default 1. */
  readonly judges?: number;
  /** Texts by which copies and novelty are known. */
  readonly corpus?: readonly (string | { readonly name: string; readonly text: string })[];
  /** Rules of the safety filter; default: all of its own. */
  readonly safety?: SafetyOptions;
}

export type GenerateOptions = {
  /** Folder of the run whose promoted policy samples. */
  readonly run: string;
  readonly n: number;
  readonly seed: number;
} & (PromptedOptions | { /** From noise, by the generator that the learner latent-gan trains. */ readonly latent: true });

interface PromptedOptions {
  readonly prompt: string;
  readonly temperature: number;
  /** Only the so many likeliest tokens are drawn from; absent or 0: all. */
  readonly topK?: number;
  /** Only the fewest likeliest tokens that together have this probability, in (0, 1], are drawn from; absent or 1: all. */
  readonly topP?: number;
}

/** What src/index.ts exports, with `Config` the type of what a user writes. */
export interface Library<Config> {
  /** Makes the run's folder; nothing runs before `start`. Throws ConfigError or StoreError. */
  createRun(config: Config, options?: RunOptions): Run;
  doctor(options?: { readonly bench?: boolean }): Promise<DoctorReport>;
  /** Makes the `tensorflow` backend usable. Rejects with an error that says what is missing and what would help. */
  setupTensorFlow(options?: TensorFlowSetupOptions): Promise<TensorFlowSetup>;
  /** The project's evaluator, behind processes that can be killed. */
  openEvaluator(options?: EvaluatorOptions): SourceEvaluator | Promise<SourceEvaluator>;
  /** Runs programs behind a sandbox; refuses where there is none, unless `unsafe`. Starts nothing by itself. Throws ExecutorError. */
  openExecutor(options?: ExecutorOptions): Executor;
  generate(options: GenerateOptions): Promise<{ readonly text: string; readonly finish: 'stop' | 'length' }[]>;
  /** Mermaid text of every machine, by name. */
  machineGraphs(): Readonly<Record<string, string>>;
  startDashboard(folder: string, options?: { readonly port?: number }): Promise<{ readonly url: string; close(): Promise<void> }>;
}
