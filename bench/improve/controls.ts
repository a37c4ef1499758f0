/**
 * The control arms: what each makes of the update that the loop's learner asks for. A control samples, judges, repairs and trains
 * its discriminator like the loop; its learner is the loop's own, acting through a model host on which only `update` differs. Each
 * control is one pure function from the loop's request to its own. Not here: measuring (audit.ts).
 *
 * The gate of a control measures as ever and then promotes whatever it would have said, which stays in the log as
 * `checkpoint.rejected` with the reasons: a gate that refuses is feedback, too, and under it the inverted and the collapsing arm
 * would stand still at round 0. That the loop has to beat round 0 as well stands for controls with a gate.
 */
import { sampleSequence } from '../../src/agents/learner/credit.ts';
import { contextOf } from '../../src/agents/samples.ts';
import type { Agents, Gate, Judged, Learner, Repair, RunParts } from '../../src/index.ts';
import type { Excerpts, ModelHost, TrainSequence, UpdateRequest } from '../../src/contracts/model.ts';
import { RandomStream } from '../../src/random/philox.ts';
import { SPECIAL_IDS } from '../../src/models/tokenizer/index.ts';
import { isControl, type Arm, type Control as ControlName } from './settings.ts';

/** What a control may look at besides the loop's request. */
export interface ControlContext {
  readonly seed: number;
  readonly round: number;
  /** The round's samples and accepted repairs that stand in the replay of this arm. */
  readonly judged: readonly Judged[];
  readonly repairs: readonly Repair[];
  readonly encode: (texts: readonly string[]) => Promise<number[][]>;
  /** Training documents, in a fixed order. */
  readonly documents: () => readonly string[];
  readonly excerpts: () => Excerpts;
}

export type Control = (request: UpdateRequest, context: ControlContext) => Promise<UpdateRequest>;

const lengthOf = (sequences: readonly TrainSequence[]): number => sequences.reduce((sum, { tokens }) => sum + tokens.length, 0);

/** A sequence in which every token counts alike by its likelihood. */
const likelihoodOf = (tokens: readonly number[], weight: number): TrainSequence => ({ tokens, likelihood: tokens.map(() => weight), credit: tokens.map(() => 0) });

/** The same sequences, with nothing to learn from: as much computing, no gradient. */
const muted = (sequences: readonly TrainSequence[]): TrainSequence[] => sequences.map(({ tokens }) => likelihoodOf(tokens, 0));

/** Sequences of `next` until they hold `tokens` tokens: steps are counted in filled rows, so equal tokens are equal steps but for packing. */
function filled(tokens: number, next: (index: number) => TrainSequence): TrainSequence[] {
  const sequences: TrainSequence[] = [];
  for (let held = 0; held < tokens;) {
    const sequence = next(sequences.length);
    held += Math.max(1, sequence.tokens.length);
    sequences.push(sequence);
  }
  return sequences;
}

/**
 * Every row is a row of the corpus: where the loop has samples stand training documents and excerpts, as many tokens of them, in the
 * shares and with the weight that corpus rows have. A stronger control than the loop without its samples, which would see less of the corpus.
 */
export const noFeedback: Control = async (request, { seed, round, encode, documents, excerpts }) => {
  const { texts, share } = excerpts();
  const wanted = lengthOf(request.sequences);
  const ofExcerpts = texts.length === 0 ? 0 : wanted * share;
  const drawn = async (kind: string, from: readonly string[], tokens: number): Promise<TrainSequence[]> => {
    const order = new RandomStream(seed, kind, round).permutation(from.length);
    // Texts have eight tokens or more on average; were they shorter, the first would come again.
    const encoded = await encode(Array.from(order.subarray(0, Math.ceil(tokens / 8)), (index) => from[index]!));
    return filled(tokens, (i) => likelihoodOf([...encoded[i % encoded.length]!, SPECIAL_IDS.endOfText], request.corpusWeight));
  };
  return { ...request, sequences: [...await drawn('no-feedback', documents(), wanted - ofExcerpts), ...await drawn('no-feedback, excerpts', texts, ofExcerpts)] };
};

/**
 * The credits of the round are dealt out anew among its sequences: who is praised as a whole and who is blamed at a place is drawn by
 * lot, the place as well. Amounts and their numbers stay, so only what they say is gone; the blame of alternatives falls on tokens that
 * were written, whose old probabilities are known. Likelihood of repairs that filled a hole and of what
 * was accepted lately is muted: it would praise what the judge accepted.
 */
