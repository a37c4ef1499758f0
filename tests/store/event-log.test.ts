import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import Sqlite from 'libsql';
import { describe, expect, it } from 'vitest';
import type { HashedEvent } from '../../src/contracts/events.ts';
import { CommandQueue, requestCommand } from '../../src/store/commands.ts';
import { databasePath } from '../../src/store/database.ts';
import { LogDivergence, StoreError } from '../../src/store/errors.ts';
import { EventLog, EventLogReader } from '../../src/store/event-log.ts';
import { temporaryFolder } from './temporary.ts';

type Entry = { readonly key: string; readonly event: HashedEvent };

function started(round: number): Entry {
  return { key: `round/${round}`, event: { type: 'round.started', data: { round } } };
}

function reward(key: string, value: number): Entry {
  return { key, event: { type: 'reward.recorded', data: { sampleId: key, value, terms: {} } } };
}

function logged(entries: readonly Entry[], split: readonly number[] = []): string {
  const log = new EventLog(temporaryFolder());
  let at = 0;
  for (const size of split) {
    log.record(entries.slice(at, at + size));
    at += size;
  }
  log.record(entries.slice(at));
  const hash = log.hash();
  log.close();
  return hash;
}

const entries = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 12 }).map((key) => `step/${encodeURIComponent(key)}`), fc.integer()), { selector: ([key]) => key, maxLength: 12 })
  .map((pairs) => pairs.map(([key, value]) => reward(key, value)));

