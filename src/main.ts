/**
 * The composition root of a run: makes the store, the processes and the agents, hands the agents to the machines, and offers the
 * whole as a `Run`. It decides nothing: machines decide, agents act, models compute.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createActor, waitFor, type ActorRefFrom } from 'xstate';
import { RecordingCloser } from './agents/closer.ts';
import { JoiningCritic } from './agents/critic.ts';
import { MeasuringGate } from './agents/gate.ts';
import { PolicyGenerator } from './agents/generator.ts';
import { RoundLearner } from './agents/learner/learner.ts';
import { latentPlan, pretrainPlan, RunPreparer } from './agents/preparer.ts';
import { bestMeasured, ChunkedPretrainer, type PretrainingRecord } from './agents/pretrainer.ts';
import { PointedRefiner } from './agents/refiner.ts';
import type { TaskSource } from './agents/samples.ts';
import { PausableClock, RoundTimer } from './agents/timing.ts';
import { configHash, ConfigError, parseConfig } from './config/load.ts';
import type { Config, ConfigInput } from './config/schema.ts';
import type { Agents } from './contracts/agents.ts';
import type { Evaluator } from './contracts/evaluator.ts';
import type { Command, LoggedEvent } from './contracts/events.ts';
import type { Run, RunOptions, RunParts, RunResult } from './contracts/library.ts';
import type { ModelHost, StepReport } from './contracts/model.ts';
import { createInspector } from '../dashboard/bridge/index.ts';
import { readability } from './evaluator/index.ts';
import { messageOf } from './machines/effect.ts';
import { provideAgents } from './machines/provide.ts';
import type { runMachine } from './machines/run.ts';
import { vetoed } from './metrics/index.ts';
import { loadTokenizer, SPECIAL_IDS } from './models/tokenizer/index.ts';
import { openDashboard, type OpenDashboard } from './processes/dashboard.ts';
import { JudgePool } from './processes/judges.ts';
import { startModelHost, type RunningModelHost } from './processes/model-host.ts';
import { writeJsonAtomic, readJson } from './store/atomic.ts';
import { Cache } from './store/cache.ts';
import { canonicalHash } from './store/canonical.ts';
import { Checkpoints } from './store/checkpoints.ts';
import { CommandQueue } from './store/commands.ts';
import { EventLog, EventLogReader } from './store/event-log.ts';
import { acceptedSamples, completedRows, measuredBits, promotionsOf, replayBuffer, secondsSpent } from './store/history.ts';
import { StoreError } from './store/errors.ts';
import { claimRun, createRunFolder, readRunConfig, runOwner } from './store/run-folder.ts';
import { promptedTasks, unconditionalTasks } from './tasks/index.ts';

/** Pretraining steps between two safe points: about a second of work. */
const CHUNK_STEPS = 10;
const REPLAY_ROUNDS = 2;
const COMMANDS_EVERY_MS = 200;
const TOKENIZER_FILE = 'tokenizer.json';

/** Why a run did not end well; the message is what the machines say, the cause what the effect that failed threw. */
export class RunError extends Error {
  override readonly name = 'RunError';
}

/** Makes the run's folder; nothing runs before `start`. Throws ConfigError or StoreError. */
export function createRun(input: ConfigInput, options: RunOptions = {}): Run {
  const folder = options.resume === undefined ? createRunFolder(options.folder ?? 'runs', parseConfig(input)) : resolve(options.resume);
  return new ImproveRun(folder, parseConfig(readRunConfig(folder)), options);
}

/** The evaluator that a configuration names: a module whose default export makes one. @throws ConfigError */
async function userEvaluator(path: string): Promise<Evaluator> {
  let evaluator: Evaluator;
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: () => Evaluator | Promise<Evaluator> };
    if (typeof module.default !== 'function') throw new TypeError('it has no default export that is a function and returns an Evaluator');
    evaluator = await module.default();
  } catch (error) {
    throw new ConfigError(`The evaluator ${path} cannot be used: ${messageOf(error)}.`, { cause: error });
  }
  const lacking = (['evaluateMany', 'close'] as const).filter((method) => typeof (evaluator as Partial<Evaluator> | undefined)?.[method] !== 'function');
  if (lacking.length > 0) throw new ConfigError(`The evaluator ${path} cannot be used: what its default export returns has no ${lacking.join(' and no ')}.`);
  return evaluator;
}

