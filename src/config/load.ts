/**
 * From what a user wrote to a complete configuration: the schema's defaults, a preset, the learner's recipe, ouroboros.config.json and
 * flags, each over the one before. Every error names the field, what is allowed and where it was written. Not here: the defaults.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { presetNames, presets, recipes, type PresetName } from './presets.ts';
import { configSchema, type Config, type ConfigInput } from './schema.ts';
import { fieldsAt } from './settings.ts';

/** The configuration is not usable; the message is meant for the user. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** Tried again, it would only come again. */
  readonly permanent = true;
}

export const configFileName = 'ouroboros.config.json';

export interface ConfigSources {
  /** Over the file's own `preset`; `laptop` when neither names one. */
  readonly preset?: string;
  /** A file to read; absent: ouroboros.config.json in `directory`, where there is one. */
  readonly file?: string;
  /** Assignments such as `budget.rounds=3`; the value is JSON, or a plain string where it is not. */
  readonly assignments?: readonly string[];
  /** What the other flags say. */
  readonly flags?: ConfigInput;
  /** Where relative paths of flags start and the file is looked for; default: the working directory. */
  readonly directory?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly preset: PresetName;
  /** The file that was read, or null. */
  readonly file: string | null;
}

/** Merges the sources and checks the result. Relative paths in the file are taken from the file's folder. Throws ConfigError. */
export function loadConfig(sources: ConfigSources = {}): LoadedConfig {
  const directory = resolve(sources.directory ?? '.');
  const named = sources.file === undefined ? join(directory, configFileName) : resolve(directory, sources.file);
  const file = sources.file !== undefined || existsSync(named) ? named : null;
  const { preset: filePreset, ...fromFile } = file ? readConfigFile(file) : {};
  const preset = presetOf(sources.preset ?? filePreset ?? 'laptop');
  let said = withAbsolutePaths(fromFile, file ? dirname(file) : directory);
  said = merge(said, withAbsolutePaths(readAssignments(sources.assignments ?? []), directory));
  said = merge(said, withAbsolutePaths((sources.flags ?? {}) as Tree, directory));
  const merged = merge(withRecipe(presets[preset].config, said['learner']) as Tree, said);
  return { config: parseConfig(merged, file ? `${file}, the flags or the preset` : undefined), preset, file };
}

/** What a user wrote, with assignments (as of ConfigSources) over it. Throws ConfigError. */
export function withAssignments(input: ConfigInput, assignments: readonly string[]): ConfigInput {
  return merge(input as Tree, readAssignments(assignments)) as ConfigInput;
}

/** A setting's or preset's configuration with what the learner wants otherwise. */
export function withRecipe(input: ConfigInput, learner: unknown): ConfigInput {
  return merge(input as Tree, recipeOf(learner)) as ConfigInput;
}

/** Checks a configuration and fills in the defaults, the learner's own among them. `origin` says in the error where it was written. Throws ConfigError. */
export function parseConfig(input: unknown, origin?: string): Config {
  const given = isTree(input) ? merge(recipeOf(input['learner']), input) : input;
  const result = configSchema.safeParse(given);
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap((issue) => explain(issue, given));
  const where = origin ? ` (written in ${origin})` : '';
  if (lines.length === 1) throw new ConfigError(`The configuration is not usable${where}: ${lines[0]}`);
  throw new ConfigError(`The configuration is not usable${where}:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/**
 * SHA-256, in hexadecimal, of all that decides what a run computes. Left out: `corpus` and `evaluator`, which are paths (the
 * corpus has a hash of its own in the log), `judges` and `keepCheckpoints`, which change no result.
 */
export function configHash(config: Config): string {
  const { corpus: _corpus, evaluator: _evaluator, judges: _judges, keepCheckpoints: _keep, ...rest } = config;
  return createHash('sha256').update(JSON.stringify(sortKeys(rest))).digest('hex');
}

/** The word of `words` that is nearest to `word`, when it is near enough to be a slip. */
export function nearest(word: string, words: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of words) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

type Tree = { [key: string]: unknown };

const recipeOf = (learner: unknown): Tree => (typeof learner === 'string' && Object.hasOwn(recipes, learner) ? (recipes[learner as keyof typeof recipes] as Tree) : {});

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `over` wins; objects are merged, everything else is replaced. */
function merge(base: Tree, over: Tree): Tree {
  const result: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const old = Object.hasOwn(result, key) ? result[key] : undefined;
    Object.defineProperty(result, key, { value: isTree(old) && isTree(value) ? merge(old, value) : value, enumerable: true, writable: true, configurable: true });
  }
  return result;
}

function readConfigFile(path: string): Tree {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it does not exist' : (error as Error).message;
    throw new ConfigError(`The configuration file ${path} cannot be read: ${why}.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`The configuration file ${path} is not JSON: ${(error as Error).message}.`);
  }
  if (!isTree(value)) throw new ConfigError(`The configuration file ${path} must hold one JSON object, such as {"budget": {"rounds": 5}}.`);
  return value;
}

