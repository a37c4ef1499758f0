/**
 * Entry point of the dashboard's process. It outlives its parent for as long as someone is watching, so that a page can say that
 * the run died; nobody watching, it ends with its parent. Not here: the server itself (dashboard/server).
 */
import { openRunFolder, startDashboard, type Dashboard, type RunSource } from '../../dashboard/server/index.ts';
import { serve } from './rpc.ts';

export interface DashboardStart {
  readonly runFolder: string;
  /** First port tried; 0: any free one. */
  readonly port: number;
  readonly host: string;
}

export interface DashboardAddress {
  /** What to print: it holds the token. */
  readonly url: string;
}

export interface DashboardService {
  start(input: DashboardStart): Promise<DashboardAddress>;
  /** There is news in the log. A call that gets lost costs at most a second: the log is looked at anyway. */
  notify(input: Record<string, never>): Promise<void>;
  stop(input: Record<string, never>): Promise<void>;
}

/** How long a page may take to come back (a reload) after the run's process went away, and how long it may stay, in ms. */
const RELOAD_GRACE_MS = 5_000;
const ORPHAN_LIMIT_MS = 30 * 60_000;

let dashboard: Dashboard | undefined;
let source: RunSource | undefined;
let watchers = 0;
let orphaned = false;
let leaving: NodeJS.Timeout | undefined;

serve<DashboardService>(() => ({
  async start({ runFolder, port, host }) {
    await stop();
    source = openRunFolder(runFolder);
    dashboard = await startDashboard({ source, port, host, onWatchers: watched });
    return { url: dashboard.url };
  },
  async notify() {
    dashboard?.notify();
  },
  stop,
}));

// `serve` ends the process when the parent is gone; here that is the moment people look at the page.
process.removeAllListeners('disconnect');
process.on('disconnect', () => {
  orphaned = true;
  dashboard?.notify();
  if (watchers === 0) process.exit(0);
  setTimeout(() => process.exit(0), ORPHAN_LIMIT_MS);
});

function watched(count: number): void {
  watchers = count;
  clearTimeout(leaving);
  if (orphaned && count === 0) leaving = setTimeout(() => process.exit(0), RELOAD_GRACE_MS);
}

async function stop(): Promise<void> {
  await dashboard?.stop();
  source?.close();
  dashboard = source = undefined;
}
