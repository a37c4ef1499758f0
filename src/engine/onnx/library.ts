/**
 * onnxruntime's C API, called through koffi: the functions that sessions need, and native memory. Not here: sessions (c-api.ts on the
 * CPU, device.ts elsewhere).
 *
 * `OrtGetApiBase()->GetApi(24)` is a table of function pointers in the order of onnxruntime_c_api.h, append-only. Everything
 * native that a session holds is kept referenced by it: the garbage collector would free it under the library's feet.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi, { type KoffiFunc } from 'koffi';
import { concatenate, DATA_TYPE, size, type ModelPieces } from './proto.ts';
import { SessionError, type HostTensor } from './session.ts';

const API_VERSION = 24;
const TABLE_SIZE = 414;
const INDEX = {
  GetErrorMessage: 2, CreateEnv: 3, CreateSessionFromArray: 8, Run: 9, CreateSessionOptions: 10, EnableProfiling: 14, DisableMemPattern: 17,
  SetSessionGraphOptimizationLevel: 23, SetIntraOpNumThreads: 24, CreateTensorWithDataAsOrtValue: 49, CreateCpuMemoryInfo: 69,
  GetAllocatorWithDefaultOptions: 78, AllocatorFree: 76, ReleaseStatus: 93, ReleaseSession: 95, ReleaseValue: 96, ReleaseSessionOptions: 100,
  AddSessionConfigEntry: 130, RunWithBinding: 133, CreateIoBinding: 134, ReleaseIoBinding: 135, BindInput: 136, BindOutput: 137,
  BindOutputToDevice: 138, GetBoundOutputValues: 140, ClearBoundOutputs: 142, SessionOptionsAppendExecutionProvider_CUDA_V2: 204,
  CreateCUDAProviderOptions: 205, ReleaseCUDAProviderOptions: 208, SessionOptionsAppendExecutionProvider: 216, SessionGetMemoryInfoForOutputs: 381,
  Session_GetEpGraphAssignmentInfo: 407, EpAssignedSubgraph_GetEpName: 408, EpAssignedSubgraph_GetNodes: 409, EpAssignedNode_GetName: 410,
  EpAssignedNode_GetOperatorType: 412,
} as const;
/** Errors come back as statuses and are thrown; the library need not print them as well. */
const LOG_LEVEL_FATAL = 4;
export const ALL_OPTIMIZATIONS = 99;
/** Bytes of stack of a call off the event loop: in koffi's 128 KiB a GPU's shader compiler overflows, and the process is gone. */
const STACK_SIZE = 2 * 1024 * 1024;

export type Pointer = unknown;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the C signature stands in the prototype string
export type NativeFunction = KoffiFunc<(...parameters: any[]) => any>;
export type Out = [Pointer];

export interface Api {
  readonly library: unknown;
  readonly environment: Pointer;
  readonly cpuMemory: Pointer;
  readonly allocator: Pointer;
  /** Whether calls off the event loop have STACK_SIZE. */
  readonly wideStacks: boolean;
  /** Throws SessionError for a status that is an error. */
  check(status: Pointer): void;
  /** What a function writes to its last parameter. */
  made(create: (out: Out) => Pointer): Pointer;
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
  appendProvider(options: Pointer, name: string, keys: null, values: null, count: 0): Pointer;
  appendCuda(options: Pointer, cuda: Pointer): Pointer;
  createCudaOptions(out: Out): Pointer;
  releaseCudaOptions(cuda: Pointer): void;
  outputMemory(session: Pointer, infos: Pointer, count: number): Pointer;
  createIoBinding(session: Pointer, out: Out): Pointer;
  releaseIoBinding(binding: Pointer): void;
  bindInput(binding: Pointer, name: string, value: Pointer): Pointer;
  bindOutput(binding: Pointer, name: string, value: Pointer): Pointer;
  bindOutputToDevice(binding: Pointer, name: string, memory: Pointer): Pointer;
  clearBoundOutputs(binding: Pointer): void;
  boundOutputs(binding: Pointer, allocator: Pointer, values: Out, count: [number]): Pointer;
  free(allocator: Pointer, memory: Pointer): Pointer;
  runWithBinding: NativeFunction;
  assignment(session: Pointer, subgraphs: Out, count: [number]): Pointer;
  assignedProvider(subgraph: Pointer, name: [string | null]): Pointer;
  assignedNodes(subgraph: Pointer, nodes: Out, count: [number]): Pointer;
  assignedName(node: Pointer, name: [string | null]): Pointer;
  assignedOperator(node: Pointer, name: [string | null]): Pointer;
}

