/**
 * What Linux tells in /proc about a process and all its descendants: processor time and resident memory. Elsewhere there is no such
 * folder, and whoever asks is answered null. Parsers are pure; the readers read and keep nothing.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second towards programs, whatever the kernel's own tick is. */
const TICKS_A_SECOND = 100;

export interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** Seconds of processor time of the process itself. */
  readonly own: number;
  /** Seconds of its children that ended and were waited for. */
  readonly reaped: number;
}

export interface ProcessUse extends ProcessTimes {
  readonly role: string;
  /** Resident bytes. */
  readonly resident: number;
}

/** One look at a tree of processes. */
export interface TreeSample {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly processes: readonly ProcessUse[];
  /** Seconds that all cores together have worked for anyone since the machine started. */
  readonly machineBusy: number;
}

/** /proc/PID/stat; the program's name in it may hold spaces and parentheses. Null where it is no such line. */
export function parseStat(text: string): ProcessTimes | null {
  const end = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  if (end < 0 || !Number.isFinite(pid)) return null;
  const fields = text.slice(end + 2).trim().split(/\s+/).map(Number);
  // Counted from the state, which is field 3 of the line: parent 4, utime 14, stime 15, cutime 16, cstime 17.
  const [parent, user, system, childUser, childSystem] = [1, 11, 12, 13, 14].map((i) => fields[i]!) as [number, number, number, number, number];
  if (!Number.isFinite(childSystem)) return null;
  return { pid, parent, own: (user + system) / TICKS_A_SECOND, reaped: (childUser + childSystem) / TICKS_A_SECOND };
}

/** A size in kB out of /proc/PID/status, in bytes; null where the line is missing, as in processes that have just ended. */
export function parseStatusBytes(text: string, name: 'VmRSS' | 'VmHWM'): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
  return found ? Number(found[1]) * 1024 : null;
}

/** The first line of /proc/stat: seconds of all cores together, without idling and waiting for disks. */
export function parseMachineBusy(text: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = (text.split('\n')[0] ?? '').trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softIrq) / TICKS_A_SECOND;
}

/** What a process of a run is for, by its command line (parted by NUL, as /proc has it). */
export function roleOf(commandLine: string): string {
  if (/model-host-entry/.test(commandLine)) return 'model host';
  if (/judge-entry/.test(commandLine)) return 'judge';
  if (/dashboard-entry/.test(commandLine)) return 'dashboard';
  if (/cli[/\\]main\.[jt]s/.test(commandLine)) return 'main';
  return 'other';
}

/** Those of `all` that descend from `root`, itself included. */
export function treeOf<T extends Pick<ProcessTimes, 'pid' | 'parent'>>(root: number, all: readonly T[]): T[] {
  const members = new Set([root]);
  for (let before = 0; before < members.size; ) {
    before = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return all.filter(({ pid }) => members.has(pid));
}

/** Processor time of the whole tree, its ended members included: seconds. */
export function treeSeconds({ processes }: Pick<TreeSample, 'processes'>): number {
  return processes.reduce((sum, { own, reaped }) => sum + own + reaped, 0);
}

const read = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // it ended between two looks
  }
};

/** Looks at the tree of `root` once; null where there is no /proc. */
export function sampleTree(root: number): TreeSample | null {
  if (!existsSync('/proc/self/stat')) return null;
  const all = readdirSync('/proc').flatMap((name) => {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : null;
    return (stat === null ? null : parseStat(stat)) ?? [];
  });
  // One that has ended and is not reaped yet has no memory, but its time is nowhere else.
  const processes = treeOf(root, all).map((times) => ({
    ...times, resident: parseStatusBytes(read(`/proc/${times.pid}/status`) ?? '', 'VmRSS') ?? 0, role: roleOf(read(`/proc/${times.pid}/cmdline`) ?? ''),
  }));
  return { time: Date.now(), processes, machineBusy: parseMachineBusy(read('/proc/stat') ?? '') };
}

/** Most bytes that this process has had resident; null where there is no /proc. */
export function peakResident(): number | null {
  return parseStatusBytes(read('/proc/self/status') ?? '', 'VmHWM');
}
