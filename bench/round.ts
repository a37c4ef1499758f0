/**
 * A whole round at size S: 16 prompts with 8 completions each of at most 128 tokens (prompt and completion have to fit the context of
 * 128), verdicts of the project's real judge, group-relative advantages, one update over all samples; ours against hand-written
 * PyTorch that drops finished rows and takes Python's compile() for its reward (peers/torch_round.py), and TRL's GRPOTrainer with the
 * same reward (peers/trl_round.py). Seconds, round by round in turn.
 *
 * Random weights would write on to the limit nearly always. So ours get an end of text that is drawn about once in MEAN_LENGTH
 * tokens, and the first peer is told how many tokens each row of the same round had: both sample the same number of tokens. TRL
 * cannot be told, and gets the same end of text.
 *
 *     npm run bench -- round --help
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { TrainSequence } from '../src/contracts/model.ts';
import { loadCPython } from '../src/evaluator/index.ts';
import { PolicyHost } from '../src/models/host.ts';
import { SPECIAL_IDS, trainTokenizer, type Tokenizer } from '../src/models/tokenizer/index.ts';
import { JudgePool } from '../src/processes/judges.ts';
import { alternate, Recorder, type BenchReport, type Say } from './figures.ts';
import { corpusDocuments } from './mutants.ts';
import { sizeNamed } from './ours.ts';
import { NO_TORCH, NO_TRL, openTorch, PeerError, type TorchPeer } from './peers/torch.ts';
import { wholeNumber } from './usage.ts';

const SIZE = 'S';
const PROMPTS = 16;
const GROUP = 8;
const MOST_TOKENS = 128;
const MEAN_LENGTH = 50;
/** Documents the tokenizer is trained on: enough for all of its merges. */
const TOKENIZER_DOCUMENTS = 1500;
/** Tokens of a prompt. All are equally long, which spares the peer from padding them. */
const PROMPT_TOKENS = 12;

interface RoundTimes {
  readonly tokens: number;
  readonly valid: number;
  readonly sampling: number;
  readonly judging: number;
  readonly learning: number;
}

const PHASES = ['sampling', 'judging', 'learning'] as const;
const secondsOf = ({ sampling, judging, learning }: RoundTimes): number => sampling + judging + learning;

/** Rewards minus the mean of their group, over its standard deviation (Shao et al., "DeepSeekMath" 2024, eq. 3). */
export function groupAdvantages(rewards: readonly number[], group: number): number[] {
  return rewards.map((reward, i) => {
    const members = rewards.slice(i - (i % group), i - (i % group) + group);
    const mean = members.reduce((sum, value) => sum + value, 0) / members.length;
    const variance = members.reduce((sum, value) => sum + (value - mean) ** 2, 0) / members.length;
    return (reward - mean) / (Math.sqrt(variance) + 1e-4);
  });
}

/** Prompts of exactly PROMPT_TOKENS tokens: the heads of functions, up to a token that ends with `:` where there are enough. */
export function choosePrompts(documents: readonly string[], tokenizer: Pick<Tokenizer, 'encode' | 'decode'>, count = PROMPTS): string[] {
  const heads = documents.flatMap((text) => {
    const head = text.slice(0, text.indexOf('\n'));
    return head.startsWith('def ') && head.endsWith(':') && tokenizer.encode(head).length === PROMPT_TOKENS ? [head] : [];
  });
  const chosen = [...new Set(heads)].slice(0, count);
  if (chosen.length < count) throw new RangeError(`Only ${chosen.length} of ${count} prompts of ${PROMPT_TOKENS} tokens were found.`);
  return chosen;
}

/**
 * Makes the end of text likelier whatever came before: one dimension of every embedding is set to the same value, so that it reaches
 * the last norm as a nearly constant share of the state, and the end of text stands further out in it than the others. Weights are
 * flat, the embedding first.
 */
export function withEnds(weights: Float32Array, vocabulary: number, width: number, meanLength: number): void {
  // So large that what the layers add to it hardly matters.
  const common = 1, spread = 0.02;
  const deviation = Math.sqrt((common ** 2 + (width - 1) * spread ** 2) / width);
  const further = Math.log(vocabulary / meanLength) / (common / deviation);
  for (let token = 0; token < vocabulary; token++) weights[token * width] = common;
  weights[SPECIAL_IDS.endOfText * width] = common + further;
}

class OurRound {
  /** Tokens of each completion of the last round. */
  lengths: number[] = [];
  last: RoundTimes | null = null;
  #rounds = 0;
  readonly #start: { readonly arrays: Record<string, Float32Array>; readonly counters: Record<string, number> };

  constructor(private readonly host: PolicyHost, private readonly judges: JudgePool, private readonly prompts: readonly string[], private readonly promptIds: readonly (readonly number[])[]) {
    const { arrays, counters } = host.state();
    const { vocabulary, width } = sizeNamed(SIZE);
    for (const name of ['raw', 'average', 'promoted']) withEnds(arrays[name]!, vocabulary, width, MEAN_LENGTH);
    this.#start = { arrays: Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()])), counters };
  }

