/** Every setting as a list, for people who look for one: read off the schema, never written twice. Not here: how it is printed. */
import { z } from 'zod';
import { configSchema, type Config } from './schema.ts';

/** What a number may be; each has one of the first two (tests/config/settings.test.ts). */
interface Limits {
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

export interface Setting extends Limits {
  /** As in `--set`, such as `learning.clipLow`. */
  readonly name: string;
  readonly description: string;
  readonly type: 'integer' | 'number' | 'boolean' | 'string' | 'array';
  /** What it is in the configuration that was asked about; null where it is absent. */
  readonly value: unknown;
  /** Absent: any of its type. */
  readonly choices?: readonly string[];
}

/** A part of a JSON schema (draft 2020-12), as far as it is read here. */
interface Node extends Limits {
  readonly type?: Setting['type'] | 'object';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly enum?: readonly string[];
}

const schema = (): Node => z.toJSONSchema(configSchema, { io: 'input' }) as Node;

/** All settings in the schema's order, with the values that `config` has. */
export function describeSettings(config: Config): Setting[] {
  return below(schema(), config, '');
}

/** Names of the fields that a configuration has at `path`. */
export function fieldsAt(path: readonly string[]): string[] {
  return Object.keys(path.reduce<Node | undefined>((node, key) => node?.properties?.[key], schema())?.properties ?? {});
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
