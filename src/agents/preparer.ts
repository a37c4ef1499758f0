/**
 * The preparer: corpus, documents, tokenizer and models, each out of the cache when it was made before, and the place where a
 * resumed run goes on. Not here: how a corpus is read (tasks), where the cache and the checkpoints lie (their folders come in
 * through the deps).
 */
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../config/schema.ts';
import type { Preparation, Preparer, Promotion } from '../contracts/agents.ts';
import type { DocumentFinder, Evaluator, SafetyScanner } from '../contracts/evaluator.ts';
import type { DiscriminatorInput, Excerpts, LatentConfig, ModelHost, PretrainPlan } from '../contracts/model.ts';
import type { HeldOutBits, RoundRow, Split } from '../contracts/records.ts';
import { findDocuments, readCorpus, requireDocuments, withoutFiles, type Corpus, type Documents } from '../tasks/index.ts';
import { vetoed } from '../metrics/index.ts';
import { during, type ActivityDeps } from './activity.ts';
import { outOfPatience, pretrainingEvents, type PretrainingRecord } from './pretrainer.ts';

/** Values that are made once and kept by everything they were made from. */
export interface Kept {
  /** The JSON value of `key`, made and kept when it is not there. */
  json<T>(kind: string, key: unknown, make: () => Promise<T>): Promise<T>;
  /** The folder of `key`, filled by `make` when it is not there. */
  folder(kind: string, key: unknown, make: (folder: string) => Promise<void>): Promise<string>;
  /** The folder of `key`, or null. */
  find(kind: string, key: unknown): string | null;
}

/** The documents that fit the context, and what counts their tokens. */
interface FittingDocuments {
  readonly documents: Documents;
  /** Path of the tokenizer.json. */
  readonly tokenizer: string;
  /** Tokens of a text, as the policy's tokenizer counts them. */
  readonly countTokens: (text: string) => number;
}

/** What a run learns from and is measured on. */
export interface DocumentSet extends FittingDocuments {
  /** Training documents as the discriminator sees them. */
  readonly real: readonly DiscriminatorInput[];
  readonly excerpts: Excerpts;
}

/** Part of the longest document that an excerpt may be as long as, by characters: nearly all of them fit then. */
const EXCERPT_FILLS = 0.4;

interface TokenizerFigures {
  readonly vocabulary: number;
  readonly bytesPerToken: number;
}

/** What a resumed run has behind it, as its log and its checkpoints tell. */
export interface Past {
  readonly rows: readonly RoundRow[];
  readonly promotions: readonly Promotion[];
  /** The newest checkpoint of pretraining, and its step. */
  readonly pretraining: { readonly checkpoint: string; readonly step: number } | null;
  /** Every `pretraining.measured` of the log, in order. */
  readonly measured: readonly HeldOutBits[];
  /** Folder of a checkpoint whose files are whole. */
  readonly folderOf: (checkpoint: string) => Promise<string>;
}

/** What the models have to know of a run's pretraining. */
export function pretrainPlan({ steps, learningRate, warmupSteps, infillShare, maskShare }: Config['pretraining']): PretrainPlan {
  return { steps, learningRate, warmupSteps, infillShare, maskShare };
}

/** The latent generator that a run trains; null with any learner but latent-gan. */
export function latentPlan({ learner, latent: { noise, prefix, objective } }: Pick<Config, 'learner' | 'latent'>): LatentConfig | null {
  return learner === 'latent-gan' ? { noise, prefix, objective } : null;
}

export interface PreparerDeps extends ActivityDeps {
  readonly model: Pick<ModelHost, 'trainTokenizer' | 'initialise' | 'tokenBytes' | 'load' | 'promote' | 'rollback'>;
  readonly finder: DocumentFinder & Evaluator & SafetyScanner & { setDocuments(documents: readonly string[]): Promise<void> };
  readonly config: Config;
  readonly kept: Kept;
  readonly past: Past;
  /** Reads a tokenizer.json and counts tokens with it. */
  readonly tokenCounter: (path: string) => (text: string) => number;
  readonly hash: (value: unknown) => string;
}

const SPLITS: readonly Split[] = ['train', 'gate', 'test'];
/** Part of the cache's keys: raise it when what is kept under them changes its meaning. */
const VERSION = 6;
/** Texts whose tokens are counted in one go: some 20 ms. */
const COUNTED_AT_ONCE = 100;

export class RunPreparer implements Preparer {
  #set: DocumentSet | null = null;
  #pretrainingKey: unknown = null;

  constructor(private readonly deps: PreparerDeps) {}

