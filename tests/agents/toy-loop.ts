/** Rounds of a learner on a tabular policy: samples, verdicts, repairs by continuation, and the learner itself, the real one. */
import { RoundLearner, type LearnerDeps } from '../../src/agents/learner/learner.ts';
import { requestOf, textOf } from '../../src/agents/samples.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Judged } from '../../src/contracts/agents.ts';
import type { EventSink } from '../../src/contracts/events.ts';
import type { Critique, Repair, Sample } from '../../src/contracts/records.ts';
import type { Accepted } from '../../src/agents/learner/method.ts';
import { MemorySink } from '../fakes.ts';
import { END, type Language, type TabularPolicy } from './tabular-policy.ts';

export interface ToyPlan {
  readonly language: Language;
  readonly policy: TabularPolicy;
  readonly config: ConfigInput;
  readonly rounds: number;
  readonly samples?: number;
  readonly maxTokens?: number;
  /** Failed samples that are repaired a round. */
  readonly repaired?: number;
  readonly events?: EventSink;
  /** Log-odds that a text is real; absent: 0 for all. */
  readonly logOdds?: (text: string) => number;
}

/** Share of valid samples of each round, before it was learned from. */
export async function learnToy({ language, policy, config: input, rounds, samples: count = 200, maxTokens = 12, repaired = 0, events = new MemorySink(), logOdds = () => 0 }: ToyPlan): Promise<number[]> {
  const config = parseConfig({ budget: { rounds }, ...input });
  const accepted: (Accepted & { readonly round: number })[] = [];
  const evaluator = language.evaluator();
  policy.logOdds = logOdds;
  const deps: LearnerDeps = {
    config, clock: () => 0, events, evaluator, endOfText: END, real: () => [], replay: async () => [], save: async () => '',
    accepted: async (round, least) => {
      const from = Array.from({ length: round - 1 }, (_, i) => round - 1 - i).find((first) => accepted.filter((one) => one.round >= first && one.round < round).length >= least) ?? 1;
      return least === 0 ? [] : accepted.filter((one) => one.round >= from && one.round < round);
    },
    model: policy,
  };
  const learner = new RoundLearner(deps);
  const validity: number[] = [];
  const write = async (key: string, prompts: readonly string[], of: (i: number) => Omit<Sample, 'completion' | 'finish' | 'prompt'>): Promise<Judged[]> => {
    const completions = await policy.generate({ key, prompts, maxTokens, temperature: 1 });
    const written = completions.map(({ text, finish, tokens, logProbs }, i): Sample => ({ prompt: '', completion: prompts[i]! + text, finish, tokens, logProbs, ...of(i) }));
    const evaluations = await evaluator.evaluateMany(written.map(requestOf));
    return written.map((sample, i) => ({ sample, evaluation: evaluations[i]! }));
  };
  for (let round = 1; round <= rounds; round++) {
    const judged = await write(`round/${round}`, new Array<string>(count).fill(''), (i) => ({ id: `r${round}/u${i}`, taskId: 'u', kind: 'unconditional', round, attempt: 0 }));
    validity.push(judged.filter(({ evaluation }) => evaluation.valid).length / count);
    const failed = judged.filter(({ evaluation }) => !evaluation.valid).slice(0, repaired);
    const stems = failed.map(({ sample, evaluation }) => textOf(sample).slice(0, evaluation.brokenAt));
    const revised = await write(`repair/${round}`, stems, (i) => ({
      id: `${failed[i]!.sample.id}~1`, parent: failed[i]!.sample.id, method: 'continue', kept: stems[i]!.length, taskId: 'u', kind: 'unconditional', round, attempt: 1,
    }));
    const repairs = revised.filter(({ evaluation }) => evaluation.valid).map(({ sample, evaluation }): Repair => ({ parent: sample.parent!, revision: sample, evaluation }));
    const critiques = judged.map(({ sample, evaluation }): Critique => ({ sampleId: sample.id, readability: 1, ...(evaluation.valid ? { logOdds: logOdds(textOf(sample)) } : {}) }));
    await learner.learn({ round, judged, critiques, repairs });
    accepted.push(...judged.filter(({ evaluation }) => evaluation.valid).map(({ sample }) => ({ round, sample, reward: Math.min(config.learning.oddsClip, Math.exp(config.learning.oddsPower * logOdds(textOf(sample)))) })));
    accepted.push(...repairs.map(({ revision }) => ({ round, sample: revision, reward: null })));
  }
  return validity;
}
