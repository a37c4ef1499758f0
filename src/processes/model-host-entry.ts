/** Entry point of the model host's process: models, tokenizer and checkpoint files behind typed calls. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InitialiseRequest, ModelHost } from '../contracts/model.ts';
import { chooseEngine } from '../engine/backends.ts';
import type { BackendName } from '../engine/compile.ts';
import { PolicyHost } from '../models/host.ts';
import { loadTokenizer, saveTokenizer, trainTokenizer } from '../models/tokenizer/index.ts';
import { serve } from './rpc.ts';

/** Methods of one argument each, and the listener of what they tell, as `serve` wants them. */
export interface ModelHostService {
  trainTokenizer: ModelHost['trainTokenizer'];
  initialise: ModelHost['initialise'];
  encode: ModelHost['encode'];
  tokenBytes(input: null): ReturnType<ModelHost['tokenBytes']>;
  generate: ModelHost['generate'];
  infill: ModelHost['infill'];
  alternatives: ModelHost['alternatives'];
  logProbs: ModelHost['logProbs'];
  bits(input: { texts: Parameters<ModelHost['bits']>[0]; weights: Parameters<ModelHost['bits']>[1] }): ReturnType<ModelHost['bits']>;
  pretrain: ModelHost['pretrain'];
  update: ModelHost['update'];
  scoreDiscriminator: ModelHost['scoreDiscriminator'];
  traceDiscriminator: ModelHost['traceDiscriminator'];
  updateDiscriminator: ModelHost['updateDiscriminator'];
  generateLatent: ModelHost['generateLatent'];
  updateLatent: ModelHost['updateLatent'];
  promote(input: null): Promise<void>;
  rollback(input: null): Promise<void>;
  beginRounds(input: null): Promise<void>;
  save: ModelHost['save'];
  load: ModelHost['load'];
}

const STATE_FILE = 'state.json';
/** Bytes a token are taken on so many texts: enough for three digits. */
const TEXTS_COUNTED = 100;

serve<ModelHostService>(() => {
  let host: PolicyHost | null = null;
  const ready = (): PolicyHost => {
    if (!host) throw new Error('initialise comes first.');
    return host;
  };
  return {
    async trainTokenizer({ texts, vocabulary, path }) {
      const tokenizer = trainTokenizer(texts, vocabulary);
      saveTokenizer(tokenizer, path);
      const sample = texts.slice(0, TEXTS_COUNTED);
      const bytes = sample.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
      const tokens = sample.reduce((sum, text) => sum + tokenizer.count(text), 0);
      return { vocabulary: tokenizer.vocabulary, bytesPerToken: bytes / Math.max(1, tokens) };
    },
    async initialise(request: InitialiseRequest) {
      const engine = await chooseEngine(request.backend as 'auto' | BackendName, request.threads);
      host = await PolicyHost.create(request, loadTokenizer(request.tokenizer), engine);
      return host.info;
    },
    encode: (texts) => ready().encode(texts),
    tokenBytes: () => ready().tokenBytes(),
    generate: (request, tell) => ready().generate(request, tell),
    infill: (request, tell) => ready().infill(request, tell),
    alternatives: (request) => ready().alternatives(request),
    logProbs: (sequences) => ready().logProbs(sequences),
    bits: ({ texts, weights }) => ready().bits(texts, weights),
    pretrain: (request) => ready().pretrain(request),
    update: (request) => ready().update(request),
    scoreDiscriminator: (inputs) => ready().scoreDiscriminator(inputs),
    traceDiscriminator: (inputs) => ready().traceDiscriminator(inputs),
    updateDiscriminator: (request) => ready().updateDiscriminator(request),
    generateLatent: (request) => ready().generateLatent(request),
    updateLatent: (request) => ready().updateLatent(request),
    promote: () => ready().promote(),
    rollback: () => ready().rollback(),
    beginRounds: () => ready().beginRounds(),
    async save(folder) {
      const { arrays, counters } = ready().state();
      mkdirSync(folder, { recursive: true });
      const hash = createHash('sha256');
      for (const [name, array] of Object.entries(arrays)) {
        const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        hash.update(name).update(bytes);
        writeFileSync(join(folder, `${name}.f32`), bytes);
      }
      const state = JSON.stringify({ arrays: Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.length])), counters });
      hash.update(state);
      writeFileSync(join(folder, STATE_FILE), state);
      return hash.digest('hex');
    },
    async load(folder) {
      const { arrays, counters } = JSON.parse(readFileSync(join(folder, STATE_FILE), 'utf8')) as { arrays: Record<string, number>; counters: Record<string, number> };
      const read = (name: string): Float32Array => {
        const bytes = readFileSync(join(folder, `${name}.f32`));
        return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      };
      ready().restore({ arrays: Object.fromEntries(Object.keys(arrays).map((name) => [name, read(name)])), counters });
    },
  };
});
