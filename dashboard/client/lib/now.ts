/** What is happening, in one sentence. Pure. */
import type { RunState } from '../../protocol.ts';
import { counted, duration, fixed, percent } from './format.ts';
import type { Activity, View } from './model.ts';

export interface Now {
  readonly title: string;
  readonly detail: string;
  /** Share in [0, 1] of what is going on; null when nobody knows. */
  readonly progress: number | null;
}

/** `now`: the server's clock, ms since the epoch. */
export function describeNow(view: View, state: RunState | null, plannedRounds: number | null, now: number): Now {
  const { run, pretraining, rounds } = view;
  const rowsText = roundsText(view);
  // The server knows at once that a run is over; the log's last record may be thousands of records away.
  if (state === 'finished' && run.outcome === null) return { title: 'Finished; its log is being read', detail: rowsText, progress: null };
  if (state === 'finished') return { title: `Finished after ${counted(Math.max(0, rounds.length - 1), 'round')}`, detail: joined(rowsText, run.outcome?.reason ?? ''), progress: 1 };
  if (state === 'failed') return { title: 'The run failed', detail: run.outcome?.reason ?? '', progress: null };
  if (state === 'dead') return { title: 'The process of this run is gone', detail: joined(lastWords(view, now), 'What was committed is safe; resume the run from the terminal.'), progress: null };
  if (state === 'stopped') return { title: 'Stopped, as asked', detail: joined(rowsText, 'The run can be resumed from the terminal.'), progress: null };
  if (state === 'stalled') return { title: 'Nothing has been heard from the run', detail: joined(lastWords(view, now), 'Its process is alive; a long step may be going on.'), progress: null };
  if (state === 'paused') return { title: 'Paused', detail: joined(lastWords(view, now), 'Press Resume to go on.'), progress: null };
  if (run.round === null && !pretraining.finished && pretraining.step > 0) {
    const left = pretraining.endsAt === null ? '' : `about ${duration((pretraining.endsAt - now) / 1000)} left`;
    const speed = pretraining.tokensPerSecond === null ? '' : `${Math.round(pretraining.tokensPerSecond).toLocaleString('en-US')} tokens/s`;
    return {
      title: `Pretraining: step ${pretraining.step.toLocaleString('en-US')} of ${pretraining.totalSteps.toLocaleString('en-US')}`,
      detail: [`loss ${fixed(pretraining.loss, 3)}`, speed, left].filter(Boolean).join(' · '),
      progress: pretraining.totalSteps > 0 ? pretraining.step / pretraining.totalSteps : null,
    };
  }
  const open = view.activities.filter((bar) => bar.end === null);
  const newest = open.at(-1);
  const doing = newest ? `${phrase(newest)}, for ${duration((now - newest.start) / 1000)} so far` : '';
  if (run.round !== null) {
    const done = rounds.filter((round) => round.round > 0).length;
    const last = rounds.at(-1)?.round === run.round;
    return {
      title: last && !newest ? `Round ${run.round} is complete` : `Round ${run.round}${plannedRounds === null ? '' : ` of ${plannedRounds}`}`,
      detail: joined(doing ? `${doing}.` : '', rowsText),
      progress: plannedRounds ? Math.min(1, done / plannedRounds) : null,
    };
  }
  if (pretraining.finished) return { title: rounds.length > 0 ? 'Pretraining is done; the first round comes next' : 'Pretraining is done; round 0 is being measured', detail: doing, progress: null };
  const ready = [run.corpus && 'corpus', run.tokenizer && 'tokenizer', run.model && 'model'].filter(Boolean);
  return { title: 'Preparing', detail: doing || (ready.length > 0 ? `Ready: ${ready.join(', ')}.` : 'Corpus, tokenizer and model are made ready.'), progress: null };
}

/** By the names under which agents note what they do. */
const VERBS: Readonly<Record<string, string>> = {
  prepare: 'prepares corpus, tokenizer and models', pretrain: 'pretrains the policy', finish: 'brings its work to an end', 'pretrain discriminator': 'pretrains the discriminator',
  generate: 'writes samples', judge: 'judges samples', criticise: 'weighs what it read', propose: 'repairs failed samples', learn: 'trains', 'roll out': 'completes beginnings of samples',
  'measure gate': 'measures the candidate', 'measure test': 'measures the policy',
};

/** `The generator writes samples (768)`. */
export function phrase({ agent, activity, amount }: Pick<Activity, 'agent' | 'activity' | 'amount'>): string {
  const verb = VERBS[activity] ?? `is busy with ${activity.replace(/[.\-_]/g, ' ')}`;
  return `The ${agent.replace(/[-_]/g, ' ')} ${verb}${amount > 1 ? ` (${amount.toLocaleString('en-US')})` : ''}`;
}

function roundsText({ rounds }: View): string {
  const first = rounds[0]?.row.test.unconditional.value;
  const last = rounds.at(-1)?.row.test.unconditional.value;
  if (first === undefined || last === undefined) return '';
  if (rounds.length === 1) return `Validity at round 0: ${percent(first)}.`;
  return `Validity ${percent(first)} at round 0, now ${percent(last)}.`;
}

function lastWords({ run }: View, now: number): string {
  return run.newestAt === null ? '' : `Last heard of ${duration((now - run.newestAt) / 1000)} ago.`;
}

function joined(...parts: string[]): string {
  return parts.filter(Boolean).join(' ');
}
