/** What a run has behind it, as queries over its log: the rounds that are complete, the promotions, the replay buffer. */
import { setImmediate } from 'node:timers/promises';
import type { Promotion } from '../contracts/agents.ts';
import type { Evaluation, HeldOutBits, RoundRow, Sample } from '../contracts/records.ts';
import type { EventLog, EventLogReader } from './event-log.ts';

type Log = Pick<EventLog | EventLogReader, 'query'>;

/** Rows of the complete rounds, in order. */
export function completedRows(log: Log): RoundRow[] {
  return log.query({ types: ['round.finished'] }).map(({ data }) => data);
}

/** Promotions of complete rounds, in order: what came after the last complete round will be decided again. */
export function promotionsOf(log: Log): Promotion[] {
  const last = completedRows(log).at(-1)?.round ?? -1;
  return log.query({ types: ['checkpoint.promoted'] }).map(({ data }) => data).filter(({ round }) => round <= last);
}

/** What was measured during pretraining, in order. */
export function measuredBits(log: Log): HeldOutBits[] {
  return log.query({ types: ['pretraining.measured'] }).map(({ data }) => data);
}

/** Seconds that the complete rounds took. */
export function secondsSpent(log: Log): number {
  return log.query({ types: ['round.timed'] }).reduce((sum, { data }) => sum + data.seconds, 0);
}

/**
 * The replay buffer: texts of the valid, original samples of the `rounds` rounds before `round`, oldest first. The watermark is the
 * round: what later rounds wrote is not there yet when a round is repeated.
 */
export function replayBuffer(log: Log, round: number, rounds: number): { readonly id: string; readonly text: string }[] {
  const texts: { id: string; text: string }[] = [];
  for (let earlier = Math.max(1, round - rounds); earlier < round; earlier++) {
    const samples = log.query({ types: ['sample.created'], round: earlier }).map(({ data }) => data).filter(({ parent }) => parent === undefined);
    const evaluations = log.query({ types: ['evaluation.recorded'], round: earlier });
    const valid = new Set(evaluations.filter(({ data }) => data.valid && !data.copy).map(({ data }) => data.id));
    for (const { id, prompt, completion } of samples) if (valid.has(id)) texts.push({ id, text: prompt + completion });
  }
  return texts;
}

/**
 * What may be learned from of the rounds before `round`: rewarded samples with their rewards, and accepted revisions that `allowed`
 * lets through, of as many of the newest rounds as it takes to have `least`, each whole, oldest first.
 */
export async function acceptedSamples(log: Log, round: number, least: number, allowed: (evaluation: Omit<Evaluation, 'bigrams'>) => boolean): Promise<{ readonly sample: Sample; readonly reward: number | null }[]> {
  const accepted: { sample: Sample; reward: number | null }[] = [];
  for (let earlier = round - 1; earlier >= 1 && accepted.length < least; earlier--) {
    const rewards = new Map(log.query({ types: ['reward.recorded'], round: earlier }).map(({ data }) => [data.sampleId, data.value]));
    const revisions = new Set(log.query({ types: ['refinement.finished'], round: earlier }).flatMap(({ data }) => data.accepted));
    // A round's evaluations take some 20 ms to read.
    await setImmediate();
    const refused = new Set(log.query({ types: ['evaluation.recorded'], round: earlier }).filter(({ data }) => !allowed(data)).map(({ data }) => data.id));
    await setImmediate();
    accepted.unshift(...log.query({ types: ['sample.created'], round: earlier }).flatMap(({ data: sample }): typeof accepted => {
      const reward = rewards.get(sample.id) ?? 0;
      if (reward > 0) return [{ sample, reward }];
      return revisions.has(sample.id) && !refused.has(sample.id) ? [{ sample, reward: null }] : [];
    }));
  }
  return accepted;
}
