/** The library's door: everything a program, or the command line, may use. */
import type { ConfigInput } from './config/schema.ts';
import type { SourceEvaluator } from './contracts/evaluator.ts';
import type { Executor, ExecutorOptions } from './contracts/execution.ts';
import type { EvaluatorOptions, GenerateOptions, Library, TensorFlowSetup, TensorFlowSetupOptions } from './contracts/library.ts';
import { toMermaid } from './machines/graph.ts';
import { refinementMachine } from './machines/refinement.ts';
import { roundMachine } from './machines/round.ts';
import { runMachine } from './machines/run.ts';
import { trainingMachine } from './machines/training.ts';
import { createRun, openPolicy, RunError } from './main.ts';
import { openDashboard } from './processes/dashboard.ts';
import { doctor } from './processes/doctor.ts';
import { JudgePool } from './processes/judges.ts';
import { SandboxExecutor } from './processes/sandbox-executor.ts';
import { setupTensorFlow as setUp } from './processes/setup-tensorflow.ts';

export type * from './contracts/agents.ts';
export type * from './contracts/evaluator.ts';
export type * from './contracts/events.ts';
export type * from './contracts/execution.ts';
export type * from './contracts/library.ts';
export type * from './contracts/records.ts';
export type * from './contracts/safety.ts';
export type { Config, ConfigInput } from './config/schema.ts';
export { createInspector } from '../dashboard/bridge/index.ts';
export {
  evaluate, evaluateMany, indexCorpus, LINT_RULES, SAFETY_RULES,
  type CorpusIndex, type EvaluationOptions, type EvaluationReport, type TextInput,
} from './evaluator/index.ts';
export { noveltySummary, safetyTotals, vetoed, type NoveltySummary, type SafetyPolicy } from './metrics/index.ts';
export { createRun, doctor, RunError };

/** The project's evaluator, behind processes that can be killed: for untrusted text. Close it when it is no longer needed. */
export function openEvaluator({ judges = 1, corpus, safety }: EvaluatorOptions = {}): SourceEvaluator {
  return new JudgePool({ judges, ...(corpus ? { documents: corpus } : {}), ...(safety ? { safety } : {}) });
}

/** Runs programs behind a sandbox (docs/execution.md); refuses where there is none, unless `unsafe`. Close it when it is no longer needed. */
export function openExecutor(options: ExecutorOptions = {}): Executor {
  return new SandboxExecutor(options);
}

/** Compiles the `tensorflow` backend against the TensorFlow of a Python on this machine. */
export function setupTensorFlow(options: TensorFlowSetupOptions = {}): Promise<TensorFlowSetup> {
  return setUp(options);
}

/** Samples from a run's promoted policy: completions of a prompt, or texts from noise. @throws RangeError where the prompt leaves the policy no room. @throws StoreError where the run has saved no weights, or no generator from noise. */
export async function generate({ run, n, seed, ...how }: GenerateOptions): Promise<{ text: string; finish: 'stop' | 'length' }[]> {
  const { model, config: { model: { context } }, weights, countTokens, close } = await openPolicy(run, { latent: 'latent' in how });
  const common = { key: `command/${seed}`, maxTokens: context, weights };
  try {
    const given = 'prompt' in how ? countTokens(how.prompt) : 0;
    if (given >= context) throw new RangeError(`The prompt has ${given} tokens and leaves no room in the ${context} that the policy sees at once. Give it the end of the prompt only.`);
    const completions = 'latent' in how
      ? await model.generateLatent({ ...common, count: n })
      : await model.generate({ ...common, prompts: new Array<string>(n).fill(how.prompt), temperature: how.temperature, topK: how.topK ?? 0, topP: how.topP ?? 1 });
    return completions.map(({ text, finish }) => ({ text, finish }));
  } finally {
    await close();
  }
}

/** Mermaid text of every machine, by name. */
export function machineGraphs(): Record<string, string> {
  const machines = { run: runMachine, round: roundMachine, refinement: refinementMachine, training: trainingMachine };
  return Object.fromEntries(Object.entries(machines).map(([name, machine]) => [name, toMermaid(machine)]));
}

/** Serves the dashboard of a run, live or over. */
export async function startDashboard(folder: string, options: { readonly port?: number } = {}): Promise<{ url: string; close(): Promise<void> }> {
  const { url, close } = await openDashboard(folder, options);
  return { url, close };
}

// The command line is written against this contract; a mismatch shows here.
({ createRun, doctor, setupTensorFlow, openEvaluator, openExecutor, generate, machineGraphs, startDashboard }) satisfies Library<ConfigInput>;
