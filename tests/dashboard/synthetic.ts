/**
 * A made-up but plausible event log: pretraining, rounds with samples, faults, repairs and rows. Same options, same log. For tests and
 * for looking at the page; nothing here was measured.
 */
import { describeMachine } from '../../dashboard/bridge/index.ts';
import type { HashedEvent, LoggedEvent, UnhashedEvent } from '../../src/contracts/events.ts';
import type { Evaluation, Finding, GuardCheck, Histogram, Measurement, OddsTrace, PromptResult, Proportion, Sample, TaskKind } from '../../src/contracts/records.ts';
import { refinementMachine } from '../../src/machines/refinement.ts';
import { roundMachine } from '../../src/machines/round.ts';
import { runMachine } from '../../src/machines/run.ts';
import { trainingMachine } from '../../src/machines/training.ts';
import { RandomStream } from '../../src/random/philox.ts';

export interface SyntheticOptions {
  readonly seed?: number;
  /** Time of the first record, ms since the epoch. */
  readonly start: number;
  readonly pretrainingSteps?: number;
  readonly rounds?: number;
  readonly samplesPerRound?: number;
  /** Where the log breaks off. Default: `finished`. */
  readonly until?: 'pretraining' | 'round' | 'finished';
}

/** Functions with a slot each for a fault: the valid line, the broken one, and what CPython says of it. */
const BODIES: readonly { readonly prompt: string; readonly lines: readonly string[]; readonly fault: readonly [line: number, broken: string, bad: string, message: string, kind: string] }[] = [
  {
    prompt: 'def read_chunk(self, size):', fault: [2, "    if not data", 'data', "expected ':'", 'syntax.missing-colon'],
    lines: ['    """Read up to size bytes – or fewer at the end."""', '    data = self._file.read(size)', '    if not data:', '        raise EOFError("unexpected end")', '    self._pos += len(data)', '    return data'],
  },
  {
    prompt: 'def _parse_args(argv=None):', fault: [3, '    return parser.parse_args(argv', '(', "'(' was never closed", 'bracket.unclosed'],
    lines: ['    parser = argparse.ArgumentParser()', "    parser.add_argument('-v', '--verbose', action='store_true')", '    parser.add_argument("files", nargs="*")  # ¿any?', '    return parser.parse_args(argv)'],
  },
  {
    prompt: '', fault: [3, '          self._items.append(item)', '          self._items.append(item)', 'unindent does not match any outer indentation level', 'indent.inconsistent'],
    lines: ['def extend(self, items):', '    with self._lock:', '        for item in items:', '            self._items.append(item)', '        self._cond.notify_all()'],
  },
  {
    prompt: 'class _Größe(Enum):', fault: [2, '    LARGE == 3 =', '=', 'invalid syntax', 'syntax.invalid'],
    lines: ['    SMALL = 1', '    MEDIUM = 2', '    LARGE = 3', '', '    def __str__(self):', "        return 'größe: ' + self.name.lower()"],
  },
  {
    prompt: '', fault: [1, '    for key, value in sorted(d.items()', '(', "'(' was never closed", 'bracket.unclosed'],
    lines: ['def dump(d, out):', '    for key, value in sorted(d.items()):', '        if value is None:', '            continue', "        out.write('%s=%r\\n' % (key, value))", '    return len(d)'],
  },
];

const PIECES = /\n *|\w+|[^\w\n]/gu;
/** What the bodies are made of; 0 ends a text. */
const VOCABULARY = ['', ...new Set(BODIES.flatMap(({ lines, fault }) => `\n${[...lines, fault[1]].join('\n')}\n`.match(PIECES) ?? []))];

