import { describe, expect, it } from 'vitest';
import { createActor, SimulatedClock, toPromise, type SnapshotFrom } from 'xstate';
import { RETRY, type Retried } from '../../src/machines/effect.ts';
import { provideAgents } from '../../src/machines/provide.ts';
import type { RunOutput, runMachine } from '../../src/machines/run.ts';
import { FakeModelHost, fakeRun, PretrainedModelHost, type FakeRun, type FakeRunOptions, type MemorySink } from '../fakes.ts';

interface Started {
  readonly run: FakeRun;
  readonly retried: Retried[];
  readonly actor: ReturnType<typeof createActor<typeof runMachine>>;
  readonly output: Promise<RunOutput>;
}

function start(options: FakeRunOptions = {}, change: (run: FakeRun) => FakeRun = (run) => run): Started {
  const run = change(fakeRun(options));
  const retried: Retried[] = [];
  const clock = new SimulatedClock();
  const machine = provideAgents({
    agents: run.agents,
    minutes: () => 0,
    retried: (details) => {
      retried.push(details);
      // Once the machine waits, its delay passes at once.
      queueMicrotask(() => clock.increment(RETRY.firstDelay * RETRY.factor ** RETRY.attempts));
    },
  });
  const { budget, refinement } = run.config;
  const actor = createActor(machine, { clock, input: { budget, attempts: refinement.attempts, chunkSteps: 7 } });
  const output = toPromise(actor) as Promise<RunOutput>;
  actor.start();
  return { run, retried, actor, output };
}

const keys = (events: MemorySink): string[] => events.recorded.map(({ key }) => key);
const until = (actor: Started['actor'], reached: (snapshot: SnapshotFrom<typeof runMachine>) => boolean): Promise<void> =>
  new Promise((resolve) => {
    if (reached(actor.getSnapshot())) return resolve();
    const { unsubscribe } = actor.subscribe((snapshot) => reached(snapshot) && (unsubscribe(), resolve()));
  });

