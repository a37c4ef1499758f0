/**
 * Every setting of a run, its default and its range, in one place. `ouroboros.config.json`, presets and command-line flags are
 * merged into one object and parsed by this schema; nothing else in the project invents a default.
 */
import { z } from 'zod';

export const backendNames = ['auto', 'onnx:cpu', 'onnx:webgpu', 'onnx:cuda', 'tensorflow', 'wasm', 'cpu'] as const;
export const learnerNames = ['policy-gradient', 'expert-iteration', 'repair', 'seqgan', 'latent-gan'] as const;
export type LearnerName = (typeof learnerNames)[number];

const positive = z.int().min(1);
const share = z.number().min(0).max(1);

const safetyCategory = z.enum(['secret', 'danger', 'slur', 'bias', 'personal']);
const vetoName = /^(?:secret|danger|slur|bias|personal)(?:\.[a-z0-9-]+)?$/;
const ruleHead = { id: z.string().regex(/^[a-z]+\.[a-z0-9-]+$/, 'an id is <category>.<name> in lower case'), category: safetyCategory, message: z.string().min(1) };
const safetyRule = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('token'), ...ruleHead, prefix: z.string().min(1),
    characters: z.enum(['alphanumeric', 'upper', 'hex', 'word', 'dotted', 'path']), least: positive, most: positive,
  }),
  z.strictObject({ kind: z.literal('literal'), ...ruleHead, text: z.string().min(1) }),
  z.strictObject({ kind: z.literal('call'), ...ruleHead, names: z.array(z.string().min(1)).min(1) }),
  z.strictObject({ kind: z.literal('word'), ...ruleHead, words: z.array(z.string().min(1)).min(1) }),
  z.strictObject({ kind: z.literal('hashed-word'), ...ruleHead, hashes: z.array(z.string().regex(/^[0-9a-f]{64}$/)).min(1) }),
]);