class ImproveRun implements Run {
  readonly dashboardUrl: Promise<string | null>;
  readonly #options: RunOptions;
  readonly #config: Config;
  readonly #log: EventLog;
  readonly #release: () => void;
  readonly #dashboard: Promise<OpenDashboard | null>;
  readonly #closers: (() => void | Promise<void>)[] = [];
  /** A run that is paused spends none of its minutes. */
  readonly #worked = new PausableClock(() => performance.now());
  #actor: ActorRefFrom<typeof runMachine> | null = null;
  #started: Promise<RunResult> | null = null;
  #ended = false;
  /** Known once the models are. */
  #spareCores = false;
  #early: Command[] = [];
  #news: (() => void)[] = [];

  constructor(readonly folder: string, config: Config, options: RunOptions) {
    this.#options = options;
    this.#config = config;
    this.#release = claimRun(folder);
    try {
      this.#log = new EventLog(folder);
    } catch (error) {
      this.#release();
      throw error;
    }
    this.#dashboard = this.#openDashboard();
    this.dashboardUrl = this.#dashboard.then((dashboard) => dashboard?.url ?? null);
    this.#log.onNews(() => this.#wake());
    const signal = options.signal;
    signal?.addEventListener('abort', () => this.command('stop-now'), { once: true });
    if (signal?.aborted) this.#early.push('stop-now');
  }

