/**
 * The graph under construction while a step is traced: nodes, constants and names. Knows ONNX, not tfjs.
 */
import type { AttributeValue, DataType, GraphSpec, Initializer, NodeSpec, TensorSpec } from '../onnx/proto.ts';
import type { Provider } from '../onnx/session.ts';

/** One factor of a batched product: its name, its rank, and whether its last two axes are swapped first. */
export interface Factor {
  readonly name: string;
  readonly rank: number;
  readonly transposed: boolean;
}

export class GraphBuilder {
  readonly #nodes: NodeSpec[] = [];
  readonly #initializers = new Map<string, Initializer>();
  readonly #integerLists = new Map<string, string>();
  /** What a reshaped value was before it was first reshaped. */
  readonly #unshaped = new Map<string, { readonly name: string; readonly shape: readonly number[] }>();
  #next = 0;

  /** The graph will run on `provider`: not every one has a kernel for every fused node. */
  constructor(readonly provider: Provider) {}

  /** A fresh name, readable in profiles. */
  name(prefix: string): string {
    return `${prefix}_${this.#next++}`;
  }

  /** Adds a node with one output and returns the output's name. */
  add(op: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeValue>> = {}, domain: NodeSpec['domain'] = ''): string {
    return this.addMany(op, inputs, 1, attributes, domain)[0]!;
  }

  /** Adds a node with `count` outputs and returns their names. */
  addMany(op: string, inputs: readonly string[], count: number, attributes: Readonly<Record<string, AttributeValue>> = {}, domain: NodeSpec['domain'] = ''): string[] {
    const outputs = Array.from({ length: count }, () => this.name(op));
    this.#nodes.push({ op, inputs, outputs, attributes, domain });
    return outputs;
  }

  /** The value `name` of shape `from` in another shape. What is reshaped again, or back, costs one node or none. */
  reshape(name: string, from: readonly number[], to: readonly number[]): string {
    if (from.join() === to.join()) return name;
    const origin = this.#unshaped.get(name) ?? { name, shape: from };
    if (origin.shape.join() === to.join()) return origin.name;
    const reshaped = this.add('Reshape', [origin.name, this.integers(to)]);
    this.#unshaped.set(reshaped, origin);
    return reshaped;
  }

  /** scale * a b over the last two axes, one product for each place of the others. */
  batchedMatMul(a: Factor, b: Factor, scale = 1): string {
    if (this.provider !== 'webgpu') {
      const attributes = { transA: a.transposed ? 1 : 0, transB: b.transposed ? 1 : 0, alpha: { float: scale } };
      return this.add('FusedMatMul', [a.name, b.name], attributes, 'com.microsoft');
    }
    const factor = ({ name, rank, transposed }: Factor): string => {
      const axes = Array.from({ length: rank }, (_, axis) => axis);
      return transposed ? this.add('Transpose', [name], { perm: [...axes.slice(0, -2), rank - 1, rank - 2] }) : name;
    };
    const product = this.add('MatMul', [factor(a), factor(b)]);
    return scale === 1 ? product : this.add('Mul', [product, this.constant(Float32Array.of(scale), [], 'float32')]);
  }

  /** Parts of `sizes` along `axis`. */
  split(x: string, sizes: readonly number[], axis: number): string[] {
    if (this.provider !== 'webgpu') return this.addMany('Split', [x, this.integers(sizes)], sizes.length, { axis });
    // Its kernel writes all parts at once and may bind a dozen buffers at most.
    let end = 0;
    return sizes.map((size) => this.add('Slice', [x, this.integers([end]), this.integers([(end += size)]), this.integers([axis])]));
  }

  constant(values: Initializer['values'], shape: readonly number[], type: DataType): string {
    const name = this.name('const');
    this.#initializers.set(name, { name, values, shape, type });
    return name;
  }

  /** A 1-D int64 constant: shapes, axes, split sizes. Equal lists share one. */
  integers(values: readonly number[]): string {
    const key = values.join();
    let name = this.#integerLists.get(key);
    if (name === undefined) {
      name = this.constant(BigInt64Array.from(values, BigInt), [values.length], 'int64');
      this.#integerLists.set(key, name);
    }
    return name;
  }

  /** The graph from `inputs` to `outputs`; nodes and constants that no output needs are left out. */
  finish(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): GraphSpec {
    const needed = new Set(outputs.map((output) => output.name));
    const nodes: NodeSpec[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((name) => needed.has(name))) continue;
      nodes.push(node);
      for (const name of node.inputs) needed.add(name);
    }
    const initializers = [...this.#initializers.values()].filter((constant) => needed.has(constant.name));
    return { nodes: nodes.reverse(), initializers, inputs, outputs };
  }
}
