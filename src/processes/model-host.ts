/** The model host as the main process sees it: the ModelHost contract over a child process that can be killed. */
import type { ModelHost } from '../contracts/model.ts';
import type { ModelHostService } from './model-host-entry.ts';
import { ChildService, type ChildOptions } from './rpc.ts';

const ENTRY = new URL(`./model-host-entry.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

export interface RunningModelHost extends ModelHost {
  readonly pid: number | undefined;
  kill(): Promise<void>;
}

/** Starts the process; `initialise` has to be called before anything else. Calls reject with ProcessError once it is gone. */
export function startModelHost(options: Pick<ChildOptions, 'onExit'> = {}): RunningModelHost {
  const child = new ChildService<ModelHostService>(ENTRY, options);
  return {
    get pid() {
      return child.pid;
    },
    trainTokenizer: (request) => child.call('trainTokenizer', request),
    initialise: (request) => child.call('initialise', request),
    encode: (texts) => child.call('encode', texts),
    tokenBytes: () => child.call('tokenBytes', null),
    generate: (request, onFinished) => child.call('generate', request, { onProgress: onFinished }),
    infill: (request, onFinished) => child.call('infill', request, { onProgress: onFinished }),
    alternatives: (request) => child.call('alternatives', request),
    logProbs: (sequences) => child.call('logProbs', sequences),
    bits: (texts, weights) => child.call('bits', { texts, weights }),
    pretrain: (request) => child.call('pretrain', request),
    update: (request) => child.call('update', request),
    scoreDiscriminator: (inputs) => child.call('scoreDiscriminator', inputs),
    traceDiscriminator: (inputs) => child.call('traceDiscriminator', inputs),
    updateDiscriminator: (request) => child.call('updateDiscriminator', request),
    generateLatent: (request) => child.call('generateLatent', request),
    updateLatent: (request) => child.call('updateLatent', request),
    promote: () => child.call('promote', null),
    rollback: () => child.call('rollback', null),
    beginRounds: () => child.call('beginRounds', null),
    save: (folder) => child.call('save', folder),
    load: (folder) => child.call('load', folder),
    kill: () => child.kill(),
  };
}
