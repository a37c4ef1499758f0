import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError, configFileName, configHash, loadConfig, nearest, parseConfig, withAssignments } from '../../src/config/load.ts';
import { presetNames, presets, recipes } from '../../src/config/presets.ts';
import { configSchema } from '../../src/config/schema.ts';

function folder(file?: unknown): string {
  const path = mkdtempSync(join(tmpdir(), 'ouroboros-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  if (file !== undefined) writeFileSync(join(path, configFileName), typeof file === 'string' ? file : JSON.stringify(file));
  return path;
}

function messageOf(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('No error was thrown.');
}

describe('presets', () => {
  it.each(presetNames)('%s is a usable configuration', (name) => {
    const { config } = loadConfig({ preset: name, directory: folder() });
    expect(config).toEqual(configSchema.parse(presets[name].config));
    expect(config.sampling.maxTokens).toBeLessThanOrEqual(config.model.context);
  });

  it('the default is laptop, and laptop is the defaults', () => {
    const loaded = loadConfig({ directory: folder() });
    expect(loaded).toEqual({ config: configSchema.parse({}), preset: 'laptop', file: null });
  });
});

describe('the order of sources', () => {
  it('assignments over what a caller has, which stays as it is', () => {
    const base = { model: { layers: 3, heads: 2 }, corpus: ['a'] };
    expect(withAssignments(base, ['model.layers=5', 'corpus=["b"]', 'seed=2'])).toEqual({ model: { layers: 5, heads: 2 }, corpus: ['b'], seed: 2 });
    expect(base).toEqual({ model: { layers: 3, heads: 2 }, corpus: ['a'] });
    expect(messageOf(() => void withAssignments(base, ['seed']))).toContain('key=value');
  });

  it('flags over assignments over file over preset over defaults, field by field', () => {
    const directory = folder({ preset: 'smoke', seed: 2, budget: { rounds: 4 }, judges: 2, sampling: { maxTokens: 40 } });
    const { config, preset, file } = loadConfig({ directory, assignments: ['seed=3', 'judges=3', 'backend=cpu'], flags: { judges: 4 } });
    expect(file).toBe(join(directory, configFileName));
    expect(preset).toBe('smoke');
    expect([config.judges, config.seed, config.backend]).toEqual([4, 3, 'cpu']);
    expect(config.budget).toMatchObject({ rounds: 4, minutes: presets.smoke.config.budget!.minutes });
    expect(config.sampling).toMatchObject({ maxTokens: 40, unconditional: presets.smoke.config.sampling!.unconditional, temperature: 1 });
  });

  it('a learner\'s recipe over the preset, and below all that is said', () => {
    const read = (...assignments: string[]) => {
      const { config: { refinement, learning } } = loadConfig({ preset: 'small', directory: folder(), assignments });
      return [refinement.parents, learning.passes];
    };
    const own = [recipes.repair!.refinement!.parents, recipes.repair!.learning!.passes];
    expect(read()).toEqual([presets.small.config.refinement!.parents, 2]);
    expect(read('learner=repair')).toEqual(own);
    expect(read('learner=repair', 'refinement.parents=7')).toEqual([7, own[1]]);
    const parsed = parseConfig({ learner: 'repair', learning: { passes: 3 } });
    expect([parsed.refinement.parents, parsed.learning.passes]).toEqual([own[0], 3]);
    // What is complete already stays as it is.
    expect(parseConfig({ ...parseConfig({}), learner: 'repair' })).toEqual({ ...parseConfig({}), learner: 'repair' });
  });

  it('a preset that is named over the file\'s own', () => {
    expect(loadConfig({ directory: folder({ preset: 'smoke' }), preset: 'small' }).preset).toBe('small');
  });

  it('lists are replaced, not joined, and relative paths start where they were written', () => {
    const directory = folder();
    mkdirSync(join(directory, 'sub'));
    writeFileSync(join(directory, 'sub', 'mine.json'), JSON.stringify({ corpus: ['a'], evaluator: './mine.js' }));
    expect(loadConfig({ directory, file: 'sub/mine.json' }).config).toMatchObject({ corpus: [join(directory, 'sub', 'a')], evaluator: join(directory, 'sub', 'mine.js') });
    expect(loadConfig({ directory, file: 'sub/mine.json', flags: { corpus: ['b', 'c'] } }).config.corpus).toEqual([join(directory, 'b'), join(directory, 'c')]);
  });
});

describe('errors name the field and what is allowed', () => {
  it.each([
    ['budget.rounds=-1', 'budget.rounds must be at least 0, not -1.'],
    ['judges=9', 'judges must be at most 8, not 9.'],
    ['budget.minutes=0', 'budget.minutes must be more than 0, not 0.'],
    ['seed=1.5', 'seed must be a whole number, not 1.5.'],
    ['seed=many', 'seed must be a number, not "many".'],
    ['backend=tpu', 'backend must be one of auto, onnx:cpu, onnx:webgpu, onnx:cuda, tensorflow, wasm, cpu, not "tpu".'],
    ['corpus=x', 'corpus must be a list, not "x".'],
    ['learning=3', 'learning must be an object, not 3.'],
    ['sede=1', "there is no field sede; did you mean 'seed'?"],
    ['model.widht=64', "there is no field model.widht; did you mean 'model.width'?"],
    ['budget.zzzzzzzzzz=1', 'there is no field budget.zzzzzzzzzz; allowed in budget: rounds, minutes, targetValidity, plateauRounds.'],
    ['model.width=100', 'model.width must be a multiple of 16 times model.heads, not 100.'],
    ['model.kvHeads=3', 'model.kvHeads must divide model.heads, not 3.'],
    ['pretraining.maskShare=0.9', 'pretraining.maskShare must not exceed what pretraining.infillShare leaves of 1, not 0.9.'],
    ['sampling.maxTokens=500', 'sampling.maxTokens must not exceed model.context (192), not 500.'],
    [['learner=latent-gan', 'model.batch=3'], 'model.batch must be 4 or more for learner latent-gan'],
    [['learner=latent-gan', 'latent.prefix=190'], 'latent.prefix must leave 8 of model.context (192) to tokens'],
    ['rounds', "'rounds' is no setting; write it as key=value, such as budget.rounds=5."],
  ])('%s', (assignments, message) => {
    expect(messageOf(() => loadConfig({ directory: folder(), assignments: [assignments].flat() }))).toContain(message);
  });

  it('all at once, a line each', () => {
    const message = messageOf(() => parseConfig({ seed: -1, judges: 0, colour: 'red' }));
    expect(message.split('\n')).toHaveLength(4);
  });

  it.each([
    ['{"seed": ', /is not JSON/],
    ['[1]', /must hold one JSON object/],
    ['{"preset": "smok"}', /no preset "smok"; allowed: laptop, small, smoke. Did you mean 'smoke'/],
    ['{"seed": -1}', /written in .*ouroboros\.config\.json/],
  ])('in the file %s', (text, message) => {
    expect(messageOf(() => loadConfig({ directory: folder(text) }))).toMatch(message);
  });

  it('a named file that is not there', () => {
    expect(messageOf(() => loadConfig({ directory: folder(), file: 'mine.json' }))).toMatch(/mine\.json cannot be read: it does not exist/);
  });

  it('a member named __proto__ is an unknown field, and nothing else happens', () => {
    expect(messageOf(() => loadConfig({ directory: folder('{"__proto__": {"polluted": 1}}') }))).toMatch(/no field __proto__/);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('the configuration\'s hash', () => {
  const config = configSchema.parse({});

  it('is the same for the same settings, however they were written', () => {
    expect(configHash(loadConfig({ directory: folder(), assignments: ['model.layers=3', 'seed=9'] }).config)).toBe(configHash(parseConfig({ seed: 9, model: { layers: 3 } })));
  });

  it('changes with what decides a result, and with nothing else', () => {
    for (const other of [{ seed: 2 }, { threads: 1 }, { model: { layers: 3 } }, { budget: { rounds: 3 } }, { learning: { repairWeight: 0 } }]) expect(configHash(parseConfig(other))).not.toBe(configHash(config));
    for (const other of [{ judges: 2 }, { keepCheckpoints: 9 }, { corpus: ['/elsewhere'] }, { evaluator: '/mine.js' }]) expect(configHash(parseConfig(other))).toBe(configHash(config));
  });
});

describe('suggestions', () => {
  it('a word is nearest to itself, and nothing is suggested for a word far from all', () => {
    const words = ['seed', 'backend', 'threads', 'corpus'];
    fc.assert(fc.property(fc.constantFrom(...words), (word) => nearest(word, words) === word));
    expect(nearest('xxxxxxxx', words)).toBeNull();
    expect(nearest('Corpse', words)).toBe('corpus');
  });
});
