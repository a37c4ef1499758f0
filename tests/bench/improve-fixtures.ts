/** Made-up cells for the tests of `bench -- improve`: figures of any validity, with nothing run. */
import type { AuditFigures, CellFigures } from '../../bench/improve/figures.ts';
import type { Arm } from '../../bench/improve/settings.ts';
import type { Guards } from '../../src/contracts/records.ts';
import { wilson } from '../../src/metrics/index.ts';
import { RandomStream } from '../../src/random/philox.ts';

export const GUARDS: Guards = {
  bitsPerByte: 1.55, tokens: 40, codeTokens: 18, distinctShapes: 184, validCount: 300, divergence: 0.09,
  repeatedLines: 0.01, similarLines: 0.02, bytesPerCodeToken: 6, empty: 0.02, copies: 0, renamedCopies: 0, selfBleu: 0.3, entropy: 2,
};

const SAMPLES = 120, PROMPTS = 12, PER_PROMPT = 8;

function audit(round: number, validity: number, divergence: number, seed: number, name: string): AuditFigures {
  const random = new RandomStream(seed, 'audit', name, round);
  // Spread evenly by the golden ratio, so that a few samples have nearly the share they are meant to have.
  const valid = Array.from({ length: SAMPLES }, (_, i): 0 | 1 => ((random.uniform(0) + i * 0.618034) % 1 < validity ? 1 : 0));
  const solved = Array.from({ length: PROMPTS }, (_, p) => Array.from({ length: PER_PROMPT }, (__, i) => random.uniform(1000 + p * PER_PROMPT + i)).filter((u) => u < validity).length);
  return {
    round, valid, coverage: { n: PER_PROMPT, solved },
    measurement: { split: 'test', unconditional: wilson(valid.filter(Boolean).length, SAMPLES), prompted: wilson(0, 0), rulesGap: 0, guards: { ...GUARDS, divergence } },
    heldOut: { documents: 256, codeTokens: 20, distinctShapes: 195, repeatedLines: 0.01, divergence: 0.03 },
    ...(round === 0 ? { again: { n: PER_PROMPT, solved: solved.toReversed() } } : {}),
  };
}

/** A cell whose validity goes from `from` to `to` in `rounds` rounds. Cells of one seed share round 0. */
export function cell(arm: Arm, seed: number, { from = 0.3, to = 0.3, rounds = 4, divergence = 0.09 }: { from?: number; to?: number; rounds?: number; divergence?: number } = {}): CellFigures {
  return {
    arm, seed, start: `weights-${seed}`, steps: 100, tokens: 1000, refused: 0, alarms: {},
    first: audit(0, from, 0.09, seed, 'start'),
    last: audit(rounds, to, divergence, seed, arm),
    rounds: Array.from({ length: rounds + 1 }, (_, round) => ({
      round, validity: wilson(Math.round(500 * (from + ((to - from) * round) / rounds)), 500),
      guards: { ...GUARDS, divergence: 0.09 + ((divergence - 0.09) * round) / rounds },
      refined: round === 0 ? null : 0.4, auc: round === 0 ? null : 0.75,
    })),
  };
}