export const randomReward: Control = async (request, { seed, round }) => {
  const random = new RandomStream(seed, 'random-reward', round);
  const credited = ({ credit, alternatives = [] }: TrainSequence): boolean => alternatives.length > 0 || credit.some((value) => value !== 0);
  const own = request.sequences.filter(credited);
  const rest = request.sequences.filter((sequence) => !credited(sequence));
  const order = random.permutation(own.length);
  const dealt = own.map(({ alternatives = [], ...sequence }, i): TrainSequence => {
    const source = own[order[i]!]!;
    const written = sequence.credit.map((_, at) => at).filter((at) => (sequence.oldLogProbs?.[at] ?? 0) !== 0);
    const credit = deal(sequence.credit.length, written, source, random.uniform(own.length + i));
    const places = new RandomStream(seed, 'random-reward', round, i);
    alternatives.forEach((alternative, j) => {
      const at = written[places.integer(j, Math.max(1, written.length))];
      if (at !== undefined) credit[at]! += alternative.credit;
    });
    return { ...sequence, credit, likelihood: sequence.likelihood.map(() => 0) };
  });
  return { ...request, sequences: [...dealt, ...muted(rest)] };
};

/** The credit of `source` laid over other tokens: one value for all where it praises all, else its run of values at a drawn place. */
function deal(length: number, written: readonly number[], source: TrainSequence, uniform: number): number[] {
  const credit = new Array<number>(length).fill(0);
  const values = source.credit.filter((value) => value !== 0);
  const sampled = source.credit.filter((_, at) => (source.oldLogProbs?.[at] ?? 0) !== 0).length;
  if (sampled > 1 && values.length >= sampled && values.every((value) => value === values[0])) {
    for (const at of written) credit[at] = values[0]!;
    return credit;
  }
  const run = values.slice(-Math.max(1, written.length));
  const first = Math.floor(uniform * (written.length - run.length + 1));
  run.forEach((value, i) => {
    const at = written[first + i];
    if (at !== undefined) credit[at] = value;
  });
  return credit;
}

/** Praise becomes blame and blame praise. Likelihood has no opposite that stays finite, so hole-filling repairs are muted here, too. */
export const invertedReward: Control = async (request) => ({
  ...request,
  sequences: request.sequences.map((sequence) => ({ ...sequence, likelihood: sequence.likelihood.map(() => 0), credit: sequence.credit.map((value) => 0 - value),
    ...(sequence.alternatives ? { alternatives: sequence.alternatives.map((one) => ({ ...one, credit: 0 - one.credit })) } : {}),
  })),
});

/**
 * Each round learns from its own valid samples and accepted repairs alone, by plain likelihood, again and again until it has had as
 * many steps as the loop: Shumailov et al., "AI models collapse when trained on recursively generated data" (Nature, 2024), with
 * the judge's filter in front. A round with nothing valid changes nothing.
 */
export const replaceAllData: Control = async (request, { judged, repairs, encode }) => {
  const valid = judged.filter(({ sample, evaluation }) => evaluation.valid && sample.tokens !== undefined);
  const continued = repairs.filter(({ revision }) => revision.tokens !== undefined).map(({ revision, evaluation }): Judged => ({ sample: revision, evaluation }));
  const written = [...valid, ...continued];
  const contexts = await encode(written.map(({ sample }) => contextOf(sample)));
  const own = written.flatMap((one, i) => {
    const sequence = sampleSequence(one, contexts[i]!, one.sample.tokens!.map(() => 1));
    return sequence ? [{ tokens: sequence.tokens, likelihood: sequence.credit, credit: sequence.credit.map(() => 0) }] : [];
  });
  if (own.length === 0) return { ...request, corpusWeight: 0, sequences: muted(request.sequences) };
  return { ...request, corpusShare: 0, sequences: filled(lengthOf(request.sequences) / (1 - request.corpusShare), (i) => own[i % own.length]!) };
};

export const CONTROL_OF: Readonly<Record<ControlName, Control>> = {
  'no-feedback': noFeedback, 'random-reward': randomReward, 'inverted-reward': invertedReward, 'replace-all-data': replaceAllData,
};

/** The host with some of its methods replaced; the others go to it as they are. */
function withMethods(model: ModelHost, methods: Partial<ModelHost>): ModelHost {
  return new Proxy(model, {
    get(target, name) {
      const own = methods[name as keyof ModelHost];
      if (own) return own;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The learner and the gate of an arm, made of the run's own. */
export function agentsOf(arm: Arm, parts: RunParts, seed: number): Pick<Agents, 'learner' | 'gate'> {
  if (!isControl(arm)) return parts.agents;
  const control = CONTROL_OF[arm];
  let learning: Pick<ControlContext, 'round' | 'judged' | 'repairs'> = { round: 0, judged: [], repairs: [] };
  const { model } = parts;
  const host = withMethods(model, {
    update: async (request) => model.update(await control(request, {
      ...learning, seed, encode: (texts) => model.encode(texts), documents: () => parts.documents('train').map(({ text }) => text), excerpts: parts.excerpts,
    })),
    rollback: () => model.promote(),
  });
  const { learner, gate } = parts.through(host);
  return {
    learner: {
      learn: (input, signal) => {
        learning = input;
        return learner.learn(input, signal);
      },
      save: (input, signal) => learner.save(input, signal),
    } satisfies Learner,
    gate: {
      decide: async (input, signal) => ({ ...(await gate.decide(input, signal)), promoted: true }),
      measure: (input, signal) => gate.measure(input, signal),
    } satisfies Gate,
  };
}