/** Writes the log. */
export function syntheticLog(options: SyntheticOptions): LoggedEvent[] {
  const { seed = 1, start, pretrainingSteps = 1500, rounds = 8, samplesPerRound = 24, until = 'finished' } = options;
  const log: LoggedEvent[] = [];
  const random = new RandomStream(seed, 'synthetic');
  let draws = 0;
  let time = start;
  const uniform = (): number => random.uniform(draws++);
  const add = (key: string, event: HashedEvent | UnhashedEvent, hashed: boolean): void => {
    log.push({ ...event, seq: log.length + 1, key, hashed, time: Math.round(time) });
  };
  const record = (key: string, event: HashedEvent): void => add(key, event, true);
  const note = (event: UnhashedEvent): void => add(`note:${log.length + 1}`, event, false);
  const wait = (seconds: number): void => void (time += seconds * 1000);
  const states = new Map<string, string>();
  const move = (machine: string, to: string, event: string): void => {
    note({ type: 'machine.transition', data: { machine, actor: machine, from: states.get(machine) ?? null, to, event } });
    states.set(machine, to);
  };
  const begin = (machine: { readonly id: string }, definition: unknown): void => {
    states.delete(machine.id);
    if (!log.some((event) => event.type === 'machine.defined' && event.data.machine === machine.id)) note({ type: 'machine.defined', data: { machine: machine.id, definition } });
  };
  const work = (agent: string, activity: string, round: number | null, amount: number, seconds: number, inside: () => void = () => {}): void => {
    note({ type: 'activity.started', data: { agent, activity, round, amount } });
    wait(seconds / 2);
    inside();
    wait(seconds / 2);
    note({ type: 'activity.finished', data: { agent, activity, round, amount, seconds } });
  };

  begin(runMachine, describeMachine(runMachine));
  note({ type: 'process.changed', data: { process: 'model host', pid: 4242, state: 'started' } });
  record('run', { type: 'run.started', data: { seed, configHash: 'c0ffee' } });
  move('run', 'preparing.working', 'xstate.init');
  wait(1.5);
  record('corpus', { type: 'corpus.ready', data: { files: 559, bytes: 9_640_000, documents: { train: 9120, gate: 820, test: 790 }, excerpts: 8000, rejected: 31, licence: 'PSF-2.0', hash: 'ab12' } });
  wait(2);
  record('tokenizer', { type: 'tokenizer.ready', data: { vocabulary: 1024, bytesPerToken: 2.71, hash: 'cd34' } });
  record('model', { type: 'model.ready', data: { backend: 'onnx:cpu', parameters: 912_384, vocabulary: 1024, context: 192 } });
  record('vocabulary', { type: 'vocabulary.ready', data: { bytes: VOCABULARY.map((piece) => Buffer.from(piece).toString('hex')) } });
  move('run', 'pretraining', 'xstate.done.actor.0.run.preparing.working');
  begin(trainingMachine, describeMachine(trainingMachine));
  move('training', 'advancing.working', 'xstate.init');

  const lastStep = until === 'pretraining' ? Math.round(pretrainingSteps * 0.62) : pretrainingSteps;
  note({ type: 'activity.started', data: { agent: 'pretrainer', activity: 'pretrain', round: null, amount: pretrainingSteps } });
  const began = time;
  for (let step = 10; step <= lastStep; step += 10) {
    wait(0.9);
    const loss = 1.62 + 5.3 * Math.exp(-step / 160) + 0.5 * Math.exp(-step / 700) + (uniform() - 0.5) * 0.12;
    record(`pretraining/${step - 1}`, { type: 'pretraining.step', data: { step: step - 1, loss, gradNorm: 0.8, learningRate: 3e-3, totalSteps: pretrainingSteps } });
    if (step % 50 === 0) note({ type: 'pretraining.progress', data: { step, totalSteps: pretrainingSteps, loss, tokensPerSecond: 29_400 + uniform() * 900, secondsLeft: ((pretrainingSteps - step) / 10) * 0.9 } });
    if (step % 200 === 0) note({ type: 'preview.created', data: { step, ...preview(step / pretrainingSteps, uniform) } });
    if (step % 250 === 0) {
      move('training', 'advancing.ready', 'xstate.done.actor.0.training.advancing.working');
      move('training', 'advancing.working', '');
    }
  }
  if (until === 'pretraining') return log;
  note({ type: 'activity.finished', data: { agent: 'pretrainer', activity: 'pretrain', round: null, amount: pretrainingSteps, seconds: (time - began) / 1000 } });
  move('training', 'finishing.working', 'xstate.done.actor.0.training.advancing.working');
  record('pretraining', { type: 'pretraining.finished', data: { steps: pretrainingSteps, weightsHash: 'ef56' } });
  move('training', 'done', 'xstate.done.actor.0.training.finishing.working');
  move('run', 'saving.working', 'xstate.done.actor.training');
  move('run', 'measuring.working', 'xstate.done.actor.0.run.saving.working');
  work('gate', 'measure', 0, 1024, 6);
  const baseline = measurement(0, uniform);
  const behind = (round: number): void => {
    record(`lengths/${round}`, { type: 'lengths.counted', data: { round, samples: bell(24 + round * 0.4, 9, 400), documents: bell(31, 13, 256), documentsMedian: 31 } });
    record(`prompts/${round}`, { type: 'prompts.measured', data: { round, results: Array.from({ length: 40 }, (_, i) => promptResult(i, round)) } });
  };
  behind(0);
  record('row/0', { type: 'round.finished', data: { round: 0, checkpoint: 'r000', outcome: 'baseline', test: baseline, validityAfterRefinement: null, meanReward: null, discriminatorAuc: null, discriminatorLoss: null } });
  begin(roundMachine, describeMachine(roundMachine));
  begin(refinementMachine, describeMachine(refinementMachine));

  for (let round = 1; round <= rounds; round++) {
    move('run', 'round', 'xstate.done.actor.0.run.measuring.working');
    states.delete('round');
    const roundBegan = time;
    record(`round/${round}/started`, { type: 'round.started', data: { round } });
    move('round', 'generating.working', 'xstate.init');
    const failureShare = 0.68 * Math.exp(-round / 9);
    const samples: Sample[] = [];
    work('generator', 'generate', round, samplesPerRound, 5, () => {
      for (let i = 0; i < samplesPerRound; i++) {
        const sample = makeSample(round, i, uniform() < failureShare, uniform);
        samples.push(sample);
        record(`sample/${sample.id}`, { type: 'sample.created', data: sample });
      }
    });
    move('round', 'judging.working', 'xstate.done.actor.0.round.generating.working');
    const evaluations = samples.map(evaluate);
    work('critic', 'judge', round, samples.length, 1.5, () => evaluations.forEach((evaluation) => record(`evaluation/${evaluation.id}`, { type: 'evaluation.recorded', data: evaluation })));
    move('round', 'criticising.working', 'xstate.done.actor.0.round.judging.working');
    work('critic', 'criticise', round, samples.length, 1, () => {
      for (const [i, { id, valid }] of evaluations.entries()) {
        const readability = 0.55 + uniform() * 0.4;
        const logOdds = valid ? uniform() * 2 - 1.2 : 0;
        record(`critique/${id}`, { type: 'critique.recorded', data: { sampleId: id, readability, ...(valid ? { logOdds, trace: traceOf(samples[i]!, logOdds) } : {}) } });
      }
    });
    move('round', 'refining', 'xstate.done.actor.0.round.criticising.working');
    states.delete('refinement');
    move('refinement', 'proposing.working', 'xstate.init');
    const failed = samples.filter((_, i) => !evaluations[i]!.valid);
    const revisions = failed.map((parent, i) => repair(parent, round, i, uniform() < 0.6));
    work('refiner', 'propose', round, failed.length, 3, () => revisions.forEach((revision) => record(`sample/${revision.id}`, { type: 'sample.created', data: revision })));
    move('refinement', 'judging.working', 'xstate.done.actor.0.refinement.proposing.working');
    const again = revisions.map(evaluate);
    work('critic', 'judge', round, revisions.length, 0.8, () => again.forEach((evaluation) => record(`evaluation/${evaluation.id}`, { type: 'evaluation.recorded', data: evaluation })));
    move('refinement', 'done', 'xstate.done.actor.0.refinement.choosing.working');
    // One that is valid is turned down each round: validity alone is no repair.
    const accepted = again.filter((evaluation) => evaluation.valid).slice(1).map(({ id }) => id);
    const after = proportion(samples.length - failed.length + accepted.length, samples.length);
    record(`refinement/${round}`, { type: 'refinement.finished', data: { round, failed: failed.length, repaired: accepted.length, accepted, after } });
    if (until === 'round' && round === rounds) {
      move('round', 'learning.working', 'xstate.done.actor.refinement');
      note({ type: 'activity.started', data: { agent: 'learner', activity: 'learn', round, amount: samples.length } });
      return log;
    }
    move('round', 'learning.working', 'xstate.done.actor.refinement');
    work('learner', 'learn', round, samples.length, 8, () => {
      for (const { id, valid } of evaluations) {
        const odds = valid ? uniform() : 0;
        record(`reward/${id}`, { type: 'reward.recorded', data: { sampleId: id, value: valid ? 0.4 + odds : -1, terms: { valid: valid ? 0.4 : -1, odds } } });
      }
      record(`rewards/${round}`, { type: 'rewards.counted', data: { round, none: failed.length * 20, rewards: { from: 0, width: 0.05, counts: bell(12 + round * 0.5, 3, 20 * (samples.length - failed.length), 20, 1).counts } } });
      record(`discriminator/${round}`, { type: 'discriminator.updated', data: { round, loss: 0.6, auc: 0.78 - round * 0.015, heldOutLoss: 0.63 } });
      record(`policy/${round}`, { type: 'policy.updated', data: { round, steps: 60, tokens: 61_000, rows: 960, corpusRows: 620, corpusTokens: 40_200, loss: 1.9, likelihoodLoss: 1.7, clipped: 0.08, gradNorm: 0.7 } });
    });
    move('round', 'saving.working', 'xstate.done.actor.0.round.learning.working');
    record(`checkpoint/${round}`, { type: 'checkpoint.saved', data: { round, checkpoint: `r${round}`, weightsHash: `w${round}` } });
    move('round', 'gating.working', 'xstate.done.actor.0.round.saving.working');
    const rejected = round === 4;
    const gate = { ...measurement(round, uniform), split: 'gate' as const };
    work('gate', 'decide', round, 384, 4);
    record(`guards/${round}/gate`, { type: 'guards.checked', data: { round, split: 'gate', checks: checks(gate, baseline, rejected ? 0.9 : 1.25) } });
    if (rejected) {
      record(`gate/${round}`, { type: 'checkpoint.rejected', data: { round, checkpoint: `r${round}`, gate, reasons: ['Structure divergence 0.112 is worse than round 0 (0.089).'] } });
      record(`alarm/${round}`, { type: 'alarm.raised', data: { round, alarm: 'gate.divergence', message: 'Valid samples moved away from held-out documents: 0.112 bits, 0.089 at round 0.' } });
    } else record(`gate/${round}`, { type: 'checkpoint.promoted', data: { round, checkpoint: `r${round}`, gate } });
    move('round', 'measuring.working', 'xstate.done.actor.0.round.gating.working');
    work('gate', 'measure', round, 1024, 5);
    const test = measurement(rejected ? round - 1 : round, uniform);
    behind(round);
    record(`guards/${round}/test`, { type: 'guards.checked', data: { round, split: 'test', checks: checks(test, baseline, 1.5) } });
    record(`row/${round}`, {
      type: 'round.finished',
      data: {
        round, checkpoint: `r${rejected ? round - 1 : round}`, outcome: rejected ? 'rejected' : 'promoted', test,
        validityAfterRefinement: after, meanReward: -0.2 + round * 0.06, discriminatorAuc: 0.78 - round * 0.015, discriminatorLoss: 0.6,
      },
    });
    note({ type: 'round.timed', data: { round, seconds: (time - roundBegan) / 1000, sampledTokensPerSecond: 26_400 + uniform() * 800, trainedTokensPerSecond: 28_100 + uniform() * 700 } });
    move('round', 'done', 'xstate.done.actor.0.round.measuring.working');
  }
  move('run', 'finishing.working', 'xstate.done.actor.round');
  record('run/finished', { type: 'run.finished', data: { rounds, reason: `The budget of ${rounds} rounds is spent.`, weightsHash: '99aa' } });
  move('run', 'done', 'xstate.done.actor.0.run.finishing.working');
  return log;
}

