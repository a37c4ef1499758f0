/**
 * Sessions on the CPU through onnxruntime's C API: outputs land in our own buffers, a cache fed as past and fetched as present is
 * updated in place, and a run may leave the event loop. The package's JavaScript binding does none of the three.
 */
import koffi from 'koffi';
import { api, callElsewhere, cString, hostValue, openSession, pointerArray, type Pointer } from './library.ts';
import type { ModelPieces } from './proto.ts';
import { SessionError, type Binding, type HostTensor, type RunOptions, type Session, type SessionOptions } from './session.ts';

/** All but the layouts of convolutions, of which no step has any: looking for them took half the time of making a session. */
const OPTIMIZATIONS = 2;

/** How long a worker waits awake for the next operator: longer than any gap within a run or between two steps of decoding. */
const SPIN_MICROSECONDS = 5000;

/** Native memory with the values of a host tensor tied to it. */
class NativeBinding implements Binding {
  #values: Pointer[] = [];
  #memory: Pointer[] = [];
  readonly #tensors: HostTensor[];
  readonly #arguments: unknown[];
  #running = 0;

  constructor(session: Pointer, inputs: Readonly<Record<string, HostTensor>>, outputs: Readonly<Record<string, HostTensor>>) {
    this.#tensors = [...Object.values(inputs), ...Object.values(outputs)];
    // One OrtValue a buffer: an output that is an input's buffer is that input's value.
    const values = new Map<ArrayBufferLike, Map<number, Pointer>>();
    const value = (tensor: HostTensor): Pointer => {
      const { buffer, byteOffset } = tensor.data;
      const known = values.get(buffer)?.get(byteOffset);
      if (known) return known;
      const made = hostValue(tensor);
      this.#values.push(made);
      values.set(buffer, (values.get(buffer) ?? new Map<number, Pointer>()).set(byteOffset, made));
      return made;
    };
    const names = (record: Readonly<Record<string, HostTensor>>): Pointer => {
      const strings = Object.keys(record).map(cString);
      const array = pointerArray(strings);
      this.#memory.push(...strings, array);
      return array;
    };
    const held = (record: Readonly<Record<string, HostTensor>>): Pointer => {
      const array = pointerArray(Object.values(record).map(value));
      this.#memory.push(array);
      return array;
    };
    this.#arguments = [
      session, null, names(inputs), held(inputs), Object.keys(inputs).length, names(outputs), Object.keys(outputs).length, held(outputs),
    ];
  }

  run(options: RunOptions = {}): Promise<void> {
    this.#assertOpen();
    const { run, check } = api();
    if (options.blocking) {
      check(run(...this.#arguments));
      return Promise.resolve();
    }
    this.#running++;
    return callElsewhere(run, ...this.#arguments).finally(() => void this.#running--);
  }

  release(): void {
    if (this.#running > 0) throw new SessionError('A binding was released while it ran; await its run first.');
    for (const value of this.#values) api().releaseValue(value);
    for (const memory of this.#memory) koffi.free(memory);
    this.#values = [];
    this.#memory = [];
    this.#tensors.length = 0;
  }

  #assertOpen(): void {
    if (this.#tensors.length === 0) throw new SessionError('This binding was released.');
  }
}

/** A session over a model. Throws SessionError when onnxruntime refuses the graph. */
export function createNativeSession(model: ModelPieces, options: SessionOptions): Session {
  const { check, setOptimization, setThreads, addConfigEntry, enableProfiling, disableMemoryPattern, releaseSession } = api();
  const session = openSession(model, (settings) => {
    check(setOptimization(settings, OPTIMIZATIONS));
    check(setThreads(settings, options.threads));
    // By default a worker waits awake for tens of milliseconds after a run, on a core that the next session or a judge needs.
    check(addConfigEntry(settings, 'session.intra_op.spin_duration_us', String(SPIN_MICROSECONDS)));
    // A pattern is one block for all of a run's tensors: a third more memory than the arena needs without it.
    check(disableMemoryPattern(settings));
    if (options.profile !== undefined) check(enableProfiling(settings, options.profile));
  });
  let open = true;
  return {
    bind(inputs, outputs) {
      if (!open) throw new SessionError('This session was released.');
      return new NativeBinding(session, inputs, outputs);
    },
    release() {
      if (open) releaseSession(session);
      open = false;
    },
  };
}