let loaded: Api | undefined;

function libraryPath(): string {
  const folder = join(dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')), 'bin/napi-v6', process.platform, process.arch);
  const file = process.platform === 'win32' ? 'onnxruntime.dll' : process.platform === 'darwin' ? 'libonnxruntime.1.30.0.dylib' : 'libonnxruntime.so.1';
  return join(folder, file);
}

/** Sets the stack size, which koffi allows only before its first use: someone else's may have been before ours. */
function widened(): boolean {
  try {
    koffi.config({ async_stack_size: STACK_SIZE });
  } catch {}
  return koffi.config().async_stack_size! >= STACK_SIZE;
}

/** Loads the library once a process. Throws when the platform has none. */
export function api(): Api {
  if (loaded) return loaded;
  const wideStacks = widened();
  const library = koffi.load(libraryPath());
  const base = koffi.decode(library.func('void *OrtGetApiBase()')(), koffi.struct({ GetApi: 'void *', GetVersionString: 'void *' })) as { GetApi: Pointer };
  const getApi = koffi.proto('void *OuroborosGetApi(uint32_t version)');
  const table = koffi.decode(koffi.call(base.GetApi, getApi, API_VERSION), koffi.array('void *', TABLE_SIZE)) as Pointer[];
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
  const defaultAllocator = bind('GetAllocatorWithDefaultOptions', 'void *', '_Out_ void **out');
  const cpuMemoryInfo = bind('CreateCpuMemoryInfo', 'void *', 'int allocator, int memory, _Out_ void **out');
  loaded = {
    library,
    environment: made((out) => createEnv(LOG_LEVEL_FATAL, 'ouroboros', out)),
    cpuMemory: made((out) => cpuMemoryInfo(1, 0, out)),
    wideStacks,
    allocator: made((out) => defaultAllocator(out)),
    check,
    made,
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
    appendProvider: bind('SessionOptionsAppendExecutionProvider', 'void *', 'void *options, const char *name, const char **keys, const char **values, size_t count'),
    appendCuda: bind('SessionOptionsAppendExecutionProvider_CUDA_V2', 'void *', 'void *options, void *cuda'),
    createCudaOptions: bind('CreateCUDAProviderOptions', 'void *', '_Out_ void **out'),
    releaseCudaOptions: bind('ReleaseCUDAProviderOptions', 'void', 'void *cuda'),
    outputMemory: bind('SessionGetMemoryInfoForOutputs', 'void *', 'void *session, void *infos, size_t count'),
    createIoBinding: bind('CreateIoBinding', 'void *', 'void *session, _Out_ void **out'),
    releaseIoBinding: bind('ReleaseIoBinding', 'void', 'void *binding'),
    bindInput: bind('BindInput', 'void *', 'void *binding, const char *name, void *value'),
    bindOutput: bind('BindOutput', 'void *', 'void *binding, const char *name, void *value'),
    bindOutputToDevice: bind('BindOutputToDevice', 'void *', 'void *binding, const char *name, void *memory'),
    clearBoundOutputs: bind('ClearBoundOutputs', 'void', 'void *binding'),
    boundOutputs: bind('GetBoundOutputValues', 'void *', 'void *binding, void *allocator, _Out_ void **values, _Out_ size_t *count'),
    free: bind('AllocatorFree', 'void *', 'void *allocator, void *memory'),
    runWithBinding: bind('RunWithBinding', 'void *', 'void *session, void *options, void *binding'),
    assignment: bind('Session_GetEpGraphAssignmentInfo', 'void *', 'void *session, _Out_ void **subgraphs, _Out_ size_t *count'),
    assignedProvider: bind('EpAssignedSubgraph_GetEpName', 'void *', 'void *subgraph, _Out_ const char **name'),
    assignedNodes: bind('EpAssignedSubgraph_GetNodes', 'void *', 'void *subgraph, _Out_ void **nodes, _Out_ size_t *count'),
    assignedName: bind('EpAssignedNode_GetName', 'void *', 'void *node, _Out_ const char **name'),
    assignedOperator: bind('EpAssignedNode_GetOperatorType', 'void *', 'void *node, _Out_ const char **name'),
  };
  return loaded;
}

export function pointerArray(pointers: readonly Pointer[]): Pointer {
  const array = koffi.alloc('void *', Math.max(1, pointers.length));
  koffi.encode(array, koffi.array('void *', pointers.length), pointers);
  return array;
}

export function cString(value: string): Pointer {
  const length = Buffer.byteLength(value) + 1;
  const memory = koffi.alloc('char', length);
  koffi.encode(memory, koffi.array('char', length), `${value}\0`);
  return memory;
}

/** The `count` pointers that stand at `array`. */
export function pointersAt(array: Pointer, count: number | bigint): Pointer[] {
  return Number(count) === 0 ? [] : (koffi.decode(array, koffi.array('void *', Number(count))) as Pointer[]);
}

/** A value over a host tensor's own memory: to be released, and the tensor kept, by the caller. */
export function hostValue(tensor: HostTensor): Pointer {
  const { createTensor, cpuMemory, made } = api();
  const shape = BigInt64Array.from(tensor.shape, BigInt);
  return made((out) => createTensor(cpuMemory, tensor.data, tensor.data.byteLength, shape, shape.length, DATA_TYPE[tensor.type], out));
}

/** Bytes of a model up to which the native memory that it was written to stays for the next one: a decoder's comes with every set of weights. */
const KEPT_BYTES = 8 * 2 ** 20;
/** Every new view of native memory counts as something to collect, and made each round collect all garbage. */
let kept: { readonly memory: Pointer; readonly bytes: Uint8Array } | null = null;

/** Calls `use` with native memory that holds the model: a large JavaScript buffer could move while onnxruntime reads it. */
function inNativeMemory<T>(model: ModelPieces, use: (memory: Pointer, length: number) => T): T {
  const length = size(model);
  const allocate = (bytes: number): { readonly memory: Pointer; readonly bytes: Uint8Array } => {
    const memory = koffi.alloc('uint8', bytes);
    return { memory, bytes: new Uint8Array(koffi.view(memory, bytes)) };
  };
  const { memory, bytes } = length <= KEPT_BYTES ? (kept ??= allocate(KEPT_BYTES)) : allocate(length);
  try {
    concatenate(model, bytes);
    return use(memory, length);
  } finally {
    if (memory !== kept?.memory) koffi.free(memory);
  }
}

/** A session over a model, with `configure` having its say about the options. Throws SessionError. */
export function openSession(model: ModelPieces, configure: (options: Pointer) => void): Pointer {
  const { made, createSessionOptions, createSession, environment, releaseSessionOptions } = api();
  const options = made((out) => createSessionOptions(out));
  try {
    configure(options);
    return inNativeMemory(model, (memory, length) => made((out) => createSession(environment, memory, length, options, out)));
  } finally {
    releaseSessionOptions(options);
  }
}

/** Calls a function that returns a status, off the event loop. Rejects with SessionError. */
export function callElsewhere(native: NativeFunction, ...parameters: readonly unknown[]): Promise<void> {
  return new Promise((resolve, reject) => {
    native.async(...parameters, (error: Error | null, status: Pointer) => {
      try {
        if (error) throw error;
        api().check(status);
        resolve();
      } catch (failure) {
        reject(failure as Error);
      }
    });
  });
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