function makeSample(round: number, index: number, broken: boolean, uniform: () => number): Sample {
  const body = BODIES[Math.floor(uniform() * BODIES.length)]!;
  const lines = [...body.lines];
  if (broken) lines[body.fault[0]] = body.fault[1];
  const kind: TaskKind = body.prompt === '' ? 'unconditional' : 'signature';
  const completion = (body.prompt === '' ? '' : '\n') + lines.join('\n') + '\n';
  const tokens = [...(completion.match(PIECES) ?? []).map((piece) => VOCABULARY.indexOf(piece)), 0];
  return {
    id: `s${round}-${index}`, taskId: `t${index}`, kind, round, attempt: 0, prompt: body.prompt,
    completion, finish: 'stop', tokens, logProbs: tokens.map((_, i) => -(((i * 7) % 13) ** 2) / 24),
  };
}

/** Structure begins with every word. */
function traceOf({ prompt, completion }: Sample, logOdds: number): OddsTrace {
  const text = prompt + completion;
  const at = [...text.matchAll(/\w+/gu)].map(({ index }) => Buffer.byteLength(text.slice(0, index)));
  return { empty: 0.2, at, logOdds: at.map((_, i) => (i === at.length - 1 ? logOdds : 0.2 + Math.sin(i / 2) * 0.6 + ((logOdds - 0.2) * i) / at.length)) };
}

