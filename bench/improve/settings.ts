/**
 * What is compared, and how long it takes: the arms, and the settings `smoke`, `small` and `full`. Not here: what an arm does
 * (controls.ts) and how arms are run (cells.ts).
 */
import { withAssignments, withRecipe } from '../../src/config/load.ts';
import { presets } from '../../src/config/presets.ts';
import { learnerNames, type ConfigInput, type LearnerName } from '../../src/config/schema.ts';

/** What the default learner has to beat. */
const CONTROL_ARMS = {
  'no-feedback': 'the corpus alone, as many tokens as its own samples hold',
  'random-reward': 'a judge by lot: as much praise and blame as the loop deals out, each for what is drawn',
  'inverted-reward': "the loop's credit with its sign turned",
  'replace-all-data': 'plain likelihood on its own valid samples, as many tokens as its samples hold, no corpus: the arm that is known to collapse',
} as const;
export type Control = keyof typeof CONTROL_ARMS;
export const CONTROLS = Object.keys(CONTROL_ARMS) as Control[];
/** The control that is known to collapse upwards: to ever more of ever simpler programs. */
export const COLLAPSING = 'replace-all-data' satisfies Control;

const DEFAULT_LEARNER = 'policy-gradient' satisfies LearnerName;
/** The loop under each of the other learners: curves of the frontier, no part of the verdict. */
type LearnerArm = Exclude<LearnerName, typeof DEFAULT_LEARNER>;
const LEARNER_ARMS = learnerNames.filter((name) => name !== DEFAULT_LEARNER) as LearnerArm[];

export type Arm = 'loop' | Control | LearnerArm;
export const ARMS = {
  'loop': `the default learner, ${DEFAULT_LEARNER}: rewards, blame where a text broke, repairs, discriminator, gate`,
  ...CONTROL_ARMS,
  ...Object.fromEntries(LEARNER_ARMS.map((name) => [name, `the loop with --learner ${name}`])) as Record<LearnerArm, string>,
} satisfies Record<Arm, string>;
export const ARM_NAMES = Object.keys(ARMS) as Arm[];
/** What a comparison runs unless told otherwise. */
export const DEFAULT_ARMS: readonly Arm[] = ['loop', ...CONTROLS];

export const isControl = (arm: Arm): arm is Control => CONTROLS.some((control) => control === arm);

/** One arm under one seed, and the folder of its run and its figures. */
export interface Cell {
  readonly arm: Arm;
  readonly seed: number;
  readonly folder: string;
}

/** What the last measurement draws, on the test split. */
export interface AuditSizes {
  /** Unconditional samples: N of the validity that the verdict rests on. */
  readonly unconditional: number;
  /** Prompts whose coverage is taken, the same for every arm and seed's rounds. */
  readonly prompts: number;
  /** Samples of each prompt: pass@k for k up to this. */
  readonly perPrompt: number;
  /** Held-out documents that bits a byte and the structure divergence are taken on. */
  readonly documents: number;
}

export interface Setting {
  /** One line for `--help`. */
  readonly about: string;
  readonly seeds: number;
  readonly rounds: number;
  readonly config: ConfigInput;
  /** Assignments over it and over a learner's recipe, as of `--set`. */
  readonly set?: readonly string[];
  readonly audit: AuditSizes;
}

export const SETTING_NAMES = ['smoke', 'small', 'full'] as const;
export type SettingName = (typeof SETTING_NAMES)[number];

export const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  smoke: {
    about: 'every arm and every figure once, in minutes; says nothing about learning',
    seeds: 2,
    rounds: 2,
    config: {
      model: { layers: 2, heads: 2, kvHeads: 2, width: 64, hidden: 172, vocabulary: 512, context: 96, batch: 8 },
      pretraining: { steps: 300, learningRate: 5e-3, warmupSteps: 20, saveEvery: 300 },
      sampling: { unconditional: 48, prompted: 16, maxTokens: 80 },
      refinement: { parents: 16, attempts: 2 },
      learning: { passes: 2, warmupSteps: 2, averageDecay: 0.9, discriminatorSteps: 8 },
      measuring: { unconditional: 64, prompted: 32, gate: 64, documents: 64 },
    },
    audit: { unconditional: 128, prompts: 16, perPrompt: 8, documents: 64 },
  },
  // Half the default model: some seven minutes a run on one core; as many rounds as are required to be steady.
  small: {
    about: '3 seeds, half the default model, 10 rounds: some 100 minutes of one core',
    seeds: 3,
    rounds: 10,
    config: {
      model: presets.small.config.model,
      pretraining: { ...presets.small.config.pretraining, saveEvery: 600 },
      sampling: { unconditional: 768, prompted: 256, maxTokens: 150 },
      refinement: { parents: 32 },
      measuring: { unconditional: 512, prompted: 128, gate: 256, documents: 256 },
    },
    audit: { unconditional: 1024, prompts: 64, perPrompt: 16, documents: 512 },
  },
  // The default model and its defaults; as many rounds as the goal names.
  full: {
    about: '5 seeds, the default model, 30 rounds: some thirty hours of one core',
    seeds: 5,
    rounds: 30,
    config: {},
    audit: { unconditional: 2048, prompts: 128, perPrompt: 64, documents: 1024 },
  },
};

/** The configuration of one seed's runs, the same for every arm but for its learner and that one's recipe. Only rounds end a run: minutes would give arms different work. */
export function configOf({ config: base, set = [], audit }: Pick<Setting, 'config' | 'set' | 'audit'>, seed: number, rounds: number, arm: Arm = 'loop'): ConfigInput {
  const learner = arm === 'loop' || isControl(arm) ? DEFAULT_LEARNER : arm;
  const config = withAssignments(withRecipe(base, learner), set);
  return {
    ...config,
    learner,
    seed,
    budget: { rounds, minutes: 1e6, targetValidity: 1, plateauRounds: 0 },
    // What a run that was cut off goes on from, and the one after it.
    keepCheckpoints: 2,
    measuring: { ...config.measuring, documents: Math.min(audit.documents, config.measuring?.documents ?? audit.documents) },
  };
}
