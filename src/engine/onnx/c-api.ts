/**
 * onnxruntime through its C API (koffi): outputs land in our own buffers, a cache fed as past and fetched as present is
 * updated in place, and a run may leave the event loop. The package's JavaScript binding does none of the three.
 *
 * `OrtGetApiBase()->GetApi(20)` is a table of function pointers in the order of onnxruntime_c_api.h, append-only. Everything
 * native that a session holds is kept referenced here: the garbage collector would free it under the library's feet.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi, { type KoffiFunc } from 'koffi';
import { DATA_TYPE } from './proto.ts';
import { SessionError, type Binding, type HostTensor, type RunOptions, type Session, type SessionOptions } from './session.ts';

const API_VERSION = 20;
const INDEX = {
  GetErrorMessage: 2, CreateEnv: 3, CreateSessionFromArray: 8, Run: 9, CreateSessionOptions: 10, EnableProfiling: 14, DisableMemPattern: 17,
  SetSessionGraphOptimizationLevel: 23, SetIntraOpNumThreads: 24, CreateTensorWithDataAsOrtValue: 49, CreateCpuMemoryInfo: 69,
  ReleaseStatus: 93, ReleaseSession: 95, ReleaseValue: 96, ReleaseSessionOptions: 100, AddSessionConfigEntry: 130,
} as const;
/** Errors come back as statuses and are thrown; the library need not print them as well. */
const LOG_LEVEL_FATAL = 4;
const ALL_OPTIMIZATIONS = 99;

type Pointer = unknown;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the C signature stands in the prototype string
type NativeFunction = KoffiFunc<(...parameters: any[]) => any>;
type Out = [Pointer];

interface Api {
  readonly library: unknown;
  readonly environment: Pointer;
  readonly cpuMemory: Pointer;
  check(status: Pointer): void;
  createSessionOptions(out: Out): Pointer;
  setOptimization(options: Pointer, level: number): Pointer;
  setThreads(options: Pointer, threads: number): Pointer;
  enableProfiling(options: Pointer, prefix: unknown): Pointer;
  disableMemoryPattern(options: Pointer): Pointer;
  addConfigEntry(options: Pointer, key: string, value: string): Pointer;
  createSession(environment: Pointer, model: Pointer, size: number, options: Pointer, out: Out): Pointer;
  createTensor(memory: Pointer, data: unknown, bytes: number, shape: BigInt64Array, rank: number, type: number, out: Out): Pointer;
  run: NativeFunction;
  releaseSession(session: Pointer): void;
  releaseValue(value: Pointer): void;
  releaseSessionOptions(options: Pointer): void;
}

let loaded: Api | undefined;

