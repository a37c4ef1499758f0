/**
 * The refiner: picks failed samples worth a repair, lets the policy write revisions where the findings point, and keeps of
 * each parent the best acceptable one. Revisions are judged ahead, as the critic will ask. Where a text is cut stands in refinement/cuts.ts, what counts as a repair in
 * refinement/acceptance.ts. Not here: judging revisions (the critic does, like any sample).
 */
import type { Judged, Refiner } from '../contracts/agents.ts';
import type { Evaluator } from '../contracts/evaluator.ts';
import type { Completion, FinishedListener, ModelHost } from '../contracts/model.ts';
import type { Proportion, Repair, Sample } from '../contracts/records.ts';
import type { Config } from '../config/schema.ts';
import { wilson } from '../metrics/index.ts';
import { during, type ActivityDeps } from './activity.ts';
import { difference, objection } from './refinement/acceptance.ts';
import { cutFor, stemFor, type Hole, type Stem } from './refinement/cuts.ts';
import { byteLength } from './refinement/python-text.ts';
import { judgedAhead } from './ahead.ts';
import { createdEvent, critiqueRequestOf, recordAll, spread } from './samples.ts';

export interface RefinerDeps extends ActivityDeps {
  readonly model: Pick<ModelHost, 'generate' | 'infill'>;
  readonly evaluator: Evaluator;
  readonly config: Pick<Config, 'sampling' | 'refinement'>;
}

/** Tokens a hole may be filled with: some more than what it held, at two bytes a token or more. */
const SPARE_TOKENS = 16;
const BYTES_A_TOKEN = 2;

function groupByParent(revisions: readonly Judged[]): Map<string, Judged[]> {
  const groups = new Map<string, Judged[]>();
  for (const revision of revisions) {
    const group = groups.get(revision.sample.parent!);
    if (group) group.push(revision);
    else groups.set(revision.sample.parent!, [revision]);
  }
  return groups;
}

export class PointedRefiner implements Refiner {
  constructor(private readonly deps: RefinerDeps) {}

  /**
   * Syntax failures in falling order of score, evenly spaced when there are more than `refinement.parents`, so that hard cases are
   * among them; those come first of which enough was sound to be gone on from; then truncated samples fill what is left. Empty, too
   * large and unjudged texts have nothing to repair.
   */
  select({ judged }: { readonly round: number; readonly judged: readonly Judged[] }): Judged[] {
    const limit = this.deps.config.refinement.parents;
    const failed = (reason: string) => judged.filter(({ evaluation }) => !evaluation.valid && evaluation.reason === reason);
    const { minimumKept } = this.deps.config.refinement;
    const syntax = failed('syntax').sort((a, b) => b.evaluation.score - a.evaluation.score);
    const sound = spread(syntax.filter((parent) => stemFor(parent, 0, minimumKept) !== null), limit);
    const taken = new Set(sound);
    const others = spread(syntax.filter((parent) => !taken.has(parent)), limit - sound.length);
    return [...sound, ...others, ...spread(failed('truncated'), limit - sound.length - others.length)];
  }

