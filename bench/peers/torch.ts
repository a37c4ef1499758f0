/**
 * The PyTorch peers as child processes that do one repetition of one thing at a time, so that they can take turns with ours: a line
 * of JSON asks, a line of JSON answers. Not here: what they compute (the .py files beside this one).
 */
import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A peer broke: its last words are in the message. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
}

export interface TorchPeer {
  readonly version: string;
  /** It has torch.compile, which may still fail for want of a C++ compiler. */
  readonly compiles: boolean;
  /** Asks for one thing; the answer's `unavailable` says why it cannot be done here. Throws PeerError. */
  call<T extends object>(request: { readonly do: string } & Readonly<Record<string, unknown>>): Promise<T & { readonly unavailable?: string }>;
  close(): Promise<void>;
}

export const NO_TRL = 'TRL is not at hand: set OUROBOROS_PYTHON to a Python that can import trl';
export const NO_TORCH = 'PyTorch is not at hand: set OUROBOROS_PYTHON to a Python that can import torch, for a GPU one that finds it through CUDA';

/**
 * Starts a peer with every core this process may use, or with its GPU; null where no Python with torch (and TRL or CUDA, where it needs that) is at
 * hand. Throws PeerError.
 */
export async function openTorch(script: 'torch_llama.py' | 'torch_round.py' | 'trl_round.py', setup: object, device: 'cpu' | 'cuda' = 'cpu'): Promise<TorchPeer | null> {
  const python = process.env['OUROBOROS_PYTHON'] ?? 'python3';
  const needs = script === 'trl_round.py' ? 'import trl' : device === 'cuda' ? 'import torch; torch.cuda.get_device_name()' : 'import torch';
  if (spawnSync(python, ['-c', needs], { stdio: 'ignore' }).status !== 0) return null;
  const child = spawn(python, [fileURLToPath(new URL(script, import.meta.url)), String(availableParallelism())], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Nothing is to be left beside the sources.
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let lastWords = '';
  child.stderr.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-2000);
  });
  child.stdin.on('error', () => {}); // the exit says more
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    if (!done) return JSON.parse(value) as T;
    await ended;
    throw new PeerError(`The peer ${script} ended early: ${lastWords.trim() || `exit ${child.signalCode ?? child.exitCode}`}`);
  };
  const ask = (request: object): void => void child.stdin.write(`${JSON.stringify(request)}\n`);
  ask({ ...setup, device });
  const { version, compiles } = await answer<{ version: string; compiles: boolean }>();
  return {
    version,
    compiles,
    call(request) {
      ask(request);
      return answer();
    },
    async close() {
      child.stdin.end();
      kill();
      await ended;
      process.off('exit', kill);
    },
  };
}
