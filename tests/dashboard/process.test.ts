/** The dashboard as a process of its own, on a real run folder: it starts, hears of news, and outlives a run that is killed while someone watches. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../dashboard/protocol.ts';
import type { DashboardAddress, DashboardService } from '../../src/processes/dashboard-entry.ts';
import { ChildService } from '../../src/processes/rpc.ts';
import { EventLog } from '../../src/store/event-log.ts';
import { buildClient } from './build-client.ts';

const entry = new URL('../../src/processes/dashboard-entry.ts', import.meta.url);
let folder: string;
beforeAll(buildClient);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dashboard-run-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Connects as the page does; `next` waits for the first message that `wanted` takes. */
function watch({ url }: DashboardAddress) {
  const { port, searchParams } = new URL(url);
  const token = searchParams.get('token');
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, { headers: { Cookie: `ouroboros-${port}=${token}`, Origin: `http://127.0.0.1:${port}` } });
  const messages: ServerMessage[] = [];
  let wake = (): void => {};
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)) as ServerMessage);
    wake();
  });
  const next = async (wanted: (message: ServerMessage) => boolean): Promise<ServerMessage> => {
    for (;;) {
      const found = messages.find(wanted);
      if (found) return found;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return { socket, next };
}

describe('the dashboard process', () => {
  it('serves a run folder, sends news it is told of, and ends when asked', async () => {
    const log = new EventLog(folder);
    log.record([{ key: 'run', event: { type: 'run.started', data: { seed: 1, configHash: 'x' } } }]);
    const child = new ChildService<DashboardService>(entry);
    try {
      const address = await child.call('start', { runFolder: folder, port: 0, host: '127.0.0.1' });
      expect((await fetch(address.url, { redirect: 'manual' })).status).toBe(303);
      const { socket, next } = watch(address);
      await next((message) => message.type === 'hello' && message.lastSeq === 1);
      socket.send(JSON.stringify({ type: 'subscribe', after: 0 }));
      log.record([{ key: 'round/1', event: { type: 'round.started', data: { round: 1 } } }]);
      await child.call('notify', {});
      await next((message) => message.type === 'events' && message.to === 2);
      await child.call('stop', {});
      await expect(fetch(address.url)).rejects.toThrow();
    } finally {
      await child.kill();
      log.close();
    }
  });

  it('says that the run is dead when its process is killed, as long as someone watches', async () => {
    const log = new EventLog(folder);
    log.record([{ key: 'run', event: { type: 'run.started', data: { seed: 1, configHash: 'x' } } }]);
    log.close();
    // A run's process: it owns the folder, starts the dashboard and never ends by itself.
    const main = `
      import { writeFileSync } from 'node:fs';
      import { ChildService } from ${JSON.stringify(new URL('../../src/processes/rpc.ts', import.meta.url).href)};
      writeFileSync(${JSON.stringify(join(folder, 'owner.json'))}, JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString() }));
      const child = new ChildService(new URL(${JSON.stringify(entry.href)}));
      const address = await child.call('start', { runFolder: ${JSON.stringify(folder)}, port: 0, host: '127.0.0.1' });
      console.log(JSON.stringify({ ...address, pid: child.pid }));
      setInterval(() => {}, 1000);`;
    const run = spawn(process.execPath, ['--import', createRequire(import.meta.url).resolve('tsx'), '--input-type=module', '--eval', main], { stdio: ['ignore', 'pipe', 'inherit'] });
    const address = JSON.parse(await new Promise<string>((resolve) => run.stdout.once('data', (data: Buffer) => resolve(String(data))))) as DashboardAddress & { pid: number };
    try {
      const { socket, next } = watch(address);
      await next((message) => message.type === 'hello' && message.state !== 'dead');
      run.kill('SIGKILL');
      await next((message) => message.type === 'state' && message.state === 'dead');
      expect((await fetch(address.url, { redirect: 'manual' })).status).toBe(303);
      socket.terminate();
    } finally {
      run.kill('SIGKILL');
      process.kill(address.pid, 'SIGKILL');
    }
  });
});
