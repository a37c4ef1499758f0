/**
 * The walls round a process that runs what a model wrote: bubblewrap or util-linux's unshare, found by really running a harmless program
 * behind them and looking at what it sees. Behind a wall there are no network, no other processes, no environment, no user's files,
 * no privileges, and limits that cannot be lifted. Not here: what runs there (sandbox-interpreter.ts).
 *
 * Both walls make namespaces for users or real uids, processes, mounts, network, IPC and host names. Where we are root the program gets a
 * uid of its own: the limit on processes counts by uid, and root is exempt from it. Where we are not root a user namespace maps us.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { SandboxName, SandboxReport } from '../contracts/execution.ts';

export interface Bind {
  /** Path here; it is seen read-only at `target`. */
  readonly source: string;
  readonly target: string;
}

export interface Limits {
  /** Bytes of writable private memory (RLIMIT_DATA), or of address space (RLIMIT_AS). */
  readonly memory: { readonly kind: 'data' | 'as'; readonly bytes: number };
  /** Processes and threads. */
  readonly processes: number;
  /** Bytes of one file, and of all files together. */
  readonly diskBytes: number;
}

export interface Confined {
  /** The command inside: paths as they are behind the wall. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly binds: readonly Bind[];
  readonly limits: Limits;
}

/** A command line for `spawn`. */
export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Where things are behind a wall. */
export const INSIDE = { node: '/sandbox/node', temporary: '/tmp' } as const;

const PATH = '/usr/bin:/bin:/usr/sbin:/sbin';
/** Uids for programs where we are root: above those of people and services, below nobody's. */
const FIRST_UID = 62_000, UIDS = 2_500;
let nextUid = (process.pid * 31) % UIDS;
const asRoot = (): boolean => process.getuid?.() === 0;

/** The tool's path in the system's own folders, or null. */
function find(tool: string): string | null {
  for (const folder of PATH.split(delimiter)) {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return join(folder, tool);
    } catch {}
  }
  return null;
}

/** The system's folders, read-only; where they are links, the links. */
function systemFolders(): { binds: Bind[]; links: { to: string; at: string }[] } {
  const binds: Bind[] = [{ source: '/usr', target: '/usr' }], links: { to: string; at: string }[] = [];
  for (const at of ['/bin', '/sbin', '/lib', '/lib32', '/lib64']) {
    const info = lstatSync(at, { throwIfNoEntry: false });
    if (info?.isSymbolicLink()) links.push({ to: readlinkSync(at), at });
    else if (info?.isDirectory()) binds.push({ source: at, target: at });
  }
  if (existsSync('/etc/ld.so.cache')) binds.push({ source: '/etc/ld.so.cache', target: '/etc/ld.so.cache' });
  return { binds, links };
}

