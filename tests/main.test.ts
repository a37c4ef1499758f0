/** What a run is to who made it, on stand-ins for its agents: whose it is, and how it fails. */
import { describe, expect, it } from 'vitest';
import type { Agents } from '../src/contracts/agents.ts';
import { createRun, RunError } from '../src/index.ts';
import { StoreError } from '../src/store/errors.ts';
import { runOwner } from '../src/store/run-folder.ts';
import { fakeRun } from './fakes.ts';
import { temporaryFolder } from './store/temporary.ts';

const made = (change: Partial<Agents> = {}) => createRun({ budget: { rounds: 1 }, pretraining: { steps: 20 } }, { folder: temporaryFolder(), agents: { ...fakeRun().agents, ...change } });

describe('a run', () => {
  it('is its maker\'s until it has ended, also where it is not closed: its dashboard may stay, and another process resume it', async () => {
    const run = made();
    try {
      expect(runOwner(run.folder)).toMatchObject({ pid: process.pid });
      await run.start();
      expect(runOwner(run.folder)).toBeNull();
    } finally {
      await run.close();
    }
  });

  it('that fails says why, and carries what was thrown', async () => {
    const lost = Object.assign(new StoreError('damaged', 'The checkpoint is damaged.'), { permanent: true });
    const run = made({ preparer: { prepare: () => Promise.reject(lost) } });
    try {
      const error = await run.start().then(() => null, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(RunError);
      expect(error).toMatchObject({ message: expect.stringContaining('The checkpoint is damaged.'), cause: lost });
      expect(runOwner(run.folder)).toBeNull();
    } finally {
      await run.close();
    }
  });

  it('that breaks after an effect was tried again with success does not blame that effect', async () => {
    const refiner = fakeRun().agents.refiner;
    let calls = 0;
    const run = made({
      refiner: {
        propose: refiner.propose.bind(refiner),
        choose: refiner.choose.bind(refiner),
        conclude: refiner.conclude.bind(refiner),
        select() {
          if (calls++ === 0) throw new Error('The disk was busy.');
          // No agent of ours answers like this: it makes the machine itself throw.
          return null as never;
        },
      },
    });
    try {
      const error = await run.start().then(() => null, (reason: unknown) => reason);
      expect(calls).toBe(2);
      expect(error).toMatchObject({ message: expect.stringContaining('machine broke'), cause: undefined });
    } finally {
      await run.close();
    }
  });
});
