import { describe, expect, it } from 'vitest';
import { createRun, type RunParts } from '../../src/index.ts';
import { fakeRun } from '../fakes.ts';
import { temporaryFolder } from '../store/temporary.ts';

describe('agents made from what a run is made of', () => {
  it('are handed the parts, and stand in for the built-in ones', async () => {
    const fake = fakeRun();
    let given: RunParts | undefined;
    const run = createRun({ budget: { rounds: 2 }, pretraining: { steps: 20 } }, {
      folder: temporaryFolder(),
      agents: (parts) => {
        given = parts;
        return fake.agents;
      },
    });
    try {
      expect(await run.start()).toMatchObject({ rounds: 2 });
      expect(fake.events.of('round.finished').map(({ round }) => round)).toEqual([0, 1, 2]);
      expect(given!.tasks({ split: 'test', prompted: false, count: 2, round: 0 }).map(({ id }) => id)).toEqual(['test/unconditional/0', 'test/unconditional/1']);
      const other = given!.through(fake.model);
      expect(other.learner).not.toBe(given!.agents.learner);
      expect(other.gate).not.toBe(given!.agents.gate);
    } finally {
      await run.close();
    }
  });
});
