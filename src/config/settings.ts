/** Every setting as a list, for people who look for one: read off the schema, never written twice. Not here: how it is printed. */
import { z } from 'zod';
import { configSchema, type Config } from './schema.ts';

export interface Setting {
  /** As in `--set`, such as `learning.clipLow`. */
  readonly name: string;
  readonly description: string;
  readonly type: 'integer' | 'number' | 'boolean' | 'string' | 'array';
  /** What it is in the configuration that was asked about; null where it is absent. */
  readonly value: unknown;
  /** What is allowed of its type. A number has one of the lower bounds. */
  readonly choices?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** A part of a JSON schema (draft 2020-12), as far as it is read here. */
interface Node {
  readonly type?: Setting['type'] | 'object';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** All settings in the schema's order, with the values that `config` has. */
export function describeSettings(config: Config): Setting[] {
  return below(z.toJSONSchema(configSchema, { io: 'input' }) as Node, config, '');
}

function below(group: Node, values: object, prefix: string): Setting[] {
  return Object.entries(group.properties ?? {}).flatMap(([key, node]) => {
    const value = (values as Readonly<Record<string, unknown>>)[key];
    if (node.type === 'object') return below(node, value as object, `${prefix}${key}.`);
    const { type = 'string', description = '', minimum, exclusiveMinimum, maximum } = node;
    return [{
      name: `${prefix}${key}`, description, type, value: value ?? null,
      ...(node.enum && { choices: node.enum }),
      ...(minimum !== undefined && { minimum }),
      ...(exclusiveMinimum !== undefined && { exclusiveMinimum }),
      // What zod says of whole numbers that have no limit.
      ...(maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER && { maximum }),
    }];
  });
}