/** `count` values about `middle`. */
function bell(middle: number, deviation: number, count: number, bins = 32, width = 5): Histogram {
  const weights = Array.from({ length: bins }, (_, bin) => Math.exp(-(((bin + 0.5) * width - middle) ** 2) / (2 * deviation * deviation)));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return { from: 0, width, counts: weights.map((weight) => Math.round((weight / all) * count)) };
}

/** Prompt `i` is valid from a round of its own on; one in ten is lost again in the end. */
function promptResult(i: number, round: number): PromptResult {
  const body = BODIES[i % BODIES.length]!;
  const begins = (i * 7) % 13;
  const valid = round >= begins - 2 && !(i % 10 === 0 && round > 3);
  const lines = body.lines.map((line, at) => (!valid && at === body.fault[0] ? body.fault[1] : line));
  return { taskId: `test/signature/${i}`, prompt: `def task_${i}(self):`, completion: `\n${lines.join('\n')}`, valid };
}

function checks({ guards: now }: Measurement, { guards: start }: Measurement, factor: number): GuardCheck[] {
  const check = (guard: GuardCheck['guard'], ends: { least?: number; most?: number }): GuardCheck => ({
    guard, start: start[guard], now: now[guard], ...ends, held: now[guard] >= (ends.least ?? -Infinity) && now[guard] <= (ends.most ?? Infinity),
  });
  return [
    check('bitsPerByte', { most: 1.01 * start.bitsPerByte }), check('divergence', { most: (factor - 0.1) * start.divergence }),
    check('codeTokens', { least: 0.85 * start.codeTokens, most: factor * start.codeTokens }), check('distinctShapes', { least: 0.8 * start.distinctShapes }),
    check('repeatedLines', { most: 0.03 }), check('bytesPerCodeToken', { most: 9 }), check('copies', { most: 0.01 }),
  ];
}