  /** One round from the same weights as every other, under random numbers of its own. */
  async run(): Promise<RoundTimes> {
    this.host.restore(this.#start);
    const key = `bench/${++this.#rounds}`;
    const times = [performance.now()];
    const completions = await this.host.generate({ key, prompts: this.prompts, maxTokens: MOST_TOKENS, temperature: 1 });
    times.push(performance.now());
    const evaluations = await this.judges.evaluateMany(completions.map(({ text, finish }, i) => ({
      id: String(i), text: this.prompts[i]! + text, promptLength: this.prompts[i]!.length, finish,
    })));
    times.push(performance.now());
    const advantages = groupAdvantages(evaluations.map(({ score }) => score), GROUP);
    const sequences = completions.map(({ tokens, logProbs }, i): TrainSequence => {
      const prompt = this.promptIds[i]!;
      const zeros = prompt.map(() => 0);
      return {
        tokens: [...prompt, ...tokens], likelihood: [...zeros, ...tokens.map(() => 0)],
        credit: [...zeros, ...tokens.map(() => advantages[i]!)], oldLogProbs: [...zeros, ...logProbs],
      };
    });
    await this.host.update({
      key, sequences, corpusShare: 0, corpusWeight: 0, learningRate: 3e-4, warmupSteps: 0, clipLow: 0.8, clipHigh: 1.2, averageDecay: 0.97, passes: 1,
    });
    times.push(performance.now());
    this.lengths = completions.map(({ tokens }) => tokens.length);
    const [sampling, judging, learning] = PHASES.map((_, i) => (times[i + 1]! - times[i]!) / 1000) as [number, number, number];
    const tokens = this.lengths.reduce((sum, length) => sum + length, 0);
    return (this.last = { tokens, valid: evaluations.filter(({ valid }) => valid).length, sampling, judging, learning });
  }
}

/** Measures what the arguments ask for. */
export async function measure(args: readonly string[], say: Say): Promise<BenchReport> {
  const { values } = parseArgs({ args: [...args], options: { repetitions: { type: 'string', default: '7' }, judges: { type: 'string', default: '2' } } });
  const repetitions = wholeNumber('--repetitions', values.repetitions), judges = wholeNumber('--judges', values.judges);
  const recorder = new Recorder(say);
  const shape = sizeNamed(SIZE);
  const documents = corpusDocuments('development', await loadCPython());
  const tokenizer = trainTokenizer(documents.slice(0, TOKENIZER_DOCUMENTS), shape.vocabulary);
  if (tokenizer.vocabulary !== shape.vocabulary) throw new RangeError(`The tokenizer has ${tokenizer.vocabulary} tokens, not ${shape.vocabulary}.`);
  const chosen = choosePrompts(documents, tokenizer);
  const prompts = chosen.flatMap((prompt) => new Array<string>(GROUP).fill(prompt));

  const pool = new JudgePool({ judges });
  let peer: TorchPeer | null = null, trl: TorchPeer | null = null;
  try {
    await pool.ready();
    const host = await PolicyHost.create(
      { seed: 1, backend: 'onnx:cpu', threads: availableParallelism(), model: shape, pretraining: { steps: 1, learningRate: 3e-4, warmupSteps: 0, infillShare: 0, maskShare: 0 }, tokenizer: '', documents: [], files: [] },
      tokenizer, { backend: 'onnx:cpu', threads: availableParallelism() });
    const ours = new OurRound(host, pool, prompts, await host.encode(prompts));
    const setup = {
      shape, group: GROUP, texts: chosen,
      prompts: chosen.map((prompt) => [SPECIAL_IDS.endOfText, ...tokenizer.encode(prompt)]),
      tokens: Array.from({ length: shape.vocabulary }, (_, id) => tokenizer.decode([id])),
    };
    peer = await openTorch('torch_round.py', setup);
    if (peer) recorder.peer('torch', peer.version);
    else recorder.missing(NO_TORCH);
    trl = await openTorch('trl_round.py', { ...setup, maxTokens: shape.context - PROMPT_TOKENS, meanLength: MEAN_LENGTH });
    if (trl) recorder.peer('trl', (await trl.call<{ version: string }>({ do: 'versions' })).version);
    else recorder.missing(NO_TRL);

    const all: Record<string, RoundTimes[]> = { ours: [], torch: [] };
    const trlTokens: number[] = [];
    const sides: Record<string, () => Promise<number>> = {
      ours: async () => {
        all['ours']!.push(await ours.run());
        return secondsOf(ours.last!);
      },
    };
    if (peer) {
      const asked = peer;
      sides['torch'] = async () => {
        const times = await asked.call<RoundTimes>({ do: 'round', lengths: ours.lengths });
        all['torch']!.push(times);
        return secondsOf(times);
      };
    }
    if (trl) {
      const asked = trl;
      sides['trl'] = async () => {
        const { seconds, tokens, unavailable } = await asked.call<{ seconds: number; tokens: number }>({ do: 'round' });
        if (unavailable !== undefined) throw new PeerError(`TRL: ${unavailable}`);
        trlTokens.push(tokens);
        return seconds;
      };
    }
    // By then every size of batch has been compiled.
    const warmUps = 4;
    const seconds = await alternate(sides, repetitions, warmUps);
    for (const side of Object.keys(all).filter((each) => seconds[each])) {
      const name = `round.${SIZE}${side === 'ours' ? '' : ` ${side}`}`;
      const rounds = all[side]!.slice(warmUps);
      recorder.figure(name, 's', seconds[side]!);
      for (const phase of PHASES) recorder.figure(`${name} ${phase}`, 's', rounds.map((times) => times[phase]));
      recorder.figure(`${name} tokens`, 'tokens', rounds.map(({ tokens }) => tokens));
      recorder.figure(`${name} valid`, 'samples', rounds.map(({ valid }) => valid));
    }
    if (seconds['torch']) recorder.ratio(`round.${SIZE}/torch`, seconds['torch'], seconds['ours']!);
    if (seconds['trl']) {
      recorder.figure(`round.${SIZE} trl`, 's', seconds['trl']);
      recorder.figure(`round.${SIZE} trl tokens`, 'tokens', trlTokens.slice(warmUps));
      recorder.ratio(`round.${SIZE}/trl`, seconds['trl'], seconds['ours']!);
    }
  } finally {
    await peer?.close();
    await trl?.close();
    await pool.close();
  }
  return recorder.report();
}
