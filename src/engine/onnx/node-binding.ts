/**
 * onnxruntime through its own JavaScript binding: the fall-back where the C API cannot be reached, and the way to providers
 * other than the CPU. It copies every output and blocks the event loop while it runs; the numbers are the same.
 */
import * as ort from 'onnxruntime-node';
import { concatenate, type ModelPieces } from './proto.ts';
import { SessionError, type Binding, type HostTensor, type Session, type SessionOptions } from './session.ts';

function tensor(host: HostTensor): ort.Tensor {
  return new ort.Tensor(host.type as 'float32', host.data as Float32Array, host.shape);
}

class NodeBinding implements Binding {
  constructor(
    readonly session: ort.InferenceSession,
    readonly inputs: Readonly<Record<string, HostTensor>>,
    readonly outputs: Readonly<Record<string, HostTensor>>,
  ) {}

  async run(): Promise<void> {
    const feeds = Object.fromEntries(Object.entries(this.inputs).map(([name, host]) => [name, tensor(host)]));
    const fetched = await this.session.run(feeds, Object.keys(this.outputs));
    for (const [name, host] of Object.entries(this.outputs)) (host.data as Float32Array).set(fetched[name]!.data as Float32Array);
  }

  release(): void {}
}

/** A session over a model. Rejects with SessionError when onnxruntime refuses the graph or the provider. */
export async function createNodeSession(model: ModelPieces, options: SessionOptions): Promise<Session> {
  try {
    const session = await ort.InferenceSession.create(concatenate(model), {
      executionProviders: [options.provider],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: options.threads,
      logSeverityLevel: 4,
      // Nothing may move to the CPU behind the user's back: a graph that would fall back fails with the node's name.
      ...(options.provider === 'cpu' ? {} : { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
      ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
    });
    return {
      bind: (inputs, outputs) => new NodeBinding(session, inputs, outputs),
      release: () => void session.release(),
    };
  } catch (error) {
    throw new SessionError(error instanceof Error ? error.message : String(error));
  }
}
