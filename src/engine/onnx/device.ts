/**
 * Sessions on a device (WebGPU, CUDA) through onnxruntime's C API. Variables stay there from run to run: a run's updates are the next
 * one's inputs, by reference; what crosses are inputs, outputs, and a variable when the host asks for it (residence.ts). No node may
 * move to the CPU.
 *
 * Copies go through sessions of one Identity node: binding its input or output to the other side copies, on every provider alike.
 */
import koffi from 'koffi';
import { residentOf, setResident, type Resident } from '../residence.ts';
import { ALL_OPTIMIZATIONS, api, callElsewhere, hostValue, openSession, pointerArray, pointersAt, type Pointer } from './library.ts';
import { encodeModel, type ModelPieces } from './proto.ts';
import { SessionError, type Binding, type HostTensor, type Provider, type RunOptions, type Session, type SessionOptions } from './session.ts';

type Tensors = Readonly<Record<string, HostTensor>>;

function useProvider(options: Pointer, provider: Provider): void {
  const { check, made, appendProvider, appendCuda, createCudaOptions, releaseCudaOptions } = api();
  if (provider === 'webgpu') return check(appendProvider(options, 'WebGPU', null, null, 0));
  const cuda = made((out) => createCudaOptions(out));
  try {
    check(appendCuda(options, cuda));
  } finally {
    releaseCudaOptions(cuda);
  }
}

/** Opens a session of which every node runs on the device. Throws SessionError with the names of those that cannot. */
function openOnDevice(model: ModelPieces, provider: Provider, configure: (settings: Pointer) => void = () => {}): Pointer {
  const { check, addConfigEntry, setOptimization } = api();
  try {
    return openSession(model, (settings) => {
      useProvider(settings, provider);
      check(setOptimization(settings, ALL_OPTIMIZATIONS));
      check(addConfigEntry(settings, 'session.disable_cpu_ep_fallback', '1'));
      configure(settings);
    });
  } catch (error) {
    if (!(error instanceof SessionError) || !/fallback to CPU EP/.test(error.message)) throw error;
    throw new SessionError(`These nodes have no kernel on ${provider}: ${nodesOnCpu(model, provider).join(', ')}. Nothing is moved to the CPU silently; lower them in another way (src/engine/trace), or take another backend.`);
  }
}

/** Names and operators of the nodes that would move to the CPU if they might. */
function nodesOnCpu(model: ModelPieces, provider: Provider): string[] {
  const { check, addConfigEntry, releaseSession, assignment, assignedProvider, assignedNodes, assignedName, assignedOperator } = api();
  const session = openSession(model, (settings) => {
    useProvider(settings, provider);
    check(addConfigEntry(settings, 'session.record_ep_graph_assignment_info', '1'));
  });
  const list = (read: (pointers: [Pointer], count: [number]) => Pointer): Pointer[] => {
    const pointers: [Pointer] = [null], count: [number] = [0];
    check(read(pointers, count));
    return pointersAt(pointers[0], count[0]);
  };
  const text = (read: (out: [string | null]) => Pointer): string => {
    const out: [string | null] = [null];
    check(read(out));
    return out[0] ?? '';
  };
  try {
    return list((out, count) => assignment(session, out, count))
      .filter((subgraph) => text((out) => assignedProvider(subgraph, out)) === 'CPUExecutionProvider')
      .flatMap((subgraph) => list((out, count) => assignedNodes(subgraph, out, count)))
      .map((node) => `${text((out) => assignedName(node, out))} (${text((out) => assignedOperator(node, out))})`);
  } finally {
    releaseSession(session);
  }
}

/** One Identity node for a type and shape, and the memory that its output is in. */
class Transfer {
  readonly #session: Pointer;
  readonly #memory: Pointer;

