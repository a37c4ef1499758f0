/** What is learned by likelihood: the newest of what was accepted, kinds in their shares, earlier rounds where there is room. */
import { describe, expect, it } from 'vitest';
import { weighedBuffer } from '../../src/agents/learner/expert-iteration.ts';
import type { Accepted, MethodDeps, RoundOutcome } from '../../src/agents/learner/method.ts';
import { parseConfig } from '../../src/config/load.ts';
import { acceptedSamples } from '../../src/store/history.ts';
import type { Sample } from '../../src/contracts/records.ts';
import { judgedSample } from '../fakes.ts';

const sample = (round: number, kind: Sample['kind'], i: number): Sample => judgedSample({ id: `r${round}/${kind}/${i}`, round, kind, completion: 'x = alpha' }).sample;
const accepted = (round: number, kind: Sample['kind'], count: number): Accepted[] => Array.from({ length: count }, (_, i) => ({ sample: sample(round, kind, i), reward: 0.5 }));

function outcome(round: number, unconditional: number, prompted: number): RoundOutcome {
  const all = [...accepted(round, 'unconditional', unconditional), ...accepted(round, 'signature', prompted)];
  return {
    round, repairs: [], judged: all.map((one) => ({ ...judgedSample({ completion: 'x = alpha' }), sample: one.sample })),
    rewards: all.map((one) => ({ sampleId: one.sample.id, value: 0.5 }) as RoundOutcome['rewards'][number]),
  };
}

const depsOf = (bufferSize: number, before: readonly Accepted[] = []): MethodDeps =>
  ({ config: parseConfig({ seed: 3, learning: { bufferSize } }), accepted: async () => before }) as unknown as MethodDeps;
const idsOf = (buffer: readonly { readonly sample: Sample }[]): string[] => buffer.map(({ sample: { id } }) => id);

describe('the buffer of what was accepted', () => {
  it('keeps the shares of the kinds where a round accepts more than it holds, every time the same', async () => {
    const buffer = await weighedBuffer(depsOf(400), outcome(2, 900, 300));
    expect(buffer).toHaveLength(400);
    expect(buffer.filter(({ sample: { kind } }) => kind === 'unconditional').length / 400).toBeCloseTo(0.75, 1);
    expect(idsOf(await weighedBuffer(depsOf(400), outcome(2, 900, 300)))).toEqual(idsOf(buffer));
    expect(idsOf(await weighedBuffer(depsOf(400), outcome(3, 900, 300))).map((id) => id.slice(3))).not.toEqual(idsOf(buffer).map((id) => id.slice(3)));
  });

  it('reaches back where there is room: newer rounds whole, of the oldest as much as fits, its kinds in their shares', async () => {
    const before = [...accepted(1, 'unconditional', 300), ...accepted(1, 'signature', 100), ...accepted(2, 'unconditional', 90)];
    const buffer = await weighedBuffer(depsOf(300, before), outcome(3, 100, 10));
    expect(buffer).toHaveLength(300);
    expect([1, 2, 3].map((round) => buffer.filter(({ sample: one }) => one.round === round).length)).toEqual([100, 90, 110]);
    const oldest = buffer.filter(({ sample: { round } }) => round === 1);
    expect(Math.abs(oldest.filter(({ sample: { kind } }) => kind === 'signature').length - 25)).toBeLessThan(13);
    expect(idsOf(buffer).slice(-110)).toEqual(idsOf(outcome(3, 100, 10).judged));
  });

  it('takes all there is where there is less than it holds', async () => {
    expect(await weighedBuffer(depsOf(500, accepted(1, 'signature', 7)), outcome(2, 20, 5))).toHaveLength(32);
  });
});

describe('what was accepted before a round', () => {
  const log = (rounds: Record<number, readonly string[]>) => ({
    query: ({ types, round }: { readonly types: readonly string[]; readonly round: number }) => {
      const ids = rounds[round] ?? [];
      if (types[0] === 'reward.recorded') return ids.map((id) => ({ data: { sampleId: id, value: id.includes('bad') ? 0 : 1 } }));
      if (types[0] === 'sample.created') return ids.map((id) => ({ data: { ...sample(round, 'unconditional', 0), id } }));
      return [];
    },
  }) as unknown as Parameters<typeof acceptedSamples>[0];

  it('is the newest rounds, each whole, until there is enough', async () => {
    const rounds = { 1: ['a1', 'a2'], 2: ['b1', 'b-bad', 'b2'], 3: ['c1'] };
    const ids = async (round: number, least: number): Promise<string[]> => (await acceptedSamples(log(rounds), round, least, () => true)).map(({ sample: { id } }) => id);
    expect(await ids(4, 2)).toEqual(['b1', 'b2', 'c1']);
    expect(await ids(4, 1)).toEqual(['c1']);
    expect(await ids(4, 99)).toEqual(['a1', 'a2', 'b1', 'b2', 'c1']);
    expect(await ids(4, 0)).toEqual([]);
    expect(await ids(1, 5)).toEqual([]);
  });
});
