/** What documents say with numbers that stand in the code as well. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { GATE_LIMITS } from '../src/agents/promotion.ts';
import { ALARM_LIMITS } from '../src/metrics/index.ts';

it('docs/measures.md names the limits of alarms and of the gate', () => {
  const percent = (share: number): string => `${Math.round(1000 * share) / 10} %`;
  const { shapes, repeatedLines, shortest, longest, divergence, bits, copies, padding, similarLines, empty, renamedCopies, growth } = ALARM_LIMITS;
  const over = (share: number): string => `above ${percent(share)} and above ${growth} times`;
  const table = [
    '| guard | alarm, on `test` | no promotion, on `gate` |',
    '|---|---|---|',
    `| bits a byte | above ${bits} times | above ${GATE_LIMITS.bitsPerByte} times |`,
    `| structure divergence | above ${divergence} times | above ${GATE_LIMITS.divergence} times round 0's or the promoted policy's, whichever is more, or above ${divergence} times round 0's |`,
    `| code tokens | below ${shortest} times, beyond chance; above ${longest} times | below ${GATE_LIMITS.codeTokens} times, beyond chance |`,
    `| bytes a code token | above ${padding} times | the same |`,
    `| distinct shapes | below ${shapes} times | below ${GATE_LIMITS.distinctShapes} times |`,
    `| repeated lines | ${over(repeatedLines)} | ${over(GATE_LIMITS.repeatedLines)} |`,
    `| similar lines | ${over(similarLines)} | the same |`,
    `| empty | ${over(empty)} | the same |`,
    `| copies | above ${percent(copies)} | above ${percent(GATE_LIMITS.copies)} and above round 0's |`,
    `| copies under other names | ${over(renamedCopies)} | the same |`,
    '| tokens, Self-BLEU, entropy | none, shown | none |',
  ];
  expect(readFileSync(join(import.meta.dirname, '../docs/measures.md'), 'utf8')).toContain(table.join('\n'));
});
