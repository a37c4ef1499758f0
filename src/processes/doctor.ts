/** `doctor`: what works on this machine, what does not, and what would help. */
import { existsSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import type { DoctorReport } from '../contracts/library.ts';
import { defaultCacheFolder } from '../store/cache.ts';
import { freeDisk } from '../store/system.ts';
import type { DoctorService } from './doctor-entry.ts';
import { JudgePool } from './judges.ts';
import { ChildService } from './rpc.ts';
import { findSandbox } from './sandbox.ts';

const ENTRY = new URL(`./doctor-entry.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
/** A default run writes about 0.3 GB. */
const LEAST_FREE = 1e9;

export async function doctor(options: { readonly bench?: boolean } = {}): Promise<DoctorReport> {
  const checks = [nodeCheck(), diskCheck(process.cwd(), 'disk'), diskCheck(cacheParent(), 'cache'), await judgeCheck(), await sandboxCheck()];
  const backends = await probe(options.bench ?? false);
  const chosen = ['onnx:cpu', 'wasm', 'cpu'].find((name) => backends.some((backend) => backend.name === name && backend.usable)) ?? null;
  return { ok: checks.every(({ ok, optional }) => ok || optional) && chosen !== null, checks, backends, chosen };
}

type Check = DoctorReport['checks'][number];

function nodeCheck(): Check {
  const [major = 0] = process.versions.node.split('.').map(Number);
  const ok = major >= 20 && major < 25;
  return { name: 'node', ok, message: ok ? `version ${process.versions.node}` : `version ${process.versions.node} is not supported; install Node 20, 22 or 24` };
}

function diskCheck(folder: string, name: string): Check {
  const free = freeDisk(folder);
  const gigabytes = `${(free / 1e9).toFixed(1)} GB free at ${folder}`;
  return { name, ok: free >= LEAST_FREE, message: free >= LEAST_FREE ? gigabytes : `${gigabytes}; a run needs ${LEAST_FREE / 1e9} GB: free some, or choose another folder` };
}

/** The cache folder, or the nearest folder above it that exists. */
function cacheParent(): string {
  const folder = defaultCacheFolder();
  return existsSync(folder) ? folder : existsSync(homedir()) ? homedir() : tmpdir();
}

async function judgeCheck(): Promise<Check> {
  const judges = new JudgePool({ judges: 1 });
  try {
    const [good, bad] = await judges.evaluateMany(['def f(x):\n    y = x + 1\n    return y\n', 'def f(:\n'].map((text, i) => ({ id: String(i), text, promptLength: 0, finish: 'stop' as const })));
    const ok = good!.valid && !bad!.valid;
    return { name: 'judge', ok, message: ok ? 'CPython in Pyodide and tree-sitter judge as they should' : 'the judge gave a wrong verdict; reinstall with `npm ci`' };
  } catch (error) {
    return { name: 'judge', ok: false, message: `the judge does not start: ${(error as Error).message}; reinstall with \`npm ci\`` };
  } finally {
    await judges.close();
  }
}

/** Programs are executed behind one of these; a run executes none. */
async function sandboxCheck(): Promise<Check> {
  const { sandbox, tried } = await findSandbox();
  const found = tried.map(({ name, usable, reason }) => `${name}: ${usable ? 'usable' : reason}`).join('; ');
  return { name: 'sandbox', ok: sandbox !== null, message: sandbox ? found : `${found}; programs are not executed unless --unsafe-exec is given`, optional: true };
}

async function probe(bench: boolean): Promise<DoctorReport['backends']> {
  let child = new ChildService<DoctorService>(ENTRY);
  try {
    const statuses = await child.call('probe', null);
    const reports: { name: string; usable: boolean; reason?: string; tokensPerSecond?: number }[] = [];
    for (const { name, usable, detail } of statuses) {
      const report = { name, usable, reason: detail };
      if (!bench || !usable) {
        reports.push(report);
        continue;
      }
      if (child.ended) child = new ChildService<DoctorService>(ENTRY);
      try {
        reports.push({ ...report, tokensPerSecond: await child.call('measure', { backend: name }) });
      } catch (error) {
        reports.push({ ...report, usable: false, reason: `a training step fails: ${(error as Error).message.split('\n')[0]}` });
      }
    }
    return reports;
  } finally {
    await child.kill();
  }
}