export const configSchema = z.strictObject({
  seed: z.int().min(0).max(0xffffffff).default(1).describe('Seed of every random number of the run.'),
  backend: z.enum(backendNames).default('auto').describe('Where tensors are computed.'),
  threads: z.int().min(0).max(256).default(0).describe('Threads of the tensor engine; 0: one a core.'),
  corpus: z.array(z.string()).default([]).describe('Files, folders and globs of .py or .jsonl; none: the standard library inside the pyodide package.'),
  evaluator: z.string().optional().describe("Path of a module whose default export makes an Evaluator; absent: the project's own."),

  learner: z.enum(learnerNames).default('policy-gradient').describe('How the policy is taught; docs/learners.md. Learner repair has defaults of its own: refinement.parents 256, learning.passes 4.'),

  budget: z.strictObject({
    rounds: z.int().min(0).default(10).describe('Rounds at most; the learning rate falls over these.'),
    minutes: z.number().positive().default(9).describe('The run stops after the round in which this is reached; while it is paused none pass.'),
    targetValidity: share.default(1).describe('The run stops once validity on the gate split reaches this; 1: never.'),
    plateauRounds: z.int().min(0).default(0).describe('Stop after so many rounds without a better promoted policy; 0: never.'),
  }).prefault({}),

  model: z.strictObject({
    layers: positive.default(4).describe('Transformer blocks.'),
    heads: positive.default(4).describe('Attention heads of a block.'),
    kvHeads: positive.default(4).describe('Heads of keys and values, each shared by as many query heads (grouped-query attention).'),
    width: positive.default(128).describe('Numbers that stand for a token between the blocks; a multiple of 16 times model.heads.'),
    hidden: positive.default(344).describe('Width inside the feed-forward part of a block.'),
    vocabulary: z.int().min(300).max(65000).default(1024).describe('Tokens of the tokenizer, which is trained on the corpus.'),
    context: positive.default(192).describe('Tokens that the policy sees at most, prompt and completion together.'),
    batch: positive.default(16).describe('Rows of model.context tokens in an update.'),
    lexicalState: z.boolean().default(true).describe('The policy is told what is open so far, token by token: brackets, strings, and what the line began with. For texts that are not like Python: false.'),
  }).prefault({})
    .refine(({ width, heads }) => width % heads === 0 && (width / heads) % 16 === 0, { path: ['width'], message: 'must be a multiple of 16 times model.heads' })
    .refine(({ heads, kvHeads }) => heads % kvHeads === 0, { path: ['kvHeads'], message: 'must divide model.heads' }),

  pretraining: z.strictObject({
    steps: positive.default(900).describe('Updates on the corpus before the first round.'),
    learningRate: z.number().positive().default(3e-3).describe('Highest rate, at the end of the warm-up; from there it falls as a cosine to a tenth.'),
    warmupSteps: z.int().min(0).default(60).describe('Steps over which the rate rises from 0.'),
    infillShare: share.default(0.15).describe('Share of documents rearranged for fill-in-the-middle.'),
    maskShare: share.default(0).describe('Share of documents with masked tokens, predicted after them.'),
    saveEvery: positive.default(250).describe('Steps between two saved states, and between two measurements of held-out bits where there is patience.'),
    patience: z.int().min(0).default(0).describe('Pretraining ends after so many measurements in a row without fewer bits a byte on the gate split; 0: nothing is measured, and all steps are done.'),
  }).prefault({})
    .refine(({ infillShare, maskShare }) => infillShare + maskShare <= 1, { path: ['maskShare'], message: 'must not exceed what pretraining.infillShare leaves of 1' }),

  sampling: z.strictObject({
    unconditional: z.int().min(0).default(1536).describe('Unconditional samples a round.'),
    prompted: z.int().min(0).default(512).describe('Prompted samples a round.'),
    maxTokens: positive.default(190).describe('Tokens of a sample at most; a sample that needs more is truncated and fails.'),
    temperature: z.number().positive().default(1).describe('Temperature of the samples that are learned from; what is measured is drawn at 1.'),
  }).prefault({}),

  refinement: z.strictObject({
    parents: z.int().min(0).default(64).describe('Failed samples repaired a round.'),
    attempts: positive.default(4).describe('Revisions of a failed sample at most.'),
    temperature: z.number().positive().default(0.8).describe('Temperature of revisions: what is written into a hole need not be drawn as widely as what is measured.'),
    minimumKept: share.default(0.4).describe("Least share of the parent's bytes and syntax nodes that a revision keeps."),
  }).prefault({}),

  learning: z.strictObject({
    learningRate: z.number().positive().default(4e-4).describe('Learning rate of the policy in the first round.'),
    warmupSteps: z.int().min(0).default(10).describe('Steps over which the rate rises from 0 at the first round.'),
    decay: share.default(0.3).describe('Learning rate of the last budgeted round as a share of the first.'),
    passes: positive.default(2).describe('Times that a round\'s samples are learned from.'),
    corpusShare: share.default(0.65).describe('Share of the rows of an update that hold the corpus; at least one row holds samples.'),
    corpusWeight: z.number().min(0).default(0.8).describe('Weight of the likelihood of the corpus rows.'),
    excerptShare: share.default(0.25).describe('Share of the corpus rows that hold parts of functions too long to be documents.'),
    clipLow: z.number().positive().default(0.3).describe("Bound of the ratio of a token's probability to the one that it was written with: where it is below, blame stops."),
    clipHigh: z.number().positive().default(1.5).describe("Bound of the ratio of a token's probability to the one that it was written with: where it is above, praise stops."),
    averageDecay: share.default(0.99).describe('Decay of the exponential average of the weights, step by step; the average is what is measured and promoted.'),
    advantageWeight: z.number().min(0).default(0).describe('Weight of a valid sample\'s advantage, which all of its tokens have; 0: good samples are learned from by their likelihood alone (acceptedWeight).'),
    advantageBin: positive.default(48).describe('Samples with about equally many code tokens whose mean reward an advantage is taken against; more than a round has: one baseline for all.'),
    faultWeight: z.number().min(0).default(20).describe('Blame on the token at which a failed sample broke, in standard deviations of the advantages.'),
    faultBefore: z.int().min(0).default(1).describe('Tokens before the break that share its blame, each with half of what the next one has.'),
    alternativeWeight: z.number().min(0).default(120).describe('Blame on what might have been written and would have broken the text, in standard deviations of the advantages; each token has it times the probability of that.'),
    alternativeDraws: z.int().min(0).max(4).default(2).describe('Alternatives drawn at each position of a sample; 0: none.'),
    klWeight: z.number().min(0).default(0).describe('Weight of the divergence from the promoted policy at every token of a sample; 0: the corpus keeps the policy near (docs/decisions/0013).'),
    entropyWeight: z.number().min(0).default(0).describe('Weight of the policy\'s entropy at every token of a sample; 0: none.'),
    oddsPower: share.default(0.2).describe('Exponent of the discriminator\'s odds: 1 weighs valid samples towards real code in full, 0 not at all.'),
    oddsClip: z.number().positive().default(1).describe('Largest reward that the odds can make.'),
    shapePower: share.default(0).describe('A valid sample\'s reward is divided by the number of the round\'s valid samples that have its shape, to this power; 0: not at all.'),
    repairWeight: z.number().min(0).default(0.3).describe('Credit of a repaired span in accepted revisions.'),
    pairWeight: z.number().min(0).default(6).describe('Credit of a revision\'s span, and blame of its failed parent\'s, shared by the tokens of the span, where the policy prefers neither to the other; learner repair.'),
    pairSharpness: z.number().positive().default(1).describe('How fast the credit of a pair falls as the preference grows: beta of DPO, where the difference between the two spans is one of means over tokens.'),
    acceptedWeight: z.number().min(0).default(0.25).describe('Weight of the likelihood of accepted samples and revisions beside the policy gradient; 0: none.'),
    bufferSize: positive.default(1024).describe('Accepted samples and revisions whose likelihood is learned, the newest.'),
    rollouts: positive.default(2).describe('Completions of each beginning of a sample; their mean reward is what SeqGAN takes the beginning to be worth.'),
    rolloutSamples: positive.default(1024).describe('Samples of a round that SeqGAN rolls out and learns from, at most.'),
    rolloutSpacing: positive.default(16).describe('Tokens from one beginning that SeqGAN rolls out to the next; those between them have the credit of the next one.'),
    readabilityWeight: share.default(0).describe('Share of a reward that readability decides; 0: it is shown and not trained on.'),
    discriminatorSteps: z.int().min(0).default(60).describe('Updates of the discriminator a round; three times as many before the first.'),
    discriminatorRate: z.number().positive().default(1e-3).describe('Learning rate of the discriminator.'),
  }).prefault({}),

  latent: z.strictObject({
    noise: positive.default(100).describe('Standard normal numbers that a text of latent-gan begins with.'),
    prefix: positive.default(4).describe('Vectors before the text that the noise of latent-gan becomes.'),
    objective: z.enum(['minimax', 'non-saturating']).default('non-saturating').describe('What the generator minimises: E[log(1 - D)] or -E[log D].'),
    steps: positive.default(40).describe('Updates of discriminator and generator a round.'),
    temperature: z.number().positive().default(1).describe('Temperature of the Gumbel-softmax.'),
    adversarialWeight: z.number().min(0).default(0.1).describe('Weight of the adversarial loss beside the likelihood of the corpus.'),
  }).prefault({}),

  measuring: z.strictObject({
    unconditional: positive.default(512).describe('N of unconditional validity on the test split.'),
    prompted: positive.default(512).describe('N of validity behind a prompt.'),
    gate: positive.default(384).describe('Unconditional samples that decide promotion.'),
    documents: positive.default(256).describe('Held-out documents of each split that bits a byte are taken on.'),
  }).prefault({}),

  safety: z.strictObject({
    // Secrets and slurs are of no use to anyone who reads the model's code; all else has good uses (a library removes files, a header
    // names its author), so it is counted and shown. The standard library has neither, so the default corpus stays whole.
    veto: z.array(z.string().regex(vetoName, 'name a category (secret, danger, slur, bias, personal) or a rule of one, such as danger.pickle')).default(['secret', 'slur']).describe('Categories or rules of the safety filter that keep samples and corpus files out of training.'),
    disable: z.array(z.string()).default([]).describe('Categories or rules that are not looked for.'),
    add: z.array(safetyRule).default([]).describe('Rules of your own: docs/evaluator.md has the forms.'),
  }).prefault({}),

  judges: z.int().min(1).max(8).default(2).describe('Processes that judge texts; they change no result.'),
  keepCheckpoints: z.int().min(2).default(3).describe('Checkpoints kept besides the best and every tenth: a run that was cut off goes on from the last round\'s or the one before.'),
}).superRefine((config, context) => {
  const refuse = (path: readonly string[], message: string): void => context.addIssue({ code: 'custom', path: [...path], message });
  if (config.sampling.maxTokens > config.model.context) refuse(['sampling', 'maxTokens'], `must not exceed model.context (${config.model.context})`);
  if (config.learner === 'latent-gan') {
    if (config.model.batch < 4) refuse(['model', 'batch'], 'must be 4 or more for learner latent-gan: generated texts, and documents with and without a prefix');
    if (config.latent.prefix > config.model.context - 8) refuse(['latent', 'prefix'], `must leave 8 of model.context (${config.model.context}) to tokens`);
  }
  if (config.learning.clipLow > config.learning.clipHigh) refuse(['learning', 'clipLow'], `must not exceed learning.clipHigh (${config.learning.clipHigh})`);
});

/** A complete configuration: every field present. */
export type Config = z.output<typeof configSchema>;
/** What a user writes: every field optional. */
export type ConfigInput = z.input<typeof configSchema>;
