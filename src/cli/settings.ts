/** `ouroboros settings [NAME]`: every setting that `--set` and ouroboros.config.json take. */
import type { Command } from 'commander';
import { loadConfig, nearest } from '../config/load.ts';
import { describeSettings, type Setting } from '../config/settings.ts';
import { exitCodes, UsageError, writeJson, type CliContext, type ExitCode } from './context.ts';
import { configOption, presetOption, rangeText } from './options.ts';
import { indent } from './text.ts';

interface Flags {
  readonly preset?: string;
  readonly config?: string;
  readonly json?: boolean;
}

export function addSettings(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('settings')
    .summary('list every setting: its value, what is allowed, what it does')
    .description('Lists what a run can be told with --set or in ouroboros.config.json: the value it would have here, what is allowed, what it does.')
    .argument('[name]', 'only this one, or a group, such as learning')
    .addOption(presetOption())
    .addOption(configOption())
    .option('--json', 'one setting a line')
    .addHelpText('after', '\nExamples:\n  ouroboros settings learning\n  ouroboros settings --preset small --json\n')
    .action((name: string | undefined, flags: Flags) => {
      const { config } = loadConfig({ directory: context.directory, ...(flags.preset !== undefined && { preset: flags.preset }), ...(flags.config !== undefined && { file: flags.config }) });
      const settings = describeSettings(config);
      const chosen = settings.filter((setting) => name === undefined || setting.name === name || setting.name.startsWith(`${name}.`));
      if (chosen.length === 0) {
        const groups = [...new Set(settings.flatMap((setting) => (setting.name.includes('.') ? [setting.name.split('.')[0]!] : [])))];
        const meant = nearest(name!, [...groups, ...settings.map((setting) => setting.name)]);
        throw new UsageError(`There is no setting '${name}'. ${meant ? `Did you mean '${meant}'?` : `Groups: ${groups.join(', ')}; without a name all are listed.`}`);
      }
      const width = (context.stdout.columns || 100) - 4;
      if (flags.json) for (const setting of chosen) writeJson(context, setting);
      else for (const setting of chosen) context.stdout.write(`${setting.name}=${valueText(setting.value)}  (${allowedText(setting)})\n${indent(program.createHelp().boxWrap(setting.description, width))}\n`);
      done(exitCodes.ok);
    });
}

function valueText(value: unknown): string {
  return value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}

function allowedText({ type, choices, minimum, exclusiveMinimum, maximum }: Setting): string {
  if (choices) return choices.join(', ');
  if (type === 'boolean') return 'true or false';
  if (type === 'array') return 'a list, as JSON';
  if (type === 'string') return 'text';
  const kind = type === 'integer' ? 'whole number' : 'number';
  if (exclusiveMinimum !== undefined) return `${kind} above ${exclusiveMinimum}`;
  return `${kind} ${rangeText(minimum!, maximum ?? Infinity, Infinity)}`;
}
