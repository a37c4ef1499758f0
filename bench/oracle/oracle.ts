/** The synthetic oracle of the text-GAN literature: its file, and the checks that it is the one whose figures are published. */
import { existsSync, readFileSync } from 'node:fs';
import { recurrentLayout, type RecurrentShape } from '../../src/models/recurrent.ts';
import { readSafetensors, type StoredTensor } from '../../src/models/safetensors.ts';
import { UsageError } from '../usage.ts';

export class OracleError extends UsageError {
  override readonly name = 'OracleError';
}

export interface Oracle {
  readonly shape: RecurrentShape;
  /** In the layout of recurrent.ts. */
  readonly weights: Float32Array;
}

const LENGTH = 20;
const START = 0;

/** Gates in the order of recurrent.ts, as SeqGAN's file names them. */
const GATES = ['i', 'f', 'og', 'c'];

/** (rows, 4H) from four (rows, H). */
function sideBySide(parts: readonly StoredTensor[], rows: number): number[] {
  const width = parts[0]!.data.length / rows;
  return Array.from({ length: rows }, (_, row) => parts.flatMap(({ data }) => [...data.subarray(row * width, (row + 1) * width)])).flat();
}

/** The oracle from the bytes of its file. Source of the names: LantaoYu/SeqGAN, target_lstm.py. */
export function oracleFrom(bytes: Uint8Array): Oracle {
  const tensors = readSafetensors(bytes);
  const tensor = (name: string, ...shape: readonly number[]): StoredTensor => {
    const found = tensors[name];
    if (!found) throw new OracleError(`The file has no tensor '${name}': it is not the SeqGAN oracle.`);
    if (shape.length > 0 && found.shape.join() !== shape.join()) throw new OracleError(`Tensor '${name}' has shape [${found.shape}] instead of [${shape}].`);
    return found;
  };
  const [vocabulary, embedding] = tensor('g_embeddings').shape as [number, number];
  const hidden = tensor('Wo').shape[0]!;
  const shape: RecurrentShape = { vocabulary, embedding, hidden, length: LENGTH, start: START };
  const gates = (name: string, rows: number, ...dimensions: readonly number[]): number[] => sideBySide(GATES.map((gate) => tensor(`${name}${gate}`, ...dimensions)), rows);
  const weights = Float32Array.from([
    ...tensor('g_embeddings').data,
    ...gates('W', embedding, embedding, hidden), ...gates('U', hidden, hidden, hidden), ...gates('b', 1, hidden),
    ...tensor('Wo', hidden, vocabulary).data, ...tensor('bo', vocabulary).data,
  ]);
  if (weights.length !== recurrentLayout(shape).size) throw new OracleError('The file\'s tensors do not make up one LSTM language model.');
  return { shape, weights };
}

export function readOracle(path: string): Oracle {
  if (!existsSync(path)) throw new OracleError(`There is no file ${path}. --data is to name the oracle's weights, seqgan-oracle.safetensors: SeqGAN's save/target_params_py3.pkl as safetensors.`);
  return oracleFrom(readFileSync(path));
}
