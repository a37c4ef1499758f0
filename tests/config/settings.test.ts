import { describe, expect, it } from 'vitest';
import { parseConfig, withAssignments } from '../../src/config/load.ts';
import { presetNames, presets, recipes } from '../../src/config/presets.ts';
import { describeSettings } from '../../src/config/settings.ts';

describe('the list of settings', () => {
  it.each(presetNames)('is all there is to %s: what it lists, assigned one by one, makes the same configuration', (name) => {
    const config = parseConfig(presets[name].config);
    const assignments = describeSettings(config).filter(({ value }) => value !== null).map((setting) => `${setting.name}=${JSON.stringify(setting.value)}`);
    expect(parseConfig(withAssignments({}, assignments))).toEqual(config);
  });

  it('names every default that a learner has of its own', () => {
    const { description } = describeSettings(parseConfig({})).find(({ name }) => name === 'learner')!;
    for (const [learner, recipe] of Object.entries(recipes)) {
      const own = Object.entries(recipe).flatMap(([group, values]) => Object.entries(values ?? {}).map(([key, value]) => `${group}.${key} ${String(value)}`));
      expect(own.length).toBeGreaterThan(0);
      expect(description).toContain(`Learner ${learner} has defaults of its own: ${own.join(', ')}.`);
    }
  });

  it('says of each what it does, and of a number where it ends below', () => {
    const bare = describeSettings(parseConfig({})).filter(({ description, type, minimum, exclusiveMinimum }) =>
      description === '' || ((type === 'integer' || type === 'number') && (minimum ?? exclusiveMinimum) === undefined));
    expect(bare).toEqual([]);
  });
});
