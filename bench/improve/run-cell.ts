/** Runs one cell for real: a run of the library with the arm's learner and gate, audited at round 0 and at the end. */
import { parseConfig } from '../../src/config/load.ts';
import { createRun } from '../../src/index.ts';
import { agentsOf } from './controls.ts';
import { auditing } from './audit.ts';
import { ImproveError, type CellRunner } from './cells.ts';
import { readFigures } from './figures.ts';
import { configOf, type Setting } from './settings.ts';

export function libraryRunner(setting: Setting, rounds: number): CellRunner {
  return async (cell, { run: unfinished, round, signal }) => {
    const config = parseConfig(configOf(setting, cell.seed, rounds, cell.arm));
    const run = createRun(config, {
      ...(unfinished === null ? { folder: cell.folder } : { resume: unfinished }),
      agents: (parts) => {
        const { learner, gate } = agentsOf(cell.arm, parts, cell.seed);
        return { learner, gate: auditing(gate, parts, { folder: cell.folder, last: rounds, sizes: setting.audit, maxTokens: config.sampling.maxTokens }) };
      },
    });
    const stop = (): void => run.command('stop-now');
    signal.addEventListener('abort', stop);
    try {
      signal.throwIfAborted();
      const begun = Date.now();
      const ended = run.start();
      ended.catch(() => {});
      // A resumed run tells of its earlier rounds, too.
      for await (const event of run) if (event.type === 'round.finished' && event.time >= begun) round(event.data.round, event.data.test.unconditional.value);
      const result = await ended;
      signal.throwIfAborted();
      if (result.rounds < rounds) throw new ImproveError(`The run ended after ${result.rounds} of ${rounds} rounds: ${result.reason}`);
      return readFigures(cell, run.folder, rounds);
    } finally {
      signal.removeEventListener('abort', stop);
      await run.close();
    }
  };
}
