/**
 * What the engine needs of onnxruntime: a session over a model, and bindings that run it on buffers we own. Three
 * implementations stand behind it: c-api.ts (the CPU: no copies, off the event loop), device.ts (GPUs: variables stay there) and
 * node-binding.ts (the package's own binding).
 */
import type { DataType } from './proto.ts';

export type HostArray = Float32Array | Int32Array;

export interface HostTensor {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: HostArray;
  /** A variable, or its update: it may stay on a device between runs (residence.ts). */
  readonly variable?: boolean;
  /** An update that its kernel may write where it reads the variable. */
  readonly inPlace?: boolean;
}

/** What onnxruntime computes on: its execution providers by their short names. */
export type Provider = 'cpu' | 'webgpu' | 'cuda';

export interface SessionOptions {
  /** Threads inside one operator. */
  readonly threads: number;
  readonly provider: Provider;
  /** Path prefix of a profile that onnxruntime writes when the session is released. */
  readonly profile?: string;
}

export interface RunOptions {
  /** Runs on the calling thread: for steps of a few milliseconds, where a hop to another thread and back would show. */
  readonly blocking?: boolean;
}

/** Inputs and outputs tied to buffers: every run reads and writes them where they are. An output may be an input's buffer. */
export interface Binding {
  run(options?: RunOptions): Promise<void>;
  release(): void;
}

export interface Session {
  bind(inputs: Readonly<Record<string, HostTensor>>, outputs: Readonly<Record<string, HostTensor>>): Binding;
  release(): void;
}

/** onnxruntime said no: the graph, a shape or a provider. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
}