/** A revision: the fault's line made whole, or, when it does not succeed, broken in another way. */
function repair(parent: Sample, round: number, index: number, succeeds: boolean): Sample {
  const body = BODIES.find((candidate) => parent.completion.includes(candidate.fault[1]))!;
  const completion = succeeds ? parent.completion.replace(body.fault[1], body.lines[body.fault[0]]!) : parent.completion.replace(body.fault[1], `${body.fault[1]} +`);
  const { tokens: _tokens, logProbs: _logProbs, ...rest } = parent;
  return { ...rest, id: `v${round}-${index}`, attempt: 1, parent: parent.id, method: index % 2 === 0 ? 'infill' : 'continue', completion };
}

/** The evaluation that belongs to how a sample was made. */
function evaluate(sample: Sample): Evaluation {
  const text = sample.prompt + sample.completion;
  const body = BODIES.find((candidate) => text.includes(candidate.fault[1]) && text.split('\n').some((line) => line.startsWith(candidate.fault[1])));
  const findings: Finding[] = [];
  if (body && text.split('\n').some((line) => line === body.fault[1] || line === `${body.fault[1]} +`)) {
    const at = text.indexOf(body.fault[1]) + body.fault[1].lastIndexOf(body.fault[2]);
    const startByte = Buffer.byteLength(text.slice(0, at));
    const line = text.slice(0, at).split('\n').length;
    findings.push({
      source: 'cpython', kind: body.fault[4], message: body.fault[3], line, column: at - (text.lastIndexOf('\n', at - 1) + 1),
      span: { start: startByte, end: startByte + Buffer.byteLength(body.fault[2]) },
    });
  }
  const valid = findings.length === 0;
  return {
    id: sample.id, valid, ...(valid ? {} : { reason: 'syntax' as const }), rulesValid: valid, score: valid ? 1 : 0.72, findings,
    counts: { bytes: Buffer.byteLength(text), lines: text.split('\n').length, codeTokens: text.split(/\W+/).length, ownNodes: 30, repeatedLines: 0, similarLines: 0, docstring: false, maxNesting: 3, longestLine: 60 },
    shape: valid ? `shape-${sample.id}` : '', bigrams: [], copy: false,
  };
}