function presetOf(name: unknown): PresetName {
  const known = presetNames.find((preset) => preset === name);
  if (known) return known;
  const meant = typeof name === 'string' ? nearest(name, presetNames) : null;
  throw new ConfigError(`There is no preset ${JSON.stringify(name)}; allowed: ${presetNames.join(', ')}.${meant ? ` Did you mean '${meant}'?` : ''}`);
}

function readAssignments(assignments: readonly string[]): Tree {
  let tree: Tree = {};
  for (const assignment of assignments) {
    const equals = assignment.indexOf('=');
    if (equals < 1) throw new ConfigError(`'${assignment}' is no setting; write it as key=value, such as budget.rounds=5.`);
    const text = assignment.slice(equals + 1);
    let value: unknown = text;
    try {
      value = JSON.parse(text);
    } catch {
      // A plain string, such as onnx:cpu.
    }
    for (const key of assignment.slice(0, equals).split('.').reverse()) value = { [key]: value };
    tree = merge(tree, value as Tree);
  }
  return tree;
}

function withAbsolutePaths(tree: Tree, directory: string): Tree {
  const result = { ...tree };
  if (Array.isArray(tree.corpus)) result.corpus = tree.corpus.map((path: unknown) => (typeof path === 'string' ? resolve(directory, path) : path));
  if (typeof tree.evaluator === 'string') result.evaluator = resolve(directory, tree.evaluator);
  return result;
}

/** One line an issue: the field, what is allowed, and what was found. */
function explain(issue: z.core.$ZodIssue, input: unknown): string[] {
  const path = issue.path.map(String);
  const field = path.join('.') || 'the configuration';
  const found = path.reduce<unknown>((value, key) => (isTree(value) || Array.isArray(value) ? (value as Tree)[key] : undefined), input);
  const got = `, not ${JSON.stringify(found) ?? 'undefined'}`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const allowed = fieldsAt(path);
        const meant = nearest(key, allowed);
        return `there is no field ${[...path, key].join('.')}; ${meant ? `did you mean '${[...path, meant].join('.')}'?` : `allowed${path.length > 0 ? ` in ${field}` : ''}: ${allowed.join(', ')}.`}`;
      });
    case 'too_small':
      return [`${field} must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${got}.`];
    case 'too_big':
      return [`${field} must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${got}.`];
    case 'invalid_value':
      return [`${field} must be one of ${issue.values.map(String).join(', ')}${got}.`];
    case 'invalid_type':
      return [`${field} must be ${typeNames[issue.expected] ?? issue.expected}${got}.`];
    default:
      return [`${field} ${issue.message}${issue.code === 'custom' ? got : ''}.`];
  }
}

const typeNames: Readonly<Record<string, string>> = { int: 'a whole number', number: 'a number', string: 'a string', array: 'a list', object: 'an object', boolean: 'true or false' };

function sortKeys(value: unknown): unknown {
  if (!isTree(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sortKeys(value[key])]));
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    previous = row;
  }
  return previous[b.length]!;
}
