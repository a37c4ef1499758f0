/** The library's door: everything a program, or the command line, may use. */
import type { ConfigInput } from './config/schema.ts';
import type { Evaluator } from './contracts/evaluator.ts';
import type { GenerateOptions, Library } from './contracts/library.ts';
import { toMermaid } from './machines/graph.ts';
import { refinementMachine } from './machines/refinement.ts';
import { roundMachine } from './machines/round.ts';
import { runMachine } from './machines/run.ts';
import { trainingMachine } from './machines/training.ts';
import { createRun, openPolicy, RunError } from './main.ts';
import { openDashboard } from './processes/dashboard.ts';
import { doctor } from './processes/doctor.ts';
import { JudgePool } from './processes/judges.ts';

export type * from './contracts/agents.ts';
export type * from './contracts/evaluator.ts';
export type * from './contracts/events.ts';
export type * from './contracts/library.ts';
export type * from './contracts/records.ts';
export type { Config, ConfigInput } from './config/schema.ts';
export { createInspector } from '../dashboard/bridge/index.ts';
export { createRun, doctor, RunError };

/** The project's evaluator, with so many judge processes (default 1). Close it when it is no longer needed. */
export function openEvaluator(options: { readonly judges?: number } = {}): Evaluator {
  return new JudgePool({ judges: options.judges ?? 1 });
}

/** Samples completions of a prompt from a run's promoted policy. */
export async function generate({ run, prompt, n, temperature, seed }: GenerateOptions): Promise<{ text: string; finish: 'stop' | 'length' }[]> {
  const policy = await openPolicy(run);
  try {
    const completions = await policy.model.generate({
      key: `command/${seed}`, prompts: new Array<string>(n).fill(prompt), maxTokens: policy.config.model.context, temperature, weights: policy.weights,
    });
    return completions.map(({ text, finish }) => ({ text, finish }));
  } finally {
    await policy.close();
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
({ createRun, doctor, openEvaluator, generate, machineGraphs, startDashboard }) satisfies Library<ConfigInput>;