describe('recording', () => {
  it('numbers events 1, 2, 3, … and gives back what was recorded', () => {
    const folder = temporaryFolder();
    const log = new EventLog(folder);
    log.record([started(1), reward('a', 0.5)]);
    log.note({ type: 'run.failed', data: { message: 'x' } });
    log.record([reward('b', -1)]);
    const reader = new EventLogReader(folder);
    expect(reader.after(0).map(({ seq, key, type, hashed }) => [seq, key, type, hashed])).toEqual([
      [1, 'round/1', 'round.started', true],
      [2, 'a', 'reward.recorded', true],
      [3, 'note:3', 'run.failed', false],
      [4, 'b', 'reward.recorded', true],
    ]);
    expect(reader.after(3)[0]!.data).toEqual({ sampleId: 'b', value: -1, terms: {} });
    expect([reader.last(), log.last()]).toEqual([4, 4]);
    reader.close();
    log.close();
  });

  it('stores a step once, however often it is recorded', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.nat(), { maxLength: 8 }), (all, again) => {
        const log = new EventLog(temporaryFolder());
        log.record(all);
        const [hash, last] = [log.hash(), log.last()];
        for (const i of again) if (all.length > 0) log.record([all[i % all.length]!]);
        log.record(all);
        expect([log.hash(), log.last()]).toEqual([hash, last]);
        log.close();
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a step that comes out differently, names key and fields, and stores nothing of the batch', () => {
    const log = new EventLog(temporaryFolder());
    log.record([reward('a', 1)]);
    const hash = log.hash();
    const error = (() => {
      try {
        log.record([reward('new', 3), reward('a', 2)]);
        return null;
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(LogDivergence);
    expect(error).toMatchObject({ key: 'a', fields: ['value'] });
    expect(log.has('new')).toBe(false);
    expect([log.hash(), log.last()]).toEqual([hash, 1]);
    expect(() => log.record([{ key: 'a', event: { type: 'round.started', data: { round: 1 } } }])).toThrow(/type/);
    // The log still works.
    log.record([reward('b', 1)]);
    expect(log.last()).toBe(2);
    log.close();
  });

  it('does not mind the order of an object\'s keys', () => {
    const log = new EventLog(temporaryFolder());
    log.record([{ key: 'a', event: { type: 'reward.recorded', data: { sampleId: 's', value: 1, terms: { x: 1, y: 2 } } } }]);
    log.record([{ key: 'a', event: { type: 'reward.recorded', data: { terms: { y: 2, x: 1 }, value: 1, sampleId: 's' } } }]);
    expect(log.last()).toBe(1);
    log.close();
  });

  it('refuses numbers that are not finite, by the name of the field', () => {
    const log = new EventLog(temporaryFolder());
    expect(() => log.record([reward('a', Number.NaN)])).toThrow(/'value' is NaN/);
    expect(log.last()).toBe(0);
    log.close();
  });

  it('refuses the keys of notes as step keys', () => {
    const log = new EventLog(temporaryFolder());
    expect(() => log.record([reward('note:1', 1)])).toThrow(StoreError);
    expect(() => log.record([reward('a\nb', 1)])).toThrow(StoreError);
    log.close();
  });
});

describe('the hash', () => {
  it('does not depend on how the events were batched', () => {
    fc.assert(fc.property(entries, fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 6 }), (all, split) => logged(all, split) === logged(all)), { numRuns: 30 });
  });

  it('does not depend on notes and times', () => {
    const plain = logged([started(1), reward('a', 1)]);
    const log = new EventLog(temporaryFolder());
    log.note({ type: 'run.failed', data: { message: 'x' } });
    log.record([started(1)]);
    log.note({ type: 'command.received', data: { command: 'pause' } });
    log.flush();
    log.record([reward('a', 1)]);
    expect(log.hash()).toBe(plain);
    log.close();
  });

  it('depends on order, key and data', () => {
    const hash = logged([reward('a', 1), reward('b', 2)]);
    expect(logged([reward('b', 2), reward('a', 1)])).not.toBe(hash);
    expect(logged([reward('a', 1), reward('b', 3)])).not.toBe(hash);
    expect(logged([reward('a', 1), reward('c', 2)])).not.toBe(hash);
    expect(logged([reward('a', 1)])).not.toBe(hash);
  });

  it('goes on after reopening, and is what a reader computes from the rows', () => {
    fc.assert(
      fc.property(entries, fc.nat(12), (all, cut) => {
        const folder = temporaryFolder();
        const first = new EventLog(folder);
        first.record(all.slice(0, cut));
        first.close();
        const second = new EventLog(folder);
        // A resumed run repeats its last steps.
        second.record(all);
        expect(second.hash()).toBe(logged(all));
        const reader = new EventLogReader(folder);
        expect(reader.hash()).toBe(second.hash());
        reader.close();
        second.close();
      }),
      { numRuns: 30 },
    );
  });

  it('shows that a stored event was changed', () => {
    const folder = temporaryFolder();
    const log = new EventLog(folder);
    log.record([reward('a', 1)]);
    log.close();
    const database = new Sqlite(databasePath(folder));
    database.exec(`UPDATE events SET data = replace(data, '"value":1', '"value":2')`);
    database.close();
    const reader = new EventLogReader(folder);
    expect(reader.hash()).not.toBe(log.hash());
    reader.close();
  });
});

