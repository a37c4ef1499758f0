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
import type { Alternatives, AlternativesRequest, Excerpts, ModelHost, TrainSequence, UpdateRequest } from '../../src/contracts/model.ts';
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
  /** What the learner had drawn of alternatives, with the beginnings of samples and repairs that it asked about, in their order. */
  readonly drawn: readonly Drawn[];
  readonly encode: (texts: readonly string[]) => Promise<number[][]>;
  /** Training documents, in a fixed order. */
  readonly documents: () => readonly string[];
  readonly excerpts: () => Excerpts;
}

interface Drawn {
  readonly sequence: AlternativesRequest['sequences'][number];
  readonly alternatives: Alternatives;
}

export type Control = (request: UpdateRequest, context: ControlContext) => Promise<UpdateRequest>;

const lengthOf = (sequences: readonly TrainSequence[]): number => sequences.reduce((sum, { tokens }) => sum + tokens.length, 0);

/** A sequence in which every token counts alike by its likelihood. */
const likelihoodOf = (tokens: readonly number[], weight: number): TrainSequence => ({ tokens, likelihood: tokens.map(() => weight), credit: tokens.map(() => 0) });

/** The same sequences, with nothing to learn from: as much computing, no gradient. */
const muted = (sequences: readonly TrainSequence[]): TrainSequence[] => sequences.map(({ tokens }) => likelihoodOf(tokens, 0));

/**
 * Tokens that an update of the loop would have: a policy that is seldom valid would ask for fewer, since broken samples are learned from only up to the break. So all of
 * them count here, as they do in the loop once nearly all are valid.
 */
function workOf({ sequences }: UpdateRequest, written: readonly Written[]): number {
  return Math.max(lengthOf(sequences), written.reduce((sum, { given, own }) => sum + given.length + own.length, 0));
}

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
 * Every row is a row of the corpus: where the loop has samples stand training documents and excerpts, as many tokens of them (`workOf`), in the
 * shares and with the weight that corpus rows have. A stronger control than the loop without its samples, which would see less of the corpus.
 */