describe('the loop with fake models', () => {
  it('runs end to end; every sample is judged and criticised, every round has a row', async () => {
    const { run, output } = start();
    const result = await output;
    expect(result).toMatchObject({ status: 'done', rounds: 2, reason: 'The budget of 2 rounds is spent.' });
    const { events } = run;
    expect(events.of('pretraining.step').map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(events.of('round.finished').map(({ round }) => round)).toEqual([0, 1, 2]);
    expect(result.rows).toEqual(events.of('round.finished'));
    const samples = events.of('sample.created');
    expect(events.of('evaluation.recorded').map(({ id }) => id).sort()).toEqual(samples.map(({ id }) => id).sort());
    expect(events.of('critique.recorded').map(({ sampleId }) => sampleId)).toEqual(samples.filter(({ parent }) => !parent).map(({ id }) => id));
    expect(events.of('evaluation.recorded').every((evaluation) => !('bigrams' in evaluation))).toBe(true);
    expect(samples.some(({ method }) => method === 'infill')).toBe(true);
    expect(samples.some(({ method }) => method === 'continue')).toBe(true);
    expect(events.of('refinement.finished').every(({ repaired, failed }) => repaired > 0 && repaired <= failed)).toBe(true);
    expect(new Set(keys(events)).size).toBe(events.recorded.length);
    expect(events.recorded.at(-1)!.event.type).toBe('run.finished');
    const validity = result.rows.map(({ test }) => test.unconditional.value);
    expect(validity.at(-1)!).toBeGreaterThan(validity[0]!);
  });

  it('gives one log for one seed', async () => {
    const [a, b] = [start(), start()];
    await Promise.all([a.output, b.output]);
    expect(a.run.events.recorded).toEqual(b.run.events.recorded);
  });

  it.each([1, 2])('resumed after round %d, gives the log of a run that was never stopped', async (completed) => {
    const config = { budget: { rounds: 3 } };
    const whole = start({ config });
    await whole.output;
    const stopped = start({ config });
    await until(stopped.actor, ({ context }) => context.completedRounds === completed - 1 && context.rows.length === completed);
    stopped.actor.send({ type: 'command.stop-after-round' });
    expect(await stopped.output).toMatchObject({ status: 'stopped', rounds: completed });
    const { events, model } = stopped.run;
    const resumed = start({
      config, events, model,
      preparation: {
        pretrainedSteps: 20, totalSteps: 20, completedRounds: completed,
        rows: events.of('round.finished'), promotions: events.of('checkpoint.promoted'),
      },
    });
    expect(await resumed.output).toMatchObject({ status: 'done', rounds: 3 });
    expect(events.recorded).toEqual(whole.run.events.recorded);
  });

  it('ends pretraining early where held-out bits stop falling; resumed, gives the log of a run that was never stopped', async () => {
    const config = { budget: { rounds: 0 }, pretraining: { steps: 100, saveEvery: 10, patience: 2 } };
    const curve = (steps: number): number => Math.abs(steps - 25) + 1;
    const whole = start({ config, model: new PretrainedModelHost(curve) });
    expect(await whole.output).toMatchObject({ status: 'done' });
    // Chunks of 7 steps pass a multiple of 10 at these; step 21 is the best.
    expect(whole.run.events.of('pretraining.measured').map(({ step }) => step)).toEqual([14, 21, 35, 42]);
    expect(whole.run.events.of('pretraining.finished')).toMatchObject([{ steps: 42 }]);
    expect(whole.run.events.of('pretraining.step')).toHaveLength(42);
    for (const saved of [0, 14, 21]) {
      const disk = new PretrainedModelHost((steps) => {
        if (steps === 35) stopped.actor.send({ type: 'command.stop-now' });
        return curve(steps);
      });
      const stopped: Started = start({ config, model: disk });
      expect(await stopped.output).toMatchObject({ status: 'stopped' });
      const { events } = stopped.run;
      expect(events.of('pretraining.measured').map(({ step }) => step)).toEqual([14, 21]);
      // What was saved lies on disk.
      const model = new PretrainedModelHost(curve);
      for (const [folder, state] of disk.saved) model.saved.set(folder, state);
      const resumed = start({ config, model, events, preparation: { pretrainedSteps: saved, totalSteps: 100, completedRounds: 0, rows: [] } });
      expect(await resumed.output).toMatchObject({ status: 'done' });
      expect(events.recorded).toEqual(whole.run.events.recorded);
    }
  });

  it('repeating every effect of a round records nothing new', async () => {
    const { run, output } = start({ config: { budget: { rounds: 1 } } });
    await output;
    const before = keys(run.events);
    // The weights as they were when the round began.
    const again = new FakeModelHost();
    await again.beginRounds();
    const repeated = start({ config: { budget: { rounds: 1 } }, events: run.events, model: again });
    await repeated.output;
    expect(keys(run.events)).toEqual(before);
  });

  it('pauses between two effects, and goes on', async () => {
    const { run, actor, output } = start();
    const held = (snapshot: SnapshotFrom<typeof runMachine>): boolean => {
      const round = snapshot.children.round?.getSnapshot() as { value: unknown } | undefined;
      return JSON.stringify(round?.value ?? '').includes('"ready"');
    };
    await until(actor, ({ value }) => value === 'round');
    const inner = actor.getSnapshot().children.round!;
    actor.send({ type: 'command.pause' });
    await new Promise<void>((resolve) => {
      if (held(actor.getSnapshot())) return resolve();
      const { unsubscribe } = inner.subscribe(() => held(actor.getSnapshot()) && (unsubscribe(), resolve()));
    });
    const count = run.events.recorded.length;
    await new Promise((resolve) => setImmediate(resolve));
    expect(run.events.recorded).toHaveLength(count);
    actor.send({ type: 'command.resume' });
    expect(await output).toMatchObject({ status: 'done', rounds: 2 });
  });

  it('stop-now aborts the agent deep inside a round, which records nothing more', async () => {
    let signalled: AbortSignal | undefined;
    let begun!: () => void;
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const { run, actor, output } = start({}, (made) => ({
      ...made,
      agents: {
        ...made.agents,
        refiner: Object.assign(Object.create(made.agents.refiner) as typeof made.agents.refiner, {
          propose: (_: unknown, signal?: AbortSignal) => {
            signalled = signal;
            begun();
            return new Promise(() => {});
          },
        }),
      },
    }));
    await beginning;
    const count = run.events.recorded.length;
    expect(signalled?.aborted).toBe(false);
    actor.send({ type: 'command.stop-now' });
    expect(signalled?.aborted).toBe(true);
    expect(await output).toMatchObject({ status: 'stopped', rounds: 0 });
    expect(run.events.recorded).toHaveLength(count);
  });

  it('a passing failure deep inside a round leaves no trace in the hashed log', async () => {
    const whole = start();
    await whole.output;
    const left = new Map([['infill', 2], ['scoreDiscriminator', 1]]);
    class Flaky extends FakeModelHost {
      #flake(method: string): void {
        const times = left.get(method)!;
        left.set(method, times - 1);
        if (times > 0) throw new Error(`${method} went away`);
      }
      override async infill(request: Parameters<FakeModelHost['infill']>[0]) {
        this.#flake('infill');
        return super.infill(request);
      }
      override async scoreDiscriminator(inputs: Parameters<FakeModelHost['scoreDiscriminator']>[0]) {
        this.#flake('scoreDiscriminator');
        return super.scoreDiscriminator(inputs);
      }
    }
    const flaky = start({ model: new Flaky() });
    expect(await flaky.output).toMatchObject({ status: 'done', rounds: 2 });
    expect(flaky.retried).toEqual([
      { effect: 'round.criticise', attempt: 1, error: 'scoreDiscriminator went away' },
      ...[1, 2].map((attempt) => ({ effect: 'refinement.propose', attempt, error: 'infill went away' })),
    ]);
    expect(flaky.run.events.recorded).toEqual(whole.run.events.recorded);
  });

  it('a failure after the models have moved on ends the run with its cause: the same effect would begin elsewhere', async () => {
    class Full extends FakeModelHost {
      override async rollback(): Promise<void> {
        await super.rollback();
        throw new Error('the disk is full');
      }
      override async promote(): Promise<void> {
        await super.promote();
        throw new Error('the disk is full');
      }
    }
    const full = start({ model: new Full() });
    expect(await full.output).toMatchObject({ status: 'failed', rounds: 0, reason: "'decide' of the round failed and cannot be tried again: the disk is full" });
    expect(full.retried).toEqual([]);
  });

  it('an agent that stays away fails the run, through all machines', async () => {
    class Gone extends FakeModelHost {
      override infill(): Promise<never> {
        return Promise.reject(new Error('out of memory'));
      }
    }
    expect(await start({ model: new Gone() }).output).toMatchObject({
      status: 'failed', rounds: 0, reason: "'propose' of the refinement failed 4 times: out of memory",
    });
  });

  it('a failure that cannot pass is reported with the agent and the reason', async () => {
    const { output, retried } = start({}, (made) => ({
      ...made,
      agents: { ...made.agents, preparer: { prepare: () => Promise.reject(Object.assign(new Error('The corpus has 3 documents.'), { permanent: true })) } },
    }));
    expect(await output).toMatchObject({ status: 'failed', reason: "'prepare' of the run failed and cannot be tried again: The corpus has 3 documents." });
    expect(retried).toEqual([]);
  });
});
