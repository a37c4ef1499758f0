/**
 * The command line without a process of its own: streams that remember, a library that is a script, and a run that plays the
 * events it is given into a real log.
 */
import { join } from 'node:path';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Command, HashedEvent, LoggedEvent, UnhashedEvent } from '../../src/contracts/events.ts';
import type { Library, Run, RunOptions, RunResult } from '../../src/contracts/library.ts';
import type { Evaluation, Proportion, RoundRow, Sample } from '../../src/contracts/records.ts';
import type { CliContext, ExitCode } from '../../src/cli/context.ts';
import { runCli } from '../../src/cli/program.ts';
import { EventLog } from '../../src/store/event-log.ts';
import { createRunFolder } from '../../src/store/run-folder.ts';
import { temporaryFolder } from '../store/temporary.ts';

export interface Invocation {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Terminal {
  readonly directory: string;
  /** What stands on the terminal so far. */
  readonly output: { stdout: string; stderr: string };
  readonly exits: ExitCode[];
  run(...argv: string[]): Promise<Invocation>;
  interrupt(): void;
  /** Resolves once `text` was written to stdout. */
  written(text: string): Promise<void>;
}

export function terminal(options: { library?: Partial<Library<ConfigInput>>; stdin?: string; isTTY?: boolean; directory?: string } = {}): Terminal {
  const output = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  const waiting = new Set<() => void>();
  const exits: ExitCode[] = [];
  const directory = options.directory ?? temporaryFolder();
  const context: CliContext = {
    stdout: {
      write: (text) => {
        output.stdout += text;
        for (const check of waiting) check();
      },
      isTTY: options.isTTY ?? false,
      columns: 100,
    },
    stderr: { write: (text) => void (output.stderr += text), columns: 100 },
    directory,
    env: { OUROBOROS_CACHE: join(directory, 'cache') },
    readStdin: async () => Buffer.from(options.stdin ?? ''),
    library: async () => {
      if (!options.library) throw new Error('This command has no business with the library.');
      return options.library as Library<ConfigInput>;
    },
    onInterrupt(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    exitNow: (code) => void exits.push(code),
  };
  return {
    directory,
    output,
    exits,
    async run(...argv) {
      output.stdout = output.stderr = '';
      const code = await runCli(argv, context);
      return { code, ...output };
    },
    interrupt: () => [...listeners].forEach((listener) => listener()),
    written: (text) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!output.stdout.includes(text)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

export type Step = { readonly key: string; readonly event: HashedEvent } | { readonly note: UnhashedEvent } | 'wait for a command';

/** A library whose runs play `steps`; at `wait for a command` they go on when a command came. */
export function playing(steps: readonly Step[], options: { fail?: string; url?: string } = {}): { library: Partial<Library<ConfigInput>>; calls: { config: ConfigInput; options: RunOptions | undefined }[]; commands: Command[]; closed: () => number } {
  const calls: { config: ConfigInput; options: RunOptions | undefined }[] = [];
  const commands: Command[] = [];
  let closed = 0;
  const createRun = (config: ConfigInput, runOptions?: RunOptions): Run => {
    calls.push({ config, options: runOptions });
    const folder = runOptions?.resume ?? createRunFolder(runOptions?.folder ?? temporaryFolder(), config);
    const log = new EventLog(folder);
    let told: () => void = () => {};
    const command = new Promise<void>((resolve) => (told = resolve));
    let ended!: () => void;
    const end = new Promise<void>((resolve) => (ended = resolve));
    const play = async (): Promise<RunResult> => {
      for (const step of steps) {
        if (step === 'wait for a command') await command;
        else if ('note' in step) log.note(step.note);
        else log.record([step]);
      }
      if (commands.length === 0 && !options.fail) log.record([{ key: 'run/finished', event: { type: 'run.finished', data: { rounds: 1, reason: 'rounds', weightsHash: 'w' } } }]);
      log.flush();
      ended();
      if (options.fail) throw new Error(options.fail);
      const table = log.query({ types: ['round.finished'] }).map((event) => event.data);
      return { folder, rounds: table.length - 1, reason: commands[0] ?? 'rounds', logHash: log.hash(), weightsHash: 'w', table };
    };
    return {
      folder,
      dashboardUrl: Promise.resolve(options.url ?? null),
      start: play,
      command: (name) => {
        commands.push(name);
        told();
      },
      close: async () => {
        closed++;
        log.close();
      },
      async *[Symbol.asyncIterator](): AsyncGenerator<LoggedEvent> {
        await end;
        yield* log.query({});
      },
    };
  };
  return { library: { createRun }, calls, commands, closed: () => closed };
}

export function proportion(successes: number, n: number): Proportion {
  return { successes, n, value: successes / n, low: successes / n - 0.02, high: successes / n + 0.02 };
}

export function row(round: number, validity: number, outcome: RoundRow['outcome'] = round === 0 ? 'baseline' : 'promoted'): RoundRow {
  const guards = { bitsPerByte: 1.557, tokens: 55, codeTokens: 25, distinctShapes: 169, validCount: 200, divergence: 0.089, repeatedLines: 0.004, similarLines: 0.02, bytesPerCodeToken: 6, empty: 0.02, copies: 0, renamedCopies: 0, selfBleu: 0.3, entropy: 1.2 };
  return {
    round,
    checkpoint: `round-${round}`,
    outcome,
    test: { split: 'test', unconditional: proportion(validity * 5, 500), prompted: proportion(validity * 4, 500), rulesGap: 0.01, guards },
    validityAfterRefinement: round === 0 ? null : proportion(validity * 6, 500),
    meanReward: round === 0 ? null : 0.4,
    discriminatorAuc: round === 0 ? null : 0.81,
    discriminatorLoss: round === 0 ? null : 0.5,
  };
}

export function sample(id: string, round: number, completion: string, more: Partial<Sample> = {}): Sample {
  return { id, taskId: `task-${id}`, kind: 'unconditional', round, attempt: 0, prompt: '', completion, finish: 'stop', ...more };
}

export function evaluation(id: string, valid: boolean, more: Partial<Evaluation> = {}): Evaluation {
  return {
    id,
    valid,
    ...(valid ? {} : { reason: 'syntax' as const }),
    rulesValid: valid,
    score: valid ? 1 : 0.5,
    findings: [],
    counts: { bytes: 10, lines: 2, codeTokens: 8, ownNodes: 6, repeatedLines: 0, similarLines: 0, docstring: false, maxNesting: 1, longestLine: 10 },
    shape: 's',
    bigrams: [],
    copy: false,
    ...more,
  };
}

/** A small run: round 0, round 1 with a failed sample, two valid revisions of it of which one is accepted, a copy and hostile text. */
export function smallRun(): Step[] {
  const broken = 'def f(x:\n    return x\n';
  const fault = { source: 'cpython' as const, kind: 'bracket.unclosed', message: "'(' was never closed", span: { start: 5, end: 6 }, line: 1, column: 5 };
  const created = (s: Sample): Step => ({ key: `sample/${s.id}`, event: { type: 'sample.created', data: s } });
  const judged = ({ bigrams: _bigrams, ...rest }: Evaluation): Step => ({ key: `evaluation/${rest.id}`, event: { type: 'evaluation.recorded', data: rest } });
  return [
    { key: 'run', event: { type: 'run.started', data: { seed: 1, configHash: 'c' } } },
    { key: 'corpus', event: { type: 'corpus.ready', data: { files: 559, bytes: 9_600_000, documents: { train: 900, gate: 50, test: 50 }, excerpts: 700, rejected: 3, licence: 'PSF-2.0', hash: 'h' } } },
    { note: { type: 'pretraining.progress', data: { step: 5, totalSteps: 12, loss: 4.5, tokensPerSecond: 20_000, secondsLeft: 61 } } },
    { note: { type: 'preview.created', data: { step: 6, text: 'def \u001b[31mred():\n    pass\n', valid: true } } },
    { key: 'round/0', event: { type: 'round.finished', data: row(0, 30) } },
    { key: 'round/1', event: { type: 'round.started', data: { round: 1 } } },
    created(sample('a', 1, 'def a():\n    return 1\n')),
    created(sample('b', 1, broken)),
    created(sample('c', 1, 'def copied():\n    return 2\n')),
    judged(evaluation('a', true)),
    judged(evaluation('b', false, { findings: [fault] })),
    judged(evaluation('c', true, { copy: true })),
    created(sample('b1', 1, 'pass\n', { parent: 'b', method: 'continue', attempt: 1 })),
    judged(evaluation('b1', true)),
    created(sample('b2', 1, 'def f(x):\n    return x\n', { parent: 'b', method: 'infill', attempt: 2 })),
    judged(evaluation('b2', true)),
    { key: 'round/1/refined', event: { type: 'refinement.finished', data: { round: 1, failed: 1, repaired: 1, accepted: ['b2'], after: proportion(3, 3) } } },
    { key: 'reward/a', event: { type: 'reward.recorded', data: { sampleId: 'a', value: 0.75, terms: {} } } },
    { key: 'round/1/end', event: { type: 'round.finished', data: row(1, 40) } },
    { note: { type: 'round.timed', data: { round: 1, seconds: 12.4, sampledTokensPerSecond: 8123, trainedTokensPerSecond: 9000 } } },
  ];
}

