/** `ouroboros doctor`: whether a run can start here, and on what. */
import type { Command } from 'commander';
import type { DoctorReport } from '../contracts/library.ts';
import { exitCodes, writeJson, type CliContext, type ExitCode } from './context.ts';
import { columns } from './text.ts';

export function addDoctor(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('doctor')
    .summary('say what works on this machine, and why the rest does not')
    .description('Checks what a run needs and lists every backend: usable, or the reason why not. Exits with 1 when no run could start.')
    .option('--bench', 'also measure one training step on each usable backend')
    .option('--json', 'the report as JSON')
    .addHelpText('after', '\nExamples:\n  ouroboros doctor\n  ouroboros doctor --bench --json\n')
    .action(async (flags: { bench?: boolean; json?: boolean }) => {
      const library = await context.library();
      const report = await library.doctor({ bench: flags.bench ?? false });
      if (flags.json) writeJson(context, report);
      else context.stdout.write(`${reportText(report)}\n`);
      done(report.ok ? exitCodes.ok : exitCodes.failed);
    });
}

function reportText(report: DoctorReport): string {
  const benched = report.backends.some((backend) => backend.tokensPerSecond !== undefined);
  const checks = report.checks.map((check) => [check.name, check.ok ? 'ok' : 'NOT OK', check.message]);
  const backends = report.backends.map((backend) => [
    backend.name,
    backend.usable ? 'usable' : 'not usable',
    ...(benched ? [backend.tokensPerSecond === undefined ? '–' : String(Math.round(backend.tokensPerSecond))] : []),
    backend.reason ?? '',
  ]);
  return [
    columns(['check', '', ''], checks, [0, 1, 2]),
    '',
    columns(['backend', '', ...(benched ? ['tokens/s'] : []), ''], backends, benched ? [0, 1, 3] : [0, 1, 2]),
    '',
    report.chosen ? `--backend auto takes ${report.chosen}.` : 'No backend is usable.',
    report.ok ? 'A run can start.' : 'A run cannot start: see what is not ok above.',
  ].join('\n');
}