  async #openDashboard(): Promise<OpenDashboard | null> {
    const { dashboard } = this.#options;
    if (!dashboard) return null;
    try {
      return await openDashboard(this.folder, typeof dashboard === 'object' ? dashboard : {});
    } catch (error) {
      // A run is worth finishing without a dashboard; the log tells why there is none.
      this.#log.note({ type: 'process.changed', data: { process: 'dashboard', pid: null, state: 'crashed', message: messageOf(error) } });
      return null;
    }
  }

  start(): Promise<RunResult> {
    this.#started ??= this.#run().finally(() => this.#end());
    return this.#started;
  }

  /** From here on nobody works on the run: its dashboard may stay and says so, and another process may resume it. */
  #end(): void {
    this.#ended = true;
    try {
      this.#log.flush();
    } catch {
      // The run's own end is what its caller hears of; `close` tries again and says it.
    }
    this.#release();
    this.#wake();
  }

  command(command: Command): void {
    if (this.#ended) return;
    if (!this.#actor) return void this.#early.push(command);
    this.#log.note({ type: 'command.received', data: { command } });
    this.#actor.send({ type: `command.${command}` });
  }

  async *[Symbol.asyncIterator](): AsyncIterator<LoggedEvent> {
    const reader = new EventLogReader(this.folder);
    let seq = 0;
    try {
      for (;;) {
        const ended = this.#ended;
        for (let events = reader.after(seq); events.length > 0; events = reader.after(seq)) {
          for (const event of events) yield event;
          seq = events.at(-1)!.seq;
        }
        if (ended) return;
        await new Promise<void>((wake) => (this.#ended ? wake() : this.#news.push(wake)));
      }
    } finally {
      reader.close();
    }
  }

  #wake(): void {
    for (const wake of this.#news.splice(0)) wake();
  }

  async close(): Promise<void> {
    if (this.#started && !this.#ended) {
      this.command('stop-now');
      await this.#started.catch(() => {});
    }
    try {
      await (await this.#dashboard)?.close();
      await this.#cleanUp();
      this.#log.close();
    } finally {
      this.#release();
    }
  }

  async #cleanUp(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #run(): Promise<RunResult> {
    const { agents: given, evaluator: own } = this.#options;
    const config = this.#config;
    const log = this.#log;
    const begun = this.#worked.read();
    const before = secondsSpent(log);
    const dashboard = await this.#dashboard;
    if (dashboard) log.onNews(() => dashboard.notify());

    const rows = completedRows(log);
    // A finished run that is asked for again only tells its end again.
    if (log.has('run/started') && !log.has('run/finished')) log.note({ type: 'run.resumed', data: { fromRound: rows.length } });
    log.record([{ key: 'run/started', event: { type: 'run.started', data: { seed: config.seed, configHash: configHash(config) } } }]);

    let evaluator = own;
    if (!own && config.evaluator !== undefined) {
      const named = await userEvaluator(config.evaluator).catch((error: unknown) => {
        log.note({ type: 'run.failed', data: { message: messageOf(error) } });
        throw error;
      });
      this.#closers.push(() => named.close());
      evaluator = named;
    }
    const judges = new JudgePool({ judges: config.judges, worksAhead: () => this.#spareCores, safety: { disable: config.safety.disable, add: config.safety.add }, onProcess: (data) => log.note({ type: 'process.changed', data }) });
    this.#closers.push(() => judges.close());
    const model = this.#startModelHost();
    const parts = this.#parts(model, judges, evaluator ?? judges);
    const agents = { ...parts.agents, ...(typeof given === 'function' ? given(parts) : given) };
    let failure: unknown;
    const machine = provideAgents({
      agents,
      ended: (error) => { failure = error; },
      minutes: () => (before + (this.#worked.read() - begun) / 1000) / 60,
      retried: (data) => log.note({ type: 'effect.retried', data }),
    });
    const actor = createActor(machine, {
      id: 'run',
      input: { budget: config.budget, attempts: config.refinement.attempts, chunkSteps: CHUNK_STEPS },
      inspect: createInspector({ note: (event) => log.note(event) }),
    });
    actor.subscribe(({ context: { paused } }) => (paused ? this.#worked.pause() : this.#worked.resume()));
    this.#actor = actor;
    const commands = new CommandQueue(this.folder);
    const timer = setInterval(() => {
      try {
        for (const command of commands.takeCommands()) this.command(command);
      } catch (error) {
        // What was asked waits in its table: the next look may find the disk or the lock free again.
        if (!(error instanceof StoreError)) throw error;
      }
    }, COMMANDS_EVERY_MS);
    this.#closers.push(() => {
      clearInterval(timer);
      commands.close();
    });
    try {
      actor.start();
      for (const command of this.#early.splice(0)) this.command(command);
      const { output } = await waitFor(actor, (snapshot) => snapshot.status !== 'active', { timeout: Number.POSITIVE_INFINITY });
      if (!output) throw new RunError('The run machine broke; the event log tells where.');
      if (output.status === 'failed') {
        log.note({ type: 'run.failed', data: { message: output.reason } });
        throw new RunError(output.reason, { cause: failure });
      }
      log.flush();
      await this.#cleanUp();
      return { folder: this.folder, rounds: output.rounds, reason: output.reason, logHash: log.hash(), weightsHash: weightsHash(log), table: output.rows };
    } catch (error) {
      // What failed first is what counts, whatever fails on the way out.
      await this.#cleanUp().catch(() => {});
      throw error;
    }
  }

  #startModelHost(): RunningModelHost {
    const log = this.#log;
    const model = startModelHost({
      onExit: ({ code, signal, expected }) => {
        if (expected) return;
        log.note({ type: 'process.changed', data: { process: 'model host', pid: model.pid ?? null, state: 'crashed', message: `exit ${signal ?? code}` } });
      },
    });
    log.note({ type: 'process.changed', data: { process: 'model host', pid: model.pid ?? null, state: 'started' } });
    this.#closers.push(() => model.kill());
    return model;
  }

  #parts(model: RunningModelHost, judges: JudgePool, evaluator: Evaluator): RunParts {
    const config = this.#config;
    const log = this.#log;
    const clock = (): number => performance.now();
    const events = new RoundTimer(log, this.#worked.read);
    const checkpoints = new Checkpoints(this.folder);
    checkpoints.clean();
    const cache = new Cache();
    const base = { events, clock, config, model, evaluator };

    const rows = completedRows(log);
    const promotions = promotionsOf(log);
    const preparer = new RunPreparer({
      ...base, finder: judges,
      kept: {
        async json<T>(kind: string, key: unknown, make: () => Promise<T>): Promise<T> {
          const known = cache.get(kind, key);
          const stored = known === null ? null : readJson<{ value: T }>(join(known, 'value.json'));
          if (stored) return stored.value;
          const value = await make();
          await cache.put(kind, key, async (folder) => writeFileSync(join(folder, 'value.json'), JSON.stringify({ value })));
          return value;
        },
        folder: async (kind, key, make) => cache.get(kind, key) ?? (await cache.put(kind, key, make)),
        find: (kind, key) => cache.get(kind, key),
      },
      past: { rows, promotions, pretraining: newestPretraining(checkpoints), measured: measuredBits(log), folderOf: (checkpoint) => checkpoints.verified(checkpoint) },
      tokenCounter,
      hash: canonicalHash,
    });
    const tasks: TaskSource = ({ split, prompted, count, round }) => {
      if (!prompted) return unconditionalTasks(split, round, count);
      const { documents, countTokens } = preparer.set;
      return promptedTasks(documents[split], split, round, count, config.seed, { countTokens, maxPromptTokens: Math.floor(config.model.context / 2) });
    };
    const save = async (name: string, round: number | null, state: unknown = null): Promise<string> => {
      const hash = await model.save(checkpoints.prepare(name));
      await checkpoints.complete(name, { round, weightsHash: hash, state });
      const promoted = log.query({ types: ['checkpoint.promoted'] }).map(({ data }) => data);
      const best = promoted.toSorted((a, b) => b.gate.unconditional.value - a.gate.unconditional.value)[0];
      // Pretraining that patience ends goes back to its best weights.
      const measured = config.pretraining.patience > 0 && promoted.length === 0 ? bestMeasured(measuredBits(log)) : undefined;
      checkpoints.retain({ keep: config.keepCheckpoints, always: [...[best, promoted.at(-1)].flatMap((kept) => kept?.checkpoint ?? []), ...(measured ? [pretrainingCheckpoint(measured.step)] : [])] });
      return hash;
    };
    const documents: RunParts['documents'] = (split) => preparer.set.documents[split];
    const pretrainer = new ChunkedPretrainer({
      ...base, heldOut: () => documents('gate'), measured: () => measuredBits(log),
      save: (step) => save(pretrainingCheckpoint(step), null, { step }),
      restore: async (step) => model.load(await checkpoints.verified(pretrainingCheckpoint(step))),
    });
    const learnerThrough = (host: ModelHost): RoundLearner => new RoundLearner({
      ...base, model: host, save, endOfText: SPECIAL_IDS.endOfText,
      real: () => preparer.set.real,
      accepted: (round, least) => acceptedSamples(log, round, least, (evaluation) => !vetoed(evaluation, config.safety)),
      replay: async (round) => {
        const buffer = replayBuffer(log, round, REPLAY_ROUNDS);
        const evaluations = await judges.evaluateMany(buffer.map(({ id, text }) => ({ id, text, promptLength: 0, finish: 'stop' as const })));
        return evaluations.map(({ bigrams }) => ({ bigrams }));
      },
    });
    const gateThrough = (host: ModelHost): MeasuringGate => new MeasuringGate({ ...base, model: host, tasks, documents, promotions, rows });
    const learner = learnerThrough(model);
    const agents: Agents = {
      preparer: {
        prepare: async (input, signal) => {
          const preparation = await preparer.prepare(input, signal);
          this.#spareCores = hasSpareCores(config, log);
          // The run's folder stands by itself: the cache may be cleared while it is still of use.
          cpSync(preparer.set.tokenizer, join(this.folder, TOKENIZER_FILE));
          return preparation;
        },
      },
      pretrainer: {
        advance: pretrainer.advance.bind(pretrainer),
        async finish(input, signal) {
          const finished = await pretrainer.finish(input, signal);
          await keepPretraining(cache, preparer.pretrainingKey, checkpoints.path(pretrainingCheckpoint(input.step)), log);
          await learner.warmUp(signal);
          return finished;
        },
      },
      generator: new PolicyGenerator({ ...base, tasks }),
      critic: new JoiningCritic({ ...base, readability: ({ evaluation }) => evaluation.quality?.readability ?? readability(evaluation.counts) }),
      refiner: new PointedRefiner(base),
      learner,
      gate: gateThrough(model),
      closer: new RecordingCloser({ events, weightsHash: () => weightsHash(log) }),
    };
    return { agents, model, evaluator, events, tasks, documents, excerpts: () => preparer.set.excerpts, through: (host) => ({ learner: learnerThrough(host), gate: gateThrough(host) }) };
  }
}

/**
 * Whether the machine has cores to judge on while the model host samples: judging beside two decoding threads on two cores takes a fifth longer
 * than one after the other (docs/performance.md).
 */
function hasSpareCores({ threads }: Config, log: EventLog): boolean {
  const cores = availableParallelism();
  const backend = log.query({ types: ['model.ready'] }).at(-1)?.data.backend;
  return backend === 'onnx:webgpu' || backend === 'onnx:cuda' || (threads || cores) < cores;
}

function tokenCounter(path: string): (text: string) => number {
  const tokenizer = loadTokenizer(path);
  return (text) => tokenizer.count(text);
}

/** Hash of the last checkpoint's weights. */
function weightsHash(log: EventLog): string {
  return log.query({ types: ['checkpoint.saved'] }).at(-1)?.data.weightsHash ?? '';
}

const pretrainingCheckpoint = (step: number): string => `pretraining-${String(step).padStart(6, '0')}`;

function newestPretraining(checkpoints: Checkpoints): { checkpoint: string; step: number } | null {
  const manifest = checkpoints.list().filter(({ name }) => name.startsWith('pretraining-')).at(-1);
  return manifest ? { checkpoint: manifest.name, step: (manifest.state as { step: number }).step } : null;
}

/** Finished pretraining goes into the cache, its record with it, so that the next run of these settings begins where it ended. Where the cache cannot be written it does not. */
async function keepPretraining(cache: Cache, key: unknown, checkpoint: string, log: EventLog): Promise<void> {
  if (cache.get('pretraining', key)) return;
  const steps = log.query({ types: ['pretraining.step'] }).map(({ data: { totalSteps: _total, ...report } }): StepReport => report);
  const record: PretrainingRecord = { steps, measured: measuredBits(log) };
  try {
    await cache.put('pretraining-record', key, async (folder) => writeJsonAtomic(join(folder, 'value.json'), { value: record }));
    await cache.put('pretraining', key, async (folder) => {
      mkdirSync(join(folder, 'weights'));
      cpSync(checkpoint, join(folder, 'weights'), { recursive: true });
    });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

export interface OpenPolicy {
  readonly model: RunningModelHost;
  readonly config: Config;
  /** Which weights are the run's best word: the promoted ones, or those in training before round 0 was measured. */
  readonly weights: 'promoted' | 'raw';
  countTokens(text: string): number;
  close(): Promise<void>;
}

/**
 * Loads the policy of a run's folder into a model host of its own, with the run's latent generator where that is asked for. Throws StoreError when
 * nothing was saved yet, or no such generator.
 */
export async function openPolicy(folder: string, options: { readonly latent?: boolean } = {}): Promise<OpenPolicy> {
  const config = parseConfig(readRunConfig(folder));
  const latent = options.latent ? latentPlan(config) : null;
  if (options.latent && !latent) throw new StoreError('missing', `The run ${folder} trains no generator from noise: its learner is ${config.learner}. Start a run with --learner latent-gan.`);
  const reader = new EventLogReader(folder);
  const last = completedRows(reader).at(-1);
  reader.close();
  const checkpoints = new Checkpoints(folder);
  if (latent && !last?.round) throw new StoreError('missing', `The generator from noise of the run ${folder} has learned nothing yet; wait for the run's first round.`);
  const checkpoint = last?.checkpoint ?? newestPretraining(checkpoints)?.checkpoint;
  if (checkpoint === undefined) throw new StoreError('missing', `The run ${folder} has saved no weights${runOwner(folder) ? ' yet; wait until its pretraining has saved some' : ', and nobody works on it; resume it, or name another run'}.`);
  const model = startModelHost();
  try {
    await model.initialise({
      seed: config.seed, backend: config.backend, threads: config.threads, model: config.model, pretraining: pretrainPlan(config.pretraining),
      tokenizer: join(folder, TOKENIZER_FILE), ...(latent && { latent }), documents: [], files: [],
    });
    await model.load(await checkpoints.verified(checkpoint));
    if (last?.outcome === 'promoted') await model.promote();
    return { model, config, weights: last ? 'promoted' : 'raw', countTokens: tokenCounter(join(folder, TOKENIZER_FILE)), close: () => model.kill() };
  } catch (error) {
    await model.kill();
    throw error;
  }
}