  /** What was prepared. Throws when `prepare` has not ended. */
  get set(): DocumentSet {
    if (!this.#set) throw new Error('prepare comes first.');
    return this.#set;
  }

  /** Under which key the finished pretraining of this corpus and these settings is kept. */
  get pretrainingKey(): unknown {
    return this.#pretrainingKey;
  }

  async prepare(_input?: undefined, signal?: AbortSignal): Promise<Preparation> {
    const { events, model, config, hash, finder, past } = this.deps;
    return during(this.deps, { agent: 'preparer', activity: 'prepare', round: null, amount: 1 }, async () => {
      const corpus = await this.#vet(await readCorpus(config.corpus), signal);
      signal?.throwIfAborted();
      const all = await this.#documents(corpus, signal);
      const tokenizer = await this.#tokenizer(corpus);
      const set = await this.#choose(all, tokenizer.path);
      const excerpts: Excerpts = { texts: await this.#excerpts(corpus, all, set), share: config.learning.excerptShare };
      signal?.throwIfAborted();
      events.record([
        { key: 'corpus', event: { type: 'corpus.ready', data: { files: corpus.files.length, bytes: corpus.bytes, documents: counts(set.documents), excerpts: excerpts.texts.length, rejected: corpus.rejected.length, licence: corpus.licence, hash: corpus.hash } } },
        { key: 'tokenizer', event: { type: 'tokenizer.ready', data: { vocabulary: tokenizer.vocabulary, bytesPerToken: tokenizer.bytesPerToken, hash: hash([corpus.hash, tokenizer.vocabulary]) } } },
      ]);
      const train = set.documents.train.map(({ text }) => text);
      await finder.setDocuments([...train, ...excerpts.texts]);
      const real = await this.#structures(corpus, train, signal);
      this.#set = { ...set, real, excerpts };

      const plan = pretrainPlan(config.pretraining);
      const latent = latentPlan(config);
      const info = await model.initialise({
        seed: config.seed, backend: config.backend, threads: config.threads, model: config.model, pretraining: plan, tokenizer: tokenizer.path,
        ...(latent && { latent }),
        documents: train, excerpts, files: corpus.files.filter(({ split }) => split === 'train').map(({ text }) => text),
      });
      events.record([
        { key: 'model', event: { type: 'model.ready', data: info } },
        { key: 'vocabulary', event: { type: 'vocabulary.ready', data: { bytes: await model.tokenBytes() } } },
      ]);
      const { pretraining: { patience, saveEvery }, measuring, sampling: { maxTokens } } = config;
      this.#pretrainingKey = {
        version: VERSION, corpus: corpus.hash, maxTokens, seed: config.seed, threads: config.threads, backend: info.backend, model: config.model, parameters: info.parameters, plan,
        // How often and on what is measured decides nothing where it does not end pretraining.
        early: patience === 0 ? null : { patience, saveEvery, documents: measuring.documents },
      };
      signal?.throwIfAborted();
      return { ...(await this.#goOn(past)), completedRounds: past.rows.at(-1)?.round ?? 0, rows: past.rows, promotions: past.promotions };
    });
  }

  /** Loads the weights to go on from; returns the steps of pretraining that they have seen, and after how many it is over. */
  async #goOn(past: Past): Promise<Pick<Preparation, 'pretrainedSteps' | 'totalSteps'>> {
    const { model, kept, events, config: { pretraining } } = this.deps;
    const totalSteps = pretraining.steps;
    const last = past.rows.at(-1);
    if (last) {
      await model.load(await past.folderOf(last.checkpoint));
      if (last.outcome === 'promoted') await model.promote();
      if (last.outcome === 'rejected') await model.rollback();
      return { pretrainedSteps: totalSteps, totalSteps };
    }
    const folder = kept.find('pretraining', this.#pretrainingKey);
    if (folder) {
      await model.load(`${folder}/weights`);
      const record = await this.#found<PretrainingRecord>('pretraining-record', this.#pretrainingKey, 'pretraining');
      events.record(pretrainingEvents(record, totalSteps));
      return { pretrainedSteps: record.steps.length, totalSteps: record.steps.length };
    }
    if (!past.pretraining) return { pretrainedSteps: 0, totalSteps };
    const { checkpoint, step } = past.pretraining;
    await model.load(await past.folderOf(checkpoint));
    return { pretrainedSteps: step, totalSteps: outOfPatience(past.measured, step, pretraining.patience) ? step : totalSteps };
  }

  /** The corpus without the files that safety vetoes; the same corpus where there are none. */
  async #vet(corpus: Corpus, signal?: AbortSignal): Promise<Corpus> {
    const { config: { safety }, finder, kept } = this.deps;
    if (safety.veto.length === 0) return corpus;
    const paths = await kept.json('vetoed', { version: VERSION, corpus: corpus.hash, safety }, async () => {
      const scanned = await finder.scanSafety(corpus.files.map(({ text }) => text), signal);
      return corpus.files.filter((_, i) => vetoed(scanned[i]!, safety)).map(({ path }) => path);
    });
    return withoutFiles(corpus, paths, `vetoed by safety (${safety.veto.join(', ')})`);
  }

  async #documents(corpus: Corpus, signal?: AbortSignal): Promise<Documents> {
    return this.deps.kept.json('documents', { version: VERSION, corpus: corpus.hash }, () => findDocuments(corpus.files, this.deps.finder, signal ? { signal } : {}));
  }

  /** The JSON value of `key`, which was kept before what led here. */
  #found<T>(kind: string, key: unknown, of: string): Promise<T> {
    return this.deps.kept.json(kind, key, () => Promise.reject(new Error(`The cache of ${of} is incomplete; \`ouroboros cache clear\` mends that.`)));
  }