  constructor(provider: Provider, { type, shape }: HostTensor) {
    const { check, outputMemory } = api();
    const model = encodeModel({
      nodes: [{ op: 'Identity', inputs: ['from'], outputs: ['to'], attributes: {}, domain: '' }], initializers: [],
      inputs: [{ name: 'from', type, shape }], outputs: [{ name: 'to', type, shape }],
    });
    this.#session = openOnDevice(model, provider);
    const infos = pointerArray([null]);
    check(outputMemory(this.#session, infos, 1));
    this.#memory = pointersAt(infos, 1)[0];
    koffi.free(infos);
  }

  get memory(): Pointer {
    return this.#memory;
  }

  upload(tensor: HostTensor): Pointer {
    const { check, releaseValue, bindOutputToDevice } = api();
    const from = hostValue(tensor);
    try {
      const [to] = this.#copy(from, (binding) => check(bindOutputToDevice(binding, 'to', this.#memory)));
      return to;
    } finally {
      releaseValue(from);
    }
  }

  download(from: Pointer, tensor: HostTensor): void {
    const { check, releaseValue, bindOutput } = api();
    const to = hostValue(tensor);
    try {
      for (const value of this.#copy(from, (binding) => check(bindOutput(binding, 'to', to)))) releaseValue(value);
    } finally {
      releaseValue(to);
    }
  }

  #copy(from: Pointer, bindOutput: (binding: Pointer) => void): Pointer[] {
    const { check, made, createIoBinding, releaseIoBinding, bindInput, runWithBinding } = api();
    const binding = made((out) => createIoBinding(this.#session, out));
    try {
      check(bindInput(binding, 'from', from));
      bindOutput(binding);
      check(runWithBinding(this.#session, null, binding));
      return boundValues(binding);
    } finally {
      releaseIoBinding(binding);
    }
  }
}

const transfers = new Map<string, Transfer>();

function transfer(provider: Provider, tensor: HostTensor): Transfer {
  const key = `${provider} ${tensor.type} ${tensor.shape}`;
  let known = transfers.get(key);
  if (!known) transfers.set(key, (known = new Transfer(provider, tensor)));
  return known;
}

/** The values of a binding's outputs, in the order in which they were bound; the caller releases them. */
function boundValues(binding: Pointer): Pointer[] {
  const { check, boundOutputs, allocator, free } = api();
  const values: [Pointer] = [null], count: [number] = [0];
  check(boundOutputs(binding, allocator, values, count));
  const list = pointersAt(values[0], count[0]);
  check(free(allocator, values[0]));
  return list;
}

/** A variable's value on the device. It belongs to the session that made it, and must not outlive that. */
class DeviceValue implements Resident {
  #behind = false;

  constructor(readonly provider: Provider, readonly tensor: HostTensor, public value: Pointer, private owner: Set<DeviceValue>) {
    owner.add(this);
    setResident(tensor.data, this);
  }

  fetch(): void {
    if (this.#behind) transfer(this.provider, this.tensor).download(this.value, this.tensor);
    this.#behind = false;
  }

  /** Takes what a run computed, `owner`'s. */
  replace(value: Pointer, owner: Set<DeviceValue>): void {
    api().releaseValue(this.value);
    this.value = value;
    this.#behind = true;
    this.owner.delete(this);
    this.owner = owner.add(this);
  }

  drop(): void {
    if (!this.owner.delete(this)) return;
    api().releaseValue(this.value);
    this.value = null;
  }
}

class DeviceBinding implements Binding {
  readonly #binding: Pointer;
  readonly #inputs: readonly { readonly name: string; readonly value: Pointer }[];
  readonly #outputs: readonly { readonly name: string; readonly value: Pointer }[];
  readonly #variables: readonly (readonly [name: string, tensor: HostTensor])[];
  readonly #updates: readonly (readonly [name: string, tensor: HostTensor])[];
  #running = 0;
  #open = true;

  constructor(private readonly session: Pointer, private readonly provider: Provider, private readonly values: Set<DeviceValue>, inputs: Tensors, outputs: Tensors) {
    const { made, createIoBinding } = api();
    this.#binding = made((out) => createIoBinding(session, out));
    const apart = (tensors: Tensors, kept: boolean) => Object.entries(tensors).filter(([, tensor]) => (tensor.variable ?? false) === kept);
    this.#variables = apart(inputs, true);
    this.#updates = apart(outputs, true);
    // Held with their tensors: a value does not keep the memory it lies over.
    const over = ([name, tensor]: readonly [string, HostTensor]) => ({ name, tensor, value: hostValue(tensor) });
    this.#inputs = apart(inputs, false).map(over);
    this.#outputs = apart(outputs, false).map(over);
  }

  async run(options: RunOptions = {}): Promise<void> {
    if (!this.#open) throw new SessionError('This binding was released.');
    const { check, bindInput, bindOutput, bindOutputToDevice, clearBoundOutputs, runWithBinding, releaseValue } = api();
    const binding = this.#binding;
    for (const [name, tensor] of this.#variables) check(bindInput(binding, name, this.#resident(tensor).value));
    // Binding a value of the host copies it to the device.
    for (const { name, value } of this.#inputs) check(bindInput(binding, name, value));
    clearBoundOutputs(binding);
    for (const [name, tensor] of this.#updates) {
      check(tensor.inPlace ? bindOutput(binding, name, this.#resident(tensor).value) : bindOutputToDevice(binding, name, transfer(this.provider, tensor).memory));
    }
    for (const { name, value } of this.#outputs) check(bindOutput(binding, name, value));

    if (options.blocking || !api().wideStacks) check(runWithBinding(this.session, null, binding));
    else await this.#runElsewhere();
    const made = boundValues(binding);
    for (const [i, value] of made.entries()) {
      const update = this.#updates[i];
      if (update) this.#resident(update[1]).replace(value, this.values);
      else releaseValue(value);
    }
  }

  #runElsewhere(): Promise<void> {
    this.#running++;
    return callElsewhere(api().runWithBinding, this.session, null, this.#binding).finally(() => void this.#running--);
  }

  /** The variable's value on this device, copied there where it is not yet. */
  #resident(tensor: HostTensor): DeviceValue {
    const known = residentOf(tensor.data);
    if (known instanceof DeviceValue && known.provider === this.provider && known.value !== null) return known;
    known?.fetch();
    known?.drop();
    return new DeviceValue(this.provider, tensor, transfer(this.provider, tensor).upload(tensor), this.values);
  }

  release(): void {
    if (this.#running > 0) throw new SessionError('A binding was released while it ran; await its run first.');
    if (!this.#open) return;
    const { releaseValue, releaseIoBinding } = api();
    for (const { value } of [...this.#inputs, ...this.#outputs]) releaseValue(value);
    releaseIoBinding(this.#binding);
    this.#open = false;
  }
}

/** A session over a model. Throws SessionError when onnxruntime refuses the graph or the provider. */
export function createDeviceSession(model: ModelPieces, options: SessionOptions): Session {
  const { check, setThreads, enableProfiling, releaseSession } = api();
  const session = openOnDevice(model, options.provider, (settings) => {
    check(setThreads(settings, options.threads));
    if (options.profile !== undefined) check(enableProfiling(settings, options.profile));
  });
  const values = new Set<DeviceValue>();
  let open = true;
  return {
    bind(inputs, outputs) {
      if (!open) throw new SessionError('This session was released.');
      return new DeviceBinding(session, options.provider, values, inputs, outputs);
    },
    release() {
      if (!open) return;
      open = false;
      for (const value of values) {
        value.fetch();
        value.drop();
      }
      releaseSession(session);
    },
  };
}