describe('crashes', () => {
  it('an unfinished transaction leaves no trace, and the log goes on', () => {
    const folder = temporaryFolder();
    const log = new EventLog(folder);
    log.record([reward('a', 1)]);
    const hash = log.hash();
    log.close();
    // The process dies in the middle of a transaction, without closing anything.
    const script = `
      const Database = require('libsql');
      const database = new Database(process.argv[1]);
      database.exec('BEGIN IMMEDIATE');
      for (let i = 2; i < 2000; i++) database.prepare('INSERT INTO events VALUES (?, ?, ?, NULL, ?, 1, 0)').run(i, 'k' + i, 'reward.recorded', '{}');
      process.kill(process.pid, 'SIGKILL');`;
    const { signal } = spawnSync(process.execPath, ['-e', script, databasePath(folder)], { cwd: import.meta.dirname });
    expect(signal).toBe('SIGKILL');
    const again = new EventLog(folder);
    expect([again.last(), again.hash()]).toEqual([1, hash]);
    again.record([reward('b', 2)]);
    expect(again.hash()).toBe(logged([reward('a', 1), reward('b', 2)]));
    again.close();
  });

  it('what was committed survives the death of its process', () => {
    const folder = temporaryFolder();
    new EventLog(folder).close();
    const script = `
      const Database = require('libsql');
      const database = new Database(process.argv[1]);
      database.exec("INSERT INTO events VALUES (1, 'a', 'round.started', 1, '{\\"round\\":1}', 1, 0)");
      process.kill(process.pid, 'SIGKILL');`;
    spawnSync(process.execPath, ['-e', script, databasePath(folder)], { cwd: import.meta.dirname });
    const reader = new EventLogReader(folder);
    expect(reader.after(0).map(({ key }) => key)).toEqual(['a']);
    reader.close();
  });

  it('a full disk is one sentence, loses nothing that was committed, and the log works again afterwards', () => {
    const folder = temporaryFolder();
    const log = new EventLog(folder);
    log.record([reward('a', 1)]);
    log.close();
    const small = new EventLog(folder, { mostPages: 12 });
    const big = Array.from({ length: 200 }, (_, i): Entry => ({ key: `big/${i}`, event: { type: 'alarm.raised', data: { round: 1, alarm: 'x', message: 'y'.repeat(2000) } } }));
    expect(() => small.record(big)).toThrow(/the disk is full. Free some space/);
    expect(small.last()).toBe(1);
    small.record([reward('b', 2)]);
    expect(small.last()).toBe(2);
    small.close();
    const after = new EventLog(folder);
    after.record(big);
    expect(after.last()).toBe(202);
    after.close();
  });
});

describe('notes', () => {
  it('are committed by themselves, soon', async () => {
    const folder = temporaryFolder();
    const log = new EventLog(folder);
    const news = new Promise<number>((resolve) => log.onNews(resolve));
    log.note({ type: 'run.failed', data: { message: 'x' } });
    expect(log.last()).toBe(0);
    // Its timer holds no process up, so something else must wait here.
    const alive = setTimeout(() => {}, 30_000);
    expect(await news).toBe(1);
    clearTimeout(alive);
    log.close();
  });

  it('keep their order among records, and closing commits them', () => {
    const folder = temporaryFolder();
    const log = new EventLog(folder);
    log.note({ type: 'command.received', data: { command: 'pause' } });
    log.record([started(1)]);
    log.note({ type: 'command.received', data: { command: 'resume' } });
    log.close();
    const reader = new EventLogReader(folder);
    expect(reader.after(0).map(({ type }) => type)).toEqual(['command.received', 'round.started', 'command.received']);
    reader.close();
  });

  it('listeners hear of each commit until they leave, and of nothing that stored nothing', () => {
    const log = new EventLog(temporaryFolder());
    const heard: number[] = [];
    const leave = log.onNews((last) => heard.push(last));
    log.record([reward('a', 1), reward('b', 1)]);
    log.record([reward('a', 1)]);
    log.record([reward('c', 1)]);
    leave();
    log.record([reward('d', 1)]);
    expect(heard).toEqual([2, 3]);
    log.close();
  });
});

describe('queries', () => {
  it('select by type, round and cursor; records without a round belong to the round they were made in', () => {
    const folder = temporaryFolder();
    const log = new EventLog(folder);
    log.record([started(1), reward('a', 1)]);
    log.record([reward('b', 1), started(2), reward('c', 1)]);
    log.record([{ key: 'n', event: { type: 'alarm.raised', data: { round: 1, alarm: 'x', message: 'late' } } }]);
    expect(log.query({ types: ['reward.recorded'], round: 1 }).map(({ key }) => key)).toEqual(['a', 'b']);
    expect(log.query({ types: ['reward.recorded'], round: 2 }).map(({ data }) => data.sampleId)).toEqual(['c']);
    expect(log.query({ round: 1 }).map(({ key }) => key)).toEqual(['round/1', 'a', 'b', 'n']);
    expect(log.query({ types: ['round.started', 'alarm.raised'], after: 1 }).map(({ key }) => key)).toEqual(['round/2', 'n']);
    expect(log.query({ limit: 2 }).map(({ seq }) => seq)).toEqual([1, 2]);
    expect(log.query({ types: [] })).toEqual([]);
    expect(log.query({ types: ['reward.recorded'], keys: ['c', 'missing', 'a', 'n'] }).map(({ key }) => key)).toEqual(['a', 'c']);
    log.close();
  });

  it('a resumed run that repeats an old round gives new records the old round', () => {
    const folder = temporaryFolder();
    const first = new EventLog(folder);
    first.record([started(1), started(2)]);
    first.close();
    const second = new EventLog(folder);
    second.record([started(1), reward('late', 1)]);
    expect(second.query({ types: ['reward.recorded'], round: 1 })).toHaveLength(1);
    second.close();
  });

  it('a reader sees each commit of a writer at once', () => {
    const folder = temporaryFolder();
    const log = new EventLog(folder);
    const reader = new EventLogReader(folder);
    for (let i = 1; i <= 5; i++) {
      log.record([reward(`k${i}`, i)]);
      expect(reader.last()).toBe(i);
      expect(reader.after(i - 1)).toHaveLength(1);
      expect(reader.query({ types: ['reward.recorded'], limit: 1 })).toHaveLength(1);
    }
    reader.close();
    log.close();
  });
});