/** Drops what privileges there are and sets the limits, then becomes the command. The order matters: limits last, by the final uid. */
function dropAndLimit({ command, env, limits }: Confined, uid: number | null): string[] {
  const { memory, processes, diskBytes } = limits;
  const who = uid === null ? [] : [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  return [
    find('setpriv')!, ...who, '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs', '--',
    find('prlimit')!, `--${memory.kind}=${memory.bytes}`, `--nproc=${processes}`, `--fsize=${diskBytes}`, '--nofile=256', '--core=0', '--memlock=65536', '--',
    find('env')!, '-i', ...Object.entries({ HOME: INSIDE.temporary, LANG: 'C.UTF-8', ...env }).map(([name, value]) => `${name}=${value}`),
    ...command,
  ];
}

function bwrapLine(confined: Confined): CommandLine {
  const { binds, links } = systemFolders();
  const root = asRoot();
  const uid = root ? FIRST_UID + (nextUid++ % UIDS) : null;
  return {
    file: find('bwrap')!,
    args: [
      // With a user namespace only one uid exists inside, ours; as root we need another one, so there is none.
      ...(root ? ['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try', '--cap-drop', 'ALL', ...['SETUID', 'SETGID', 'SETPCAP'].flatMap((name) => ['--cap-add', `CAP_${name}`])] : ['--unshare-all']),
      '--clearenv', '--setenv', 'PATH', PATH, '--die-with-parent', '--new-session', '--hostname', 'sandbox', '--perms', '0755', '--dir', '/etc', '--perms', '0755', '--dir', '/sandbox',
      ...[...binds, ...confined.binds].flatMap(({ source, target }) => ['--ro-bind', source, target]),
      ...links.flatMap(({ to, at }) => ['--symlink', to, at]),
      '--proc', '/proc', '--dev', '/dev', '--perms', '1777', '--size', String(confined.limits.diskBytes), '--tmpfs', '/tmp',
      '--perms', '1777', '--size', '4096', '--tmpfs', '/dev/shm', '--remount-ro', '/', '--chdir', '/tmp', '--',
      ...dropAndLimit(confined, uid),
    ],
    env: {},
  };
}

/**
 * Builds the file system for unshare: $1 an empty tmpfs's place, $2 bytes for /tmp, $3 how many words of pairs follow: `bind SOURCE TARGET`
 * or `link TO AT`. The shell stays as process 1: when it dies the kernel ends everything inside, and what it started, having another uid or
 * no capabilities, cannot signal it.
 */
const BUILD = String.raw`
set -e
base=$1 size=$2 words=$3; shift 3
mount -t tmpfs -o mode=755,size=1m,nosuid,nodev tmpfs "$base"
cd "$base"
mkdir -p proc dev tmp old sandbox etc
while [ "$words" -gt 0 ]; do
  if [ "$1" = link ]; then ln -s "$2" ".$3"; else
    if [ -d "$2" ]; then mkdir -p ".$3"; else mkdir -p ".$(dirname "$3")"; : > ".$3"; fi
    mount --bind "$2" ".$3"
    mount -o remount,bind,ro,nosuid ".$3"
  fi
  shift 3; words=$((words - 3))
done
for name in null zero full random urandom; do : > dev/$name; mount --bind /dev/$name dev/$name; done
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t tmpfs -o mode=1777,size="$size",nosuid,nodev tmpfs tmp
pivot_root . old
cd /tmp
umount -l /old
rmdir /old
mount -o remount,bind,ro,nosuid,nodev /
"$@"
exit $?
`;

function unshareLine(confined: Confined): CommandLine {
  const { binds, links } = systemFolders();
  const root = asRoot();
  const uid = root ? FIRST_UID + (nextUid++ % UIDS) : null;
  const all = [...binds, ...confined.binds];
  // The new root hides what lies under it, so it must not be above anything that is to be seen.
  const base = ['/mnt', '/media', '/srv', '/opt', '/var/tmp'].find((folder) => existsSync(folder) && !all.some(({ source }) => source.startsWith(`${folder}/`)));
  const words = [...all.flatMap(({ source, target }) => ['bind', source, target]), ...links.flatMap(({ to, at }) => ['link', to, at])];
  return {
    file: find('setpriv')!,
    args: [
      '--pdeathsig=KILL', '--', find('unshare')!, ...(root ? [] : ['--user', '--map-root-user']), '--net', '--pid', '--fork', '--kill-child=KILL', '--mount', '--ipc', '--uts', '--cgroup',
      '--', find('sh')!, '-c', BUILD, 'sandbox', base ?? '/mnt', String(confined.limits.diskBytes), String(words.length), ...words,
      ...dropAndLimit(confined, uid),
    ],
    env: { PATH },
  };
}

/** No wall: the limits that there are without one. */
function bareLine({ command, env, binds, limits }: Confined): CommandLine {
  // Without a file system of its own the command finds things where they are.
  const here = (word: string): string => binds.reduce((text, { source, target }) => text.replaceAll(target, source), word);
  const prlimit = process.platform === 'linux' ? find('prlimit') : null;
  const limited = prlimit ? [prlimit, `--${limits.memory.kind}=${limits.memory.bytes}`, `--fsize=${limits.diskBytes}`, '--nofile=256', '--core=0', '--'] : [];
  const [file, ...args] = [...limited, ...command.map(here)];
  return { file: file!, args, env: { LANG: 'C.UTF-8', ...env } };
}

const LINES: Readonly<Record<SandboxName, (confined: Confined) => CommandLine>> = { bwrap: bwrapLine, unshare: unshareLine, none: bareLine };
const TOOLS: Readonly<Record<Exclude<SandboxName, 'none'>, readonly string[]>> = {
  bwrap: ['bwrap', 'setpriv', 'prlimit', 'env'],
  unshare: ['unshare', 'setpriv', 'prlimit', 'env', 'sh', 'mount', 'umount', 'pivot_root'],
};

/** The command line that runs `confined` behind the wall. */
export function confine(wall: SandboxName, confined: Confined): CommandLine {
  return LINES[wall](confined);
}

/** Node itself, as it is seen behind a wall. */
export function nodeBind(): Bind {
  return { source: realpathSync(process.execPath), target: INSIDE.node };
}

const probed = new Map<SandboxName, Promise<string | null>>();

/** Tries every wall, or only one; each is tried once in this process's life. */
export async function findSandbox(options: { readonly unsafe?: boolean; readonly sandbox?: Exclude<SandboxName, 'none'> } = {}): Promise<SandboxReport> {
  const tried: { name: SandboxName; usable: boolean; reason: string }[] = [];
  for (const name of options.sandbox ? [options.sandbox] : (['bwrap', 'unshare'] as const)) {
    let known = probed.get(name);
    if (!known) probed.set(name, (known = probe(name)));
    const fault = await known;
    tried.push({ name, usable: fault === null, reason: fault ?? 'a program behind it saw no network, no process, no file and no variable of ours, and its limits' });
  }
  const usable = tried.find((one) => one.usable)?.name;
  return { sandbox: usable ?? (options.unsafe ? 'none' : null), tried };
}

/** What the harmless program looks at. */
const LOOK = `
const fs = require('fs'), os = require('os');
const seen = (path) => { try { fs.accessSync(path); return true; } catch { return false; } };
let written = false;
try { fs.writeFileSync('/usr/probe', ''); written = true; } catch {}
const status = fs.readFileSync('/proc/self/status', 'utf8');
console.log(JSON.stringify({
  spaces: Object.fromEntries(['pid', 'net', 'mnt', 'ipc', 'uts'].map((name) => [name, fs.readlinkSync('/proc/self/ns/' + name)])),
  uid: process.getuid(), env: Object.keys(process.env).sort().join(), net: Object.keys(os.networkInterfaces()).filter((name) => name !== 'lo').length, home: process.argv.slice(1).filter(seen), written,
  capabilities: /CapEff:\\s*(\\w+)/.exec(status)[1], bounding: /CapBnd:\\s*(\\w+)/.exec(status)[1], noNew: /NoNewPrivs:\\s*1/.test(status),
  processes: Number(/Max processes\\s+(\\d+)\\s+\\1/.exec(fs.readFileSync('/proc/self/limits', 'utf8'))?.[1]),
}));
`;

/** Null where the wall holds, else why not. */
async function probe(name: Exclude<SandboxName, 'none'>): Promise<string | null> {
  if (process.platform !== 'linux') return `it needs Linux, and this is ${process.platform}`;
  const missing = TOOLS[name].filter((tool) => find(tool) === null);
  if (missing.length > 0) return `${missing.join(', ')} is not installed (Debian: apt-get install ${missing.includes('bwrap') ? 'bubblewrap' : 'util-linux'})`;
  const processes = 48;
  const homes = [process.cwd(), process.env['HOME'] ?? '/root', '/etc/passwd', '/var', '/home'];
  const line = confine(name, {
    command: [INSIDE.node, '-e', LOOK, ...homes], env: {}, binds: [nodeBind()],
    limits: { memory: { kind: 'data', bytes: 1e9 }, processes, diskBytes: 1e6 },
  });
  const { code, stdout, stderr } = await run(line, 15_000);
  if (code !== 0) return `a harmless program could not run behind it: ${stderr.trim().split('\n').at(-1)?.slice(0, 200) || `exit ${code}`}`;
  let found: { spaces: Record<string, string>; uid: number; env: string; net: number; home: string[]; written: boolean; capabilities: string; bounding: string; noNew: boolean; processes: number };
  try {
    found = JSON.parse(stdout) as typeof found;
  } catch {
    return 'a harmless program behind it gave no answer';
  }
  const shared = Object.entries(found.spaces).filter(([space, id]) => readlinkSync(`/proc/self/ns/${space}`) === id).map(([space]) => space);
  if (shared.length > 0) return `behind it the ${shared.join(', ')} namespace is still ours`;
  if (asRoot() && found.uid < FIRST_UID) return 'behind it programs are still root';
  if (/[^0]/.test(found.capabilities + found.bounding) || !found.noNew) return 'behind it programs keep privileges';
  if (found.env !== 'HOME,LANG') return `behind it variables are seen: ${found.env}`;
  if (found.net > 0) return 'behind it a network is seen';
  if (found.home.length > 0 || found.written) return `behind it files are seen or written: ${found.home.join(', ') || '/usr'}`;
  if (found.processes !== processes) return 'behind it the limit on processes does not hold';
  return null;
}

function run({ file, args, env }: CommandLine, limitMs: number): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const timer = setTimeout(() => killGroup(child.pid), limitMs);
    let stdout = '', stderr = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('error', (error) => (clearTimeout(timer), resolve({ code: null, stdout, stderr: error.message })));
    child.on('close', (code) => (clearTimeout(timer), resolve({ code, stdout, stderr })));
  });
}

/** Ends a process started with `detached: true`, and its whole group; what has gone already is no error. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {}
}