function libraryPath(): string {
  const folder = join(dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')), 'bin/napi-v6', process.platform, process.arch);
  const file = process.platform === 'win32' ? 'onnxruntime.dll' : process.platform === 'darwin' ? 'libonnxruntime.1.30.0.dylib' : 'libonnxruntime.so.1';
  return join(folder, file);
}

/** Loads the library once a process. Throws when the platform has none. */
function api(): Api {
  if (loaded) return loaded;
  const library = koffi.load(libraryPath());
  const base = koffi.decode(library.func('void *OrtGetApiBase()')(), koffi.struct({ GetApi: 'void *', GetVersionString: 'void *' })) as { GetApi: Pointer };
  const getApi = koffi.proto('void *OuroborosGetApi(uint32_t version)');
  const table = koffi.decode(koffi.call(base.GetApi, getApi, API_VERSION), koffi.array('void *', 131)) as Pointer[];
  // Windows uses wide strings for paths; only profiling takes one.
  const path = process.platform === 'win32' ? 'const char16_t *' : 'const char *';
  const bind = (name: keyof typeof INDEX, result: string, parameters: string): NativeFunction =>
    koffi.decode(table[INDEX[name]], koffi.proto(`${result} Ouroboros${name}(${parameters})`)) as NativeFunction;

  const errorMessage = bind('GetErrorMessage', 'const char *', 'void *status');
  const releaseStatus = bind('ReleaseStatus', 'void', 'void *status');
  const check = (status: Pointer): void => {
    if (!status) return;
    const message = errorMessage(status) as string;
    releaseStatus(status);
    throw new SessionError(message);
  };
  const made = (create: (out: Out) => Pointer): Pointer => {
    const out: Out = [null];
    check(create(out));
    return out[0];
  };
  const createEnv = bind('CreateEnv', 'void *', 'int level, const char *id, _Out_ void **out');
  const cpuMemoryInfo = bind('CreateCpuMemoryInfo', 'void *', 'int allocator, int memory, _Out_ void **out');
  loaded = {
    library,
    environment: made((out) => createEnv(LOG_LEVEL_FATAL, 'ouroboros', out)),
    cpuMemory: made((out) => cpuMemoryInfo(1, 0, out)),
    check,
    createSessionOptions: bind('CreateSessionOptions', 'void *', '_Out_ void **out'),
    setOptimization: bind('SetSessionGraphOptimizationLevel', 'void *', 'void *options, int level'),
    setThreads: bind('SetIntraOpNumThreads', 'void *', 'void *options, int threads'),
    enableProfiling: bind('EnableProfiling', 'void *', `void *options, ${path} prefix`),
    disableMemoryPattern: bind('DisableMemPattern', 'void *', 'void *options'),
    addConfigEntry: bind('AddSessionConfigEntry', 'void *', 'void *options, const char *key, const char *value'),
    createSession: bind('CreateSessionFromArray', 'void *', 'void *env, const void *data, size_t size, void *options, _Out_ void **out'),
    createTensor: bind('CreateTensorWithDataAsOrtValue', 'void *', 'void *info, void *data, size_t size, int64_t *shape, size_t rank, int type, _Out_ void **out'),
    run: bind('Run', 'void *', 'void *session, void *options, void *inputNames, void *inputs, size_t inputCount, void *outputNames, size_t outputCount, void *outputs'),
    releaseSession: bind('ReleaseSession', 'void', 'void *session'),
    releaseValue: bind('ReleaseValue', 'void', 'void *value'),
    releaseSessionOptions: bind('ReleaseSessionOptions', 'void', 'void *options'),
  };
  return loaded;
}

function pointerArray(pointers: readonly Pointer[]): Pointer {
  const array = koffi.alloc('void *', Math.max(1, pointers.length));
  koffi.encode(array, koffi.array('void *', pointers.length), pointers);
  return array;
}

function cString(value: string): Pointer {
  const length = Buffer.byteLength(value) + 1;
  const memory = koffi.alloc('char', length);
  koffi.encode(memory, koffi.array('char', length), `${value}\0`);
  return memory;
}

/** Native memory with the values of a host tensor tied to it. */
class NativeBinding implements Binding {
  #values: Pointer[] = [];
  #memory: Pointer[] = [];
  readonly #tensors: HostTensor[];
  readonly #arguments: unknown[];
  #running = 0;

  constructor(session: Pointer, inputs: Readonly<Record<string, HostTensor>>, outputs: Readonly<Record<string, HostTensor>>) {
    const { createTensor, cpuMemory, check } = api();
    this.#tensors = [...Object.values(inputs), ...Object.values(outputs)];
    // One OrtValue a buffer: an output that is an input's buffer is that input's value.
    const values = new Map<ArrayBufferLike, Map<number, Pointer>>();
    const value = (tensor: HostTensor): Pointer => {
      const { buffer, byteOffset, byteLength } = tensor.data;
      const known = values.get(buffer)?.get(byteOffset);
      if (known) return known;
      const out: Out = [null];
      const shape = BigInt64Array.from(tensor.shape, BigInt);
      check(createTensor(cpuMemory, tensor.data, byteLength, shape, shape.length, DATA_TYPE[tensor.type], out));
      this.#values.push(out[0]);
      values.set(buffer, (values.get(buffer) ?? new Map<number, Pointer>()).set(byteOffset, out[0]));
      return out[0];
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
    return new Promise((resolve, reject) => {
      run.async(...this.#arguments, (error: Error | null, status: Pointer) => {
        this.#running--;
        try {
          if (error) throw error;
          check(status);
          resolve();
        } catch (failure) {
          reject(failure as Error);
        }
      });
    });
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

/** A session over the bytes of a model. Throws SessionError when onnxruntime refuses the graph. */
export function createNativeSession(model: Uint8Array, options: SessionOptions): Session {
  if (options.provider !== 'cpu') throw new SessionError(`The C API path runs on the CPU; use the package's binding for ${options.provider}.`);
  const { check, createSessionOptions, setOptimization, setThreads, addConfigEntry, enableProfiling, disableMemoryPattern, createSession, environment, releaseSession, releaseSessionOptions } = api();
  const settings: Out = [null];
  check(createSessionOptions(settings));
  check(setOptimization(settings[0], ALL_OPTIMIZATIONS));
  check(setThreads(settings[0], options.threads));
  check(addConfigEntry(settings[0], 'session.set_denormal_as_zero', '1'));
  // A pattern is one block for all of a run's tensors: a third more memory than the arena needs without it.
  check(disableMemoryPattern(settings[0]));
  if (options.profile !== undefined) check(enableProfiling(settings[0], options.profile));
  // The model is copied to native memory first: a large JavaScript buffer could move while onnxruntime reads it.
  const memory = koffi.alloc('uint8', model.length);
  new Uint8Array(koffi.view(memory, model.length)).set(model);
  const out: Out = [null];
  try {
    check(createSession(environment, memory, model.length, settings[0], out));
  } finally {
    koffi.free(memory);
    releaseSessionOptions(settings[0]);
  }
  const session = out[0];
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

/** Whether the C API can be reached on this platform, or the reason why not. */
export function nativeApiProblem(): string | null {
  try {
    api();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