function proportion(successes: number, n: number): Proportion {
  const p = successes / n;
  const z = 1.96;
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return { successes, n, value: p, low: centre - half, high: centre + half };
}

function measurement(round: number, uniform: () => number): Measurement {
  const wobble = (size: number): number => (uniform() - 0.5) * size;
  const valid = Math.round(512 * Math.min(0.95, 0.316 + 0.36 * (1 - Math.exp(-round / 6)) + wobble(0.02)));
  return {
    split: 'test', unconditional: proportion(valid, 512), prompted: proportion(Math.min(512, valid + 40), 512), rulesGap: 0.004,
    guards: {
      bitsPerByte: 1.557 - round * 0.001 + wobble(0.004), tokens: 55 - round * 0.2, codeTokens: 25 + round * 0.4, distinctShapes: Math.round(169 + round * 1.5 + wobble(6)), validCount: valid,
      divergence: 0.089 - round * 0.004 + wobble(0.006), repeatedLines: 0.006, similarLines: 0.02, bytesPerCodeToken: 6, empty: 0.02, copies: 0.002, renamedCopies: 0, selfBleu: 0.31, entropy: 1.92,
    },
  };
}

function preview(progress: number, uniform: () => number): { text: string; valid: boolean } {
  if (progress < 0.2) return { text: "def f__self, to_e in e self.def_\n    reture e (self)\n      '' if 'n", valid: false };
  const body = BODIES[Math.floor(uniform() * BODIES.length)]!;
  const lines = [...body.lines];
  const valid = uniform() < progress * 0.6;
  if (!valid) lines[body.fault[0]] = body.fault[1];
  return { text: [...(body.prompt === '' ? [] : [body.prompt]), ...lines].join('\n'), valid };
}
