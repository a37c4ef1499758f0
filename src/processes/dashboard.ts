/** The dashboard's process as the main process sees it: started for a run's folder, told of news, ended with the run. */
import type { DashboardService } from './dashboard-entry.ts';
import { ChildService } from './rpc.ts';

const ENTRY = new URL(`./dashboard-entry.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
const FIRST_PORT = 4177;

export interface OpenDashboard {
  /** Its address with the token. */
  readonly url: string;
  /** There is news in the log. */
  notify(): void;
  close(): Promise<void>;
}

/** Serves a run's folder on 127.0.0.1; a taken port gives way to the next free one. Rejects when it cannot start. */
export async function openDashboard(runFolder: string, options: { readonly port?: number } = {}): Promise<OpenDashboard> {
  const child = new ChildService<DashboardService>(ENTRY);
  try {
    const { url } = await child.call('start', { runFolder, port: options.port ?? FIRST_PORT, host: '127.0.0.1' });
    return {
      url,
      // A call that gets lost costs at most a second: the server looks at the log anyway.
      notify: () => void child.call('notify', {}).catch(() => {}),
      close: () => child.kill(),
    };
  } catch (error) {
    await child.kill();
    throw error;
  }
}