  /** Revisions `<parent>~<attempt>` of those parents that are not repaired and can be cut without losing too much; in the parents' order. */
  async propose(
    { round, attempt, parents, revisions: earlier }: { readonly round: number; readonly attempt: number; readonly parents: readonly Judged[]; readonly revisions: readonly Judged[] },
    signal?: AbortSignal,
  ): Promise<Sample[]> {
    const { model, evaluator, events, config: { sampling, refinement } } = this.deps;
    const repaired = new Set(this.choose({ parents, revisions: earlier }).map(({ parent }) => parent));
    const tried = groupByParent(earlier);
    const cuts = parents.flatMap((parent) => {
      if (repaired.has(parent.sample.id)) return [];
      const cut = cutFor(parent, tried.get(parent.sample.id) ?? [], attempt, refinement.minimumKept);
      return cut ? [{ parent: parent.sample, cut }] : [];
    });
    return during(this.deps, { agent: 'refiner', activity: 'propose', round, amount: cuts.length }, async () => {
      const holes = cuts.filter((one): one is { parent: Sample; cut: Hole } => one.cut.method === 'infill');
      const stems = cuts.filter((one): one is { parent: Sample; cut: Stem } => one.cut.method === 'continue');
      const revised = ({ parent, cut }: (typeof cuts)[number], { text, finish }: Pick<Completion, 'text' | 'finish'>) => ({
        id: `${parent.id}~${attempt}`, prompt: parent.prompt, finish,
        completion: (cut.prefix + text + (cut.method === 'infill' ? cut.suffix : '')).slice(parent.prompt.length),
      });
      const ahead = (of: typeof cuts, sample: (listener?: FinishedListener) => Promise<Completion[]>): Promise<Completion[]> =>
        judgedAhead(evaluator, sample, (finished) => critiqueRequestOf(revised(of[finished.index]!, finished)), signal);
      const key = `round/${round}/refine/${attempt}`;
      const { temperature } = refinement;
      const filled = holes.length === 0 ? [] : await ahead(holes, (listener) => model.infill({
        key: `${key}/infill`,
        holes: holes.map(({ cut: { prefix, suffix, removed } }) => ({
          prefix, suffix, maxTokens: Math.min(sampling.maxTokens, SPARE_TOKENS + Math.ceil(byteLength(removed) / BYTES_A_TOKEN)),
        })),
        temperature,
        weights: 'raw',
      }, listener));
      signal?.throwIfAborted();
      const continued = stems.length === 0 ? [] : await ahead(stems, (listener) => model.generate({
        key: `${key}/continue`, prompts: stems.map(({ cut: { prefix } }) => prefix), maxTokens: sampling.maxTokens, temperature, weights: 'raw',
      }, listener));
      signal?.throwIfAborted();
      let nextFilled = 0;
      let nextContinued = 0;
      const revisions = cuts.map(({ parent, cut }): Sample => {
        const written = cut.method === 'infill' ? filled[nextFilled++]! : continued[nextContinued++]!;
        const { taskId, kind } = parent;
        return {
          ...revised({ parent, cut }, written), taskId, kind, round, attempt, parent: parent.id, method: cut.method,
          ...(cut.method === 'continue' ? { kept: cut.prefix.length, tokens: written.tokens, logProbs: written.logProbs } : {}),
        };
      });
      await recordAll(events, revisions.map(createdEvent));
      return revisions;
    });
  }

  /** The best acceptable revision of each parent: by score, then by kept bytes, then the earliest attempt. */
  choose({ parents, revisions }: { readonly parents: readonly Judged[]; readonly revisions: readonly Judged[] }): Repair[] {
    const { minimumKept } = this.deps.config.refinement;
    return parents.flatMap((parent) => {
      const best = revisions
        .filter((revision) => revision.sample.parent === parent.sample.id && objection(parent, revision, minimumKept) === null)
        .map((revision) => ({ ...revision, kept: difference(parent.sample.completion, revision.sample.completion).kept }))
        .sort((a, b) => b.evaluation.score - a.evaluation.score || b.kept - a.kept || a.sample.attempt - b.sample.attempt)[0];
      return best ? [{ parent: parent.sample.id, revision: best.sample, evaluation: best.evaluation }] : [];
    });
  }

  /**
   * Records `refinement.finished` (key `round/<r>/refined`) and returns the validity of the round's unconditional samples with an
   * accepted repair counted as valid; of all samples where none is unconditional.
   */
  conclude({ round, judged, repairs }: {
    readonly round: number; readonly judged: readonly Judged[]; readonly repairs: readonly Repair[];
  }): Proportion {
    const repaired = new Set(repairs.map(({ parent }) => parent));
    const unconditional = judged.filter(({ sample }) => sample.kind === 'unconditional');
    const counted = unconditional.length > 0 ? unconditional : judged;
    const after = wilson(counted.filter(({ sample, evaluation }) => evaluation.valid || repaired.has(sample.id)).length, counted.length);
    const failed = judged.filter(({ evaluation }) => !evaluation.valid).length;
    const accepted = repairs.map(({ revision }) => revision.id);
    this.deps.events.record([
      { key: `round/${round}/refined`, event: { type: 'refinement.finished', data: { round, failed, repaired: repairs.length, accepted, after } } },
    ]);
    return after;
  }
}