  async #tokenizer(corpus: Corpus): Promise<TokenizerFigures & { readonly path: string }> {
    const { model, kept, config } = this.deps;
    const key = { version: VERSION, corpus: corpus.hash, vocabulary: config.model.vocabulary };
    const folder = await kept.folder('tokenizer', key, async (temporary) => {
      const texts = corpus.files.filter(({ split }) => split === 'train').map(({ text }) => text);
      const made = await model.trainTokenizer({ texts, vocabulary: config.model.vocabulary, path: `${temporary}/tokenizer.json` });
      // Before the tokenizer itself is kept: where that is found, its figures are.
      await kept.json<TokenizerFigures>('tokenizer-figures', key, async () => made);
    });
    const figures = await this.#found<TokenizerFigures>('tokenizer-figures', key, 'tokenizers');
    return { path: `${folder}/tokenizer.json`, ...figures };
  }

  /** Most tokens of a document, its end-of-text token included. */
  #longest(): number {
    const { model, sampling } = this.deps.config;
    return Math.min(model.context, sampling.maxTokens);
  }

  /** Parts of the training documents that are too long, each of which fits and is no held-out document. */
  async #excerpts(corpus: Corpus, all: Documents, { documents, countTokens }: FittingDocuments): Promise<string[]> {
    const { config, kept, finder } = this.deps;
    if (config.learning.excerptShare === 0) return [];
    const longest = this.#longest();
    const key = { version: VERSION, corpus: corpus.hash, vocabulary: config.model.vocabulary, longest };
    return kept.json('excerpts', key, async () => {
      const chosen = new Set(documents.train);
      const heldOut = new Set([...all.gate, ...all.test].map(({ text }) => text));
      const some = documents.train.slice(0, COUNTED_AT_ONCE).map(({ text }) => text).join('');
      const tooLong = all.train.filter((document) => !chosen.has(document)).map(({ text }) => text);
      const found = await finder.excerpts(tooLong, Math.floor((EXCERPT_FILLS * longest * some.length) / countTokens(some)));
      return this.#fitting(found.filter((text) => !heldOut.has(text)), (text) => text, countTokens);
    });
  }

  async #choose(all: Documents, tokenizer: string): Promise<FittingDocuments> {
    const countTokens = this.deps.tokenCounter(tokenizer);
    const documents = { train: [], gate: [], test: [] } as Record<Split, Documents[Split]>;
    for (const split of SPLITS) documents[split] = await this.#fitting(all[split], ({ text }) => text, countTokens);
    requireDocuments(documents);
    return { documents, tokenizer, countTokens };
  }

  /** Those whose text's ids and end-of-text token fit the context. */
  async #fitting<T>(items: readonly T[], textOf: (item: T) => string, countTokens: (text: string) => number): Promise<T[]> {
    const longest = this.#longest();
    const fitting: T[] = [];
    for (const [i, item] of items.entries()) {
      // Thousands of texts take a second; commands and the dashboard are heard meanwhile.
      if (i % COUNTED_AT_ONCE === 0) await setImmediate();
      if (countTokens(textOf(item)) + 1 <= longest) fitting.push(item);
    }
    return fitting;
  }

  /** Training documents as the discriminator sees them. */
  async #structures(corpus: Corpus, train: readonly string[], signal?: AbortSignal): Promise<DiscriminatorInput[]> {
    const { config, kept, finder } = this.deps;
    const key = { version: VERSION, corpus: corpus.hash, vocabulary: config.model.vocabulary, context: config.model.context, maxTokens: config.sampling.maxTokens };
    const bigrams = await kept.json('structures', key, async () => {
      const evaluations = await finder.evaluateMany(train.map((text, i) => ({ id: String(i), text, promptLength: 0, finish: 'stop' as const })), signal);
      return evaluations.map((evaluation) => evaluation.bigrams);
    });
    return bigrams.filter(({ length }) => length > 0).map((own) => ({ bigrams: own }));
  }
}

function counts(documents: Documents): Record<string, number> {
  return Object.fromEntries(SPLITS.map((split) => [split, documents[split].length]));
}