describe('places that do not work', () => {
  it('a folder without a log is told to a reader, and none is made', () => {
    const folder = temporaryFolder();
    expect(() => new EventLogReader(folder)).toThrow(/has no event log/);
    expect(() => requestCommand(folder, 'pause')).toThrow(/has no event log/);
    expect(existsSync(databasePath(folder))).toBe(false);
  });

  it('a folder that does not exist', () => {
    expect(() => new EventLog(join(temporaryFolder(), 'missing'))).toThrow(/Could not open .*events\.db/);
  });

  it('a file that is no database', () => {
    const folder = temporaryFolder();
    writeFileSync(databasePath(folder), 'not a database, but long enough to look at'.repeat(50));
    expect(() => new EventLog(folder)).toThrow(/damaged/);
  });

  // Root may write anywhere.
  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('a folder that may not be written', () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o500);
    expect(() => new EventLog(folder)).toThrow(/may be written/);
    chmodSync(folder, 0o700);
  });

  it('a closed log refuses to go on', () => {
    const log = new EventLog(temporaryFolder());
    log.close();
    log.close();
    expect(() => log.record([reward('a', 1)])).toThrow(/closed/);
    expect(() => log.note({ type: 'run.failed', data: { message: '' } })).toThrow(/closed/);
  });
});

describe('commands', () => {
  it('are taken once, in order, by whoever opens the run later as well', () => {
    const folder = temporaryFolder();
    const log = new EventLog(folder);
    requestCommand(folder, 'pause');
    requestCommand(folder, 'resume');
    const queue = new CommandQueue(folder);
    expect(queue.takeCommands()).toEqual(['pause', 'resume']);
    expect(queue.takeCommands()).toEqual([]);
    requestCommand(folder, 'stop-now');
    queue.close();
    const later = new CommandQueue(folder);
    expect(later.takeCommands()).toEqual(['stop-now']);
    later.close();
    log.close();
  });

  it('may come from another process while the run writes', () => {
    const folder = temporaryFolder();
    const log = new EventLog(folder);
    const queue = new CommandQueue(folder);
    const script = `
      const Database = require('libsql');
      const database = new Database(process.argv[1]);
      database.exec('PRAGMA busy_timeout = 10000');
      for (let i = 0; i < 20; i++) database.prepare("INSERT INTO commands (command, time) VALUES ('pause', 0)").run();`;
    log.record([reward('a', 1)]);
    expect(spawnSync(process.execPath, ['-e', script, databasePath(folder)], { cwd: import.meta.dirname }).status).toBe(0);
    log.record([reward('b', 1)]);
    expect(queue.takeCommands()).toHaveLength(20);
    queue.close();
    log.close();
  });

  it('unknown ones are refused', () => {
    const folder = temporaryFolder();
    new EventLog(folder).close();
    expect(() => requestCommand(folder, 'explode' as never)).toThrow(/There are: pause/);
  });
});
