/**
 * The backends that tfjs runs eagerly: how each becomes known to tfjs, and what to do where it does not. The CPU's is there from
 * the start. Not here: whether it computes rightly (backends.ts).
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';

export type TfjsBackend = 'tensorflow' | 'wasm' | 'cpu';

/** A tfjs backend does not start; the message says why and what would help. */
export class TfjsBackendError extends Error {
  override readonly name = 'TfjsBackendError';
}

/** The package that binds TensorFlow's C library to tfjs, whether or not it is installed. */
export interface TensorFlowPackage {
  readonly name: '@tensorflow/tfjs-node-gpu';
  /** The one that belongs to the installed tfjs. */
  readonly version: string;
  /** Where it stands once installed: beside tfjs, which it has to share with us. */
  readonly folder: string;
  /** The package whose node_modules that is: where npm installs. */
  readonly root: string;
  /** Its native part. */
  readonly addon: string;
}

const require = createRequire(import.meta.url);

export function tensorFlowPackage(): TensorFlowPackage {
  const manifest = require.resolve('@tensorflow/tfjs/package.json');
  const scope = dirname(dirname(manifest));
  const folder = join(scope, 'tfjs-node-gpu');
  const { version } = require(manifest) as { version: string };
  // Node-API 8 is the newest version that the package knows, and every Node we support has it.
  return { name: '@tensorflow/tfjs-node-gpu', version, folder, root: dirname(dirname(scope)), addon: join(folder, 'lib', 'napi-v8', 'tfjs_binding.node') };
}

/** Makes `backend` the one that tfjs computes on. Rejects with TfjsBackendError. */
export async function startTfjsBackend(backend: TfjsBackend, threads: number): Promise<void> {
  if (tf.findBackendFactory(backend) === null) {
    if (backend === 'wasm') await registerWasm();
    if (backend === 'tensorflow') registerTensorFlow(threads);
  }
  if (!(await tf.setBackend(backend))) throw new TfjsBackendError(`tfjs's backend '${backend}' does not start here`);
}

async function registerWasm(): Promise<void> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
}

function registerTensorFlow(threads: number): void {
  const { name, addon } = tensorFlowPackage();
  if (!existsSync(addon)) throw new TfjsBackendError("not set up; 'ouroboros setup-tensorflow' does that where there is a Python with TensorFlow");
  // Read when the library starts. It speaks of every processor feature and device that it finds; errors still come through.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_NUM_INTRAOP_THREADS'] ??= String(threads);
  // The package calls it; Node 23 no longer has it.
  (util as { isNullOrUndefined?: (value: unknown) => boolean }).isNullOrUndefined ??= (value) => value === null || value === undefined;
  try {
    require(name);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim();
    throw new TfjsBackendError(`${name} does not load (${reason}); run 'ouroboros setup-tensorflow' again`);
  }
}

/** What the started tensorflow backend runs on: TensorFlow's version and whether it has a GPU. */
export function tensorFlowDevice(): { readonly version: string; readonly gpu: boolean } {
  const { binding, isUsingGpuDevice } = tf.engine().registry['tensorflow'] as unknown as { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
  return { version: binding.TF_Version, gpu: isUsingGpuDevice };
}