export const noFeedback: Control = async (request, context) => {
  const { seed, round, encode, documents, excerpts } = context;
  const { texts, share } = excerpts();
  const wanted = workOf(request, await writtenOf(context));
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
 * The judge is replaced by lots. All that the loop's request pays stays, in amount and number, and goes elsewhere: blame of breaks to drawn samples at drawn places, blame of
 * alternatives to any of those that were drawn for the judge to look at, likelihood of what was accepted to drawn samples of the round. So what it learns without the judge, such as less
 * of what is unlikely, this arm learns, too.
 */
export const randomReward: Control = async (request, context) => {
  const { seed, round, drawn } = context;
  const written = await writtenOf(context);
  const lot = (name: string): RandomStream => new RandomStream(seed, `random-reward/${name}`, round);
  const laidOut = (name: 'credit' | 'likelihood'): number[][] => {
    const paid = request.sequences.filter((sequence) => sequence[name].some((value) => value !== 0));
    const [order, places] = [lot(name).permutation(written.length), lot(`${name}/places`)];
    const result = written.map(({ own }) => own.map(() => 0));
    paid.forEach((source, j) => {
      const target = result[order[j % written.length]!]!;
      deal(target.length, source[name], places.uniform(j)).forEach((value, at) => { target[at]! += value; });
    });
    return result;
  };
  const [credit, likelihood] = [laidOut('credit'), laidOut('likelihood')];

  let asked = 0;
  const pool = drawn.flatMap(({ sequence, alternatives: { at, tokens, logProbs } }) => {
    // Vetoed repairs were not asked about.
    while (asked < written.length && !begins([...written[asked]!.given, ...written[asked]!.own], sequence.tokens)) asked++;
    const sample = asked++;
    return tokens.map((token, k) => ({ sample, at: at[k]!, token, oldLogProb: logProbs[k]! }));
  });
  const order = lot('alternatives').permutation(pool.length);
  const alternatives = written.map((): NonNullable<TrainSequence['alternatives']>[number][] => []);
  request.sequences.flatMap((sequence) => sequence.alternatives ?? []).forEach((source, j) => {
    const { sample, ...alternative } = pool[order[j]!]!;
    alternatives[sample]!.push({ ...alternative, credit: source.credit });
  });
  // By position, as the host has to have them: it takes the second of a position for one that comes right behind the first.
  for (const own of alternatives) own.sort((a, b) => a.at - b.at);

  return { ...request, sequences: written.map(({ judged: { sample }, given, own }, i): TrainSequence => {
    const before = given.map(() => 0);
    return {
      tokens: [...given, ...own], likelihood: [...before, ...likelihood[i]!], credit: [...before, ...credit[i]!], oldLogProbs: [...before, ...sample.logProbs!],
      ...(alternatives[i]!.length > 0 ? { alternatives: alternatives[i]! } : {}),
    };
  }) };
};

/**
 * The run of values in `source` laid over so many other tokens: over all of them where it covers most of its own, else at a drawn place. A single value never
 * covers a text: that of a sample that broke at its first token stands alone, since what follows a break is not learned from.
 */
function deal(length: number, source: readonly number[], uniform: number): number[] {
  const first = source.findIndex((value) => value !== 0);
  const run = source.slice(first, source.findLastIndex((value) => value !== 0) + 1);
  if (run.length > 1 && 2 * run.length >= source.length && run.every((value) => value === run[0])) return new Array<number>(length).fill(run[0]!);
  const kept = run.slice(-length);
  const from = Math.floor(uniform * (length - kept.length + 1));
  return Array.from({ length }, (_, at) => kept[at - from] ?? 0);
}

const begins = (tokens: readonly number[], beginning: readonly number[]): boolean => beginning.every((token, i) => tokens[i] === token);

/** What stood there before a draw of the policy, and its own tokens. */
interface Written {
  readonly judged: Judged;
  readonly given: readonly number[];
  readonly own: readonly number[];
}

/** The round's samples and continued repairs, which are draws of the policy, in the order in which the learner asks about their alternatives. */
async function writtenOf({ judged, repairs, encode }: ControlContext): Promise<Written[]> {
  const written = [...judged, ...repairs.map(({ revision, evaluation }): Judged => ({ sample: revision, evaluation }))].flatMap((one) => (one.sample.tokens ? [{ judged: one, own: one.sample.tokens }] : []));
  const given = await encode(written.map((one) => contextOf(one.judged.sample)));
  return written.map((one, i) => ({ ...one, given: given[i]! }));
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
 * the judge's filter in front. A round with nothing valid has no gradient: momentum and decay go on.
 */
export const replaceAllData: Control = async (request, context) => {
  const written = await writtenOf(context);
  const own = written.filter(({ judged }) => judged.evaluation.valid).flatMap((one) => {
    const sequence = sampleSequence(one.judged, one.given, one.own.map(() => 1));
    return sequence ? [{ tokens: sequence.tokens, likelihood: sequence.credit, credit: sequence.credit.map(() => 0) }] : [];
  });
  if (own.length === 0) return { ...request, corpusWeight: 0, sequences: muted(request.sequences) };
  return { ...request, corpusShare: 0, sequences: filled(workOf(request, written) / (1 - request.corpusShare), (i) => own[i % own.length]!) };
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
  /** In the order in which they were made; where one fails, the learner hears of it. */
  let asked: { readonly request: AlternativesRequest; readonly answer: Promise<Alternatives[]> }[] = [];
  const drawn = async (): Promise<Drawn[]> => (await Promise.all(asked.map(({ answer }) => answer))).flatMap((all, k) => all.map((alternatives, i) => ({ sequence: asked[k]!.request.sequences[i]!, alternatives })));
  const { model } = parts;
  const host = withMethods(model, {
    alternatives: (request) => {
      const answer = model.alternatives(request);
      asked.push({ request, answer });
      return answer;
    },
    update: async (request) => model.update(await control(request, {
      ...learning, seed, drawn: await drawn(), encode: (texts) => model.encode(texts), documents: () => parts.documents('train').map(({ text }) => text), excerpts: parts.excerpts,
    })),
    rollback: () => model.promote(),
  });
  const { learner, gate } = parts.through(host);
  return {
    learner: {
      learn: (input, signal) => {
        learning = input;
        asked = [];
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
