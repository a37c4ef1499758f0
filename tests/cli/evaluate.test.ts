/** `ouroboros evaluate`: what it asks the evaluator and the executor for, and its three formats. The library is a script. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EvaluationRequest, SourceRequest } from '../../src/contracts/evaluator.ts';
import type { ExecutionRequest, ExecutionVerdict, ExecutorOptions } from '../../src/contracts/execution.ts';
import type { EvaluatorOptions } from '../../src/contracts/library.ts';
import type { Evaluation, Finding, Quality } from '../../src/contracts/records.ts';
import { toSarif, type SarifLog } from '../../src/cli/sarif.ts';
import { evaluateTexts, NoveltyIndex, SafetyFilter } from '../../src/evaluator/index.ts';
import { evaluation, terminal } from './harness.ts';

const lines = (text: string): unknown[] => text.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);

/** An evaluator to which an open bracket is a fault. */
function judging(): { library: object; seen: EvaluationRequest[]; opened: (EvaluatorOptions | undefined)[]; closed: () => number } {
  const seen: EvaluationRequest[] = [];
  const opened: (EvaluatorOptions | undefined)[] = [];
  let closed = 0;
  const openEvaluator = (options?: EvaluatorOptions) => {
    opened.push(options);
    return {
      evaluateMany: async (requests: readonly EvaluationRequest[]) => {
        seen.push(...requests);
        return requests.map(({ id, text }) =>
          text.includes('(') && !text.includes(')')
            ? evaluation(id, false, { findings: [{ source: 'cpython', kind: 'bracket.unclosed', message: "'(' was never closed", span: { start: 13, end: 14 }, line: 2, column: 5 }] })
            : evaluation(id, true),
        );
      },
      close: async () => void closed++,
    };
  };
  return { library: { openEvaluator }, seen, opened, closed: () => closed };
}

/** The evaluator itself, without CPython and in this process. */
const real = {
  openEvaluator: ({ corpus, safety }: EvaluatorOptions = {}) => ({
    evaluateMany: async (requests: readonly SourceRequest[]) => evaluateTexts(requests, { safety: new SafetyFilter(safety), ...(corpus ? { novelty: NoveltyIndex.of(corpus) } : {}) }),
    close: async () => {},
  }),
};

describe('evaluate', () => {
  it('shows a fault as CPython does, one verdict a file, and the sums', async () => {
    const { library, closed } = judging();
    const cli = terminal({ library });
    writeFileSync(join(cli.directory, 'good.py'), 'x = 1\n');
    writeFileSync(join(cli.directory, 'bad.py'), 'if x:\n\ty = (1\n');
    const { code, stdout } = await cli.run('evaluate', 'good.py', 'bad.py');
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        'good.py: valid, score 1.00',
        '  File "bad.py", line 2',
        '    y = (1',
        '        ^',
        "SyntaxError: '(' was never closed",
        'bad.py: not valid (syntax), score 0.50',
        '',
        '1 of 2 valid',
        '',
      ].join('\n'),
    );
    expect(closed()).toBe(1);
  });

  it('says once what several sources say of one place, the compiler first', async () => {
    const place = { message: "'(' was never closed", span: { start: 4, end: 5 }, line: 1, column: 4 };
    const findings = [
      { ...place, source: 'parse' as const, kind: 'parse.error', message: 'this cannot be parsed' },
      { ...place, source: 'rule' as const, kind: 'bracket.unclosed' },
      { ...place, source: 'cpython' as const, kind: 'cpython.syntax' },
    ];
    const library = { openEvaluator: () => ({ evaluateMany: async () => [evaluation('a', false, { findings })], close: async () => {} }) };
    const { stdout } = await terminal({ library, stdin: 'y = (1\n' }).run('evaluate', '-');
    expect(stdout.match(/^\w+: .*$/gm)).toEqual(["SyntaxError: '(' was never closed", 'parser: this cannot be parsed']);
  });

  it('prints one evaluation a line as JSON, standard input included', async () => {
    const { library, seen } = judging();
    const { code, stdout } = await terminal({ library, stdin: 'y = 2\n' }).run('evaluate', '-', '--json');
    expect(code).toBe(0);
    expect(lines(stdout)).toMatchObject([{ file: '<stdin>', valid: true, score: 1 }]);
    expect(Object.keys(lines(stdout)[0] as object)).not.toContain('bigrams');
    expect(seen).toEqual([{ id: '<stdin>', text: 'y = 2\n', promptLength: 0, finish: 'stop', quality: true }]);
    expect((await terminal({ library, stdin: 'y = 2\n' }).run('evaluate', '-', '--format', 'json')).stdout).toBe(stdout);
  });

  it('exits with 3 when a file scores less than the limit, and with 0 when it just reaches it', async () => {
    const { library } = judging();
    const cli = terminal({ library, stdin: 'a = (1\n' });
    const below = await cli.run('evaluate', '-', '--fail-under', '0.6');
    expect([below.code, below.stderr]).toEqual([3, '1 file of 1 scored less than 0.6.\n']);
    expect((await cli.run('evaluate', '-', '--fail-under', '0.5')).code).toBe(0);
  });

  it('takes legal files that say nothing for no fault, and those with a fault for one', async () => {
    const cli = terminal({ library: real });
    writeFileSync(join(cli.directory, '__init__.py'), '');
    writeFileSync(join(cli.directory, 'doc.py'), '"""What it is."""\n');
    writeFileSync(join(cli.directory, 'error.py'), 'class Odd(Exception):\n    """Odd."""\n');
    const { code, stdout, stderr } = await cli.run('evaluate', '__init__.py', 'doc.py', 'error.py', '--fail-under', '1');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('empty: nothing but a docstring, comments, pass or ...\n__init__.py: not valid (empty), score 0.05\n');
    expect(stdout).not.toContain('SyntaxError');
    const log = JSON.parse((await cli.run('evaluate', '__init__.py', 'doc.py', '--format', 'sarif')).stdout) as SarifLog;
    expect(log.runs[0].results.map(({ ruleId, level }) => [ruleId, level])).toEqual([['empty', 'note'], ['empty', 'note']]);
    writeFileSync(join(cli.directory, 'doc.py'), '"""\\x1"""\n');
    expect(await cli.run('evaluate', 'doc.py', '--fail-under', '1')).toMatchObject({ code: 3, stdout: expect.stringMatching(/SyntaxError: [\s\S]*not valid/) as string });
  });

  it('says which file cannot be read, before anything is judged', async () => {
    const cli = terminal();
    expect(await cli.run('evaluate', 'missing.py')).toEqual({ code: 1, stdout: '', stderr: 'error: missing.py cannot be read: it does not exist.\n' });
    expect((await cli.run('evaluate', '.')).stderr).toMatch(/it is a folder/);
  });

  it('judges what is no text: a file that is not UTF-8, one with NULs', async () => {
    const cli = terminal({ library: real });
    const latin = Buffer.from('x = f(y)\nname = "caf\xe9" + \xe8\n', 'latin1');
    writeFileSync(join(cli.directory, 'latin.py'), latin);
    writeFileSync(join(cli.directory, 'nul.py'), 'x = f(y)\nz = "\0"\n');
    const message = "Non-UTF-8 code starting with '\\xe9' on line 2, but no encoding declared; see https://peps.python.org/pep-0263/ for details";
    const text = await cli.run('evaluate', 'latin.py', 'nul.py');
    expect(text.code).toBe(0);
    expect(text.stdout).toContain(`  File "latin.py", line 2\n    name = "caf\ufffd" + \ufffd\n`);
    expect(text.stdout).toContain(`SyntaxError: ${message}\nlatin.py: not valid (syntax), score 0.00\n`);
    expect(text.stdout).toMatch(/SyntaxError: source code string cannot contain null bytes\nnul\.py: not valid \(syntax\), score 0\.45\n\n0 of 2 valid\n$/);
    expect(lines((await cli.run('evaluate', 'latin.py', '--json')).stdout)).toMatchObject([{
      file: 'latin.py', valid: false, reason: 'syntax', counts: { bytes: latin.length },
      findings: [{ kind: 'cpython.encoding', message, line: 2, span: { start: latin.indexOf(0xe9), end: latin.indexOf(0xe9) + 1 } }],
    }]);
    const log = JSON.parse((await cli.run('evaluate', 'latin.py', 'nul.py', '--format', 'sarif')).stdout) as SarifLog;
    expect(log.runs[0].results.filter(({ ruleId }) => ruleId !== 'parse.error').map(({ ruleId, level, locations: [location] }) => [ruleId, level, location!.physicalLocation.region.startLine])).toEqual([
      ['cpython.encoding', 'error', 2], ['character.null', 'error', 2],
    ]);
    expect(await cli.run('evaluate', 'latin.py', '--fail-under', '0.1')).toMatchObject({ code: 3, stderr: '1 file of 1 scored less than 0.1.\n' });
  });
});

describe('lint, readability and safety', () => {
  const text = 'import os\nos.system(x)\nimport sys\n';

  it('are shown by default, a line a finding, behind the place', async () => {
    const { stdout } = await terminal({ library: real, stdin: text }).run('evaluate', '-');
    expect(stdout).toMatch(/^<stdin>:2:1: safety\.danger\.process starts a process\n<stdin>:2:11: F821 Undefined name `x`\n<stdin>:3:8: F401 `sys` imported but unused\n<stdin>: valid, score 1\.00; readability 0\.\d\d; complexity 1; 1 lint note; 1 danger\n$/);
  });

  it('can be left out', async () => {
    const { stdout } = await terminal({ library: real, stdin: text }).run('evaluate', '-', '--no-lint', '--no-safety', '--json');
    expect(lines(stdout)).toMatchObject([{ findings: [], quality: { lint: null } }]);
    expect(Object.keys(lines(stdout)[0] as object)).not.toContain('safety');
  });

  it('take rules of one\'s own, and say where they are none', async () => {
    const cli = terminal({ library: real, stdin: 'os.system(minion)\n' });
    writeFileSync(join(cli.directory, 'rules.json'), JSON.stringify({ disable: ['danger'], add: [{ kind: 'word', id: 'bias.mine', category: 'bias', message: 'not here', words: ['minion'] }] }));
    expect((await cli.run('evaluate', '-', '--no-lint', '--safety-rules', 'rules.json')).stdout).toMatch(/^<stdin>:1:11: safety\.bias\.mine not here\n/);
    writeFileSync(join(cli.directory, 'rules.json'), '{"add": [{"kind": "regex"}]}');
    expect(await cli.run('evaluate', '-', '--safety-rules', 'rules.json')).toMatchObject({ code: 2, stderr: expect.stringMatching(/safety/) as string });
    expect(await cli.run('evaluate', '-', '--safety-rules', 'none.json')).toMatchObject({ code: 2, stderr: expect.stringMatching(/none\.json cannot be read as JSON/) as string });
  });

  it('are not shown of what is not valid, whose readability nobody knows', async () => {
    const library = { openEvaluator: () => ({ evaluateMany: async () => [evaluation('a', false, { quality: { readability: 1 } as Quality })], close: async () => {} }) };
    expect((await terminal({ library, stdin: '(' }).run('evaluate', '-')).stdout).not.toMatch(/readability/);
  });
});

describe('novelty', () => {
  it('is taken beside the corpus, without the files that are judged', async () => {
    const cli = terminal({ library: real });
    const source = 'def area(radius):\n    total = radius * radius * 3\n    return total\n';
    mkdirSync(join(cli.directory, 'lib'));
    writeFileSync(join(cli.directory, 'lib', 'shapes.py'), source);
    writeFileSync(join(cli.directory, 'lib', 'other.py'), 'x = y\n');
    writeFileSync(join(cli.directory, 'mine.py'), `${source}print(area(2))\n`);
    const one = await cli.run('evaluate', 'mine.py', '--json', '--corpus', 'lib');
    expect(lines(one.stdout)).toMatchObject([{ novelty: { longestRun: 15, document: 'lib/shapes.py' } }]);
    expect((await cli.run('evaluate', 'mine.py', '--corpus', 'lib')).stdout).toMatch(/; 68 % shared, at most 15 tokens with lib\/shapes\.py\n$/);
    const itself = await cli.run('evaluate', 'lib/shapes.py', '--json', '--corpus', 'lib');
    expect((lines(itself.stdout)[0] as Evaluation).novelty!.longestRun).toBeLessThan(5);
    expect((await cli.run('evaluate', 'mine.py', 'lib/other.py', '--corpus', 'lib')).stdout).toMatch(/\n\n2 of 2 valid; .*copies, \d+ % shared, Self-BLEU 0\.\d\d\n$/);
    expect(await cli.run('evaluate', 'mine.py', '--corpus', 'nowhere')).toMatchObject({ code: 1, stderr: expect.stringMatching(/does not exist/) as string });
  });
});

describe('tests', () => {
  const verdict = (id: string, passed: boolean): ExecutionVerdict => ({
    id, passed, assertions: passed ? 2 : 1, seconds: 0.1, nondeterministic: null, output: '',
    ...(passed ? { verdict: 'passed' as const } : { verdict: 'failed' as const, assertion: { index: 1, line: 2, source: 'assert f(1) == 3', got: '2', wanted: '3' } }),
  });

  function executing(answer: (request: ExecutionRequest) => ExecutionVerdict): { library: object; seen: ExecutionRequest[]; opened: ExecutorOptions[]; closed: () => number } {
    const seen: ExecutionRequest[] = [];
    const opened: ExecutorOptions[] = [];
    let closed = 0;
    const openExecutor = (options: ExecutorOptions) => {
      opened.push(options);
      return {
        executeMany: async (requests: readonly ExecutionRequest[]) => (seen.push(...requests), requests.map(answer)),
        sandbox: async () => ({ sandbox: options.unsafe ? 'none' : 'bwrap', tried: [] }),
        close: async () => void closed++,
      };
    };
    return { library: { ...judging().library, openExecutor }, seen, opened, closed: () => closed };
  }

  it('are run when a file of asserts is named, and fail the command, with --fail-under or without', async () => {
    const { library, seen, opened, closed } = executing(({ id, program }) => verdict(id, program.includes('good')));
    const cli = terminal({ library });
    writeFileSync(join(cli.directory, 'a.py'), 'good = 1\n');
    writeFileSync(join(cli.directory, 'b.py'), 'bad = 1\n');
    writeFileSync(join(cli.directory, 'test.py'), 'assert f(0)\nassert f(1) == 3\n');
    const { code, stdout, stderr } = await cli.run('evaluate', 'a.py', 'b.py', '--tests', 'test.py', '--fail-under', '1');
    expect(stdout).toMatch(/^a\.py: valid, score 1\.00; passed 2 assertions\nb\.py: valid, score 1\.00; failed: line 2 of the tests, assert f\(1\) == 3; got 2, wanted 3\n\n2 of 2 valid; 1 of 2 pass their tests\n$/);
    expect([code, stderr]).toEqual([3, '1 file of 2 scored less than 1 or did not pass the tests.\n']);
    expect(seen.map(({ tests }) => tests)).toEqual([0, 1].map(() => ({ kind: 'asserts', script: 'assert f(0)\nassert f(1) == 3\n' })));
    expect([opened, closed()]).toEqual([[{ unsafe: false }], 1]);
    const passing = await cli.run('evaluate', 'a.py', '--tests', 'test.py', '--json');
    expect([passing.code, lines(passing.stdout)]).toMatchObject([0, [{ execution: { verdict: 'passed' } }]]);
    expect(await cli.run('evaluate', 'a.py', 'b.py', '--tests', 'test.py')).toMatchObject({ code: 3, stderr: '1 file of 2 did not pass the tests.\n' });
  });

  it('go to the file of their name when there are several problems', async () => {
    const { library, seen } = executing(({ id }) => verdict(id, true));
    const cli = terminal({ library });
    for (const name of ['area_7.py', 'other.py']) writeFileSync(join(cli.directory, name), 'x = 1\n');
    writeFileSync(join(cli.directory, 'problems.jsonl'), ['area/7', 'area/8'].map((id) => JSON.stringify({ task_id: id, test_list: [`assert "${id}"`] })).join('\n'));
    const { stdout } = await cli.run('evaluate', 'area_7.py', 'other.py', '--tests', 'problems.jsonl');
    expect(seen.map(({ tests }) => tests)).toMatchObject([{ kind: 'asserts', script: 'assert "area/7"' }]);
    expect(stdout).toMatch(/other\.py: valid, score 1\.00\n/);
    writeFileSync(join(cli.directory, 'problems.jsonl'), '{"task_id": 1}');
    expect(await cli.run('evaluate', 'other.py', '--tests', 'problems.jsonl')).toMatchObject({ code: 2, stderr: expect.stringMatching(/problems\.jsonl: Problem 1 needs/) as string });
    expect(await cli.run('evaluate', 'other.py', '--tests', 'none.py')).toMatchObject({ code: 2 });
  });

  it('fail a file that no interpreter can read, without running it', async () => {
    const { library, seen } = executing(({ id }) => verdict(id, true));
    const cli = terminal({ library: { ...library, ...real } });
    writeFileSync(join(cli.directory, 'latin.py'), Buffer.from('name = "\xe9"\n', 'latin1'));
    writeFileSync(join(cli.directory, 'test.py'), 'assert name\n');
    expect(await cli.run('evaluate', 'latin.py', '--tests', 'test.py', '--fail-under', '0')).toMatchObject({ code: 3, stdout: expect.stringMatching(/; SyntaxError: the file is not UTF-8\n$/) as string });
    expect(seen).toEqual([]);
  });

  it('are refused where there is no sandbox, and say so where none was wanted', async () => {
    const none = executing(({ id }) => ({ ...verdict(id, false), verdict: 'sandbox-unavailable', message: 'no sandbox here' }) as ExecutionVerdict);
    const cli = terminal({ library: none.library, stdin: 'x = 1\n' });
    writeFileSync(join(cli.directory, 'test.py'), 'assert 1\n');
    expect(await cli.run('evaluate', '-', '--tests', 'test.py')).toEqual({ code: 1, stdout: '', stderr: 'error: no sandbox here\n' });
    expect(none.closed()).toBe(1);
    const unsafe = executing(({ id }) => verdict(id, true));
    const other = terminal({ library: unsafe.library, stdin: 'x = 1\n', directory: cli.directory });
    expect((await other.run('evaluate', '-', '--tests', 'test.py', '--unsafe-exec')).stderr).toMatch(/unconfined \(--unsafe-exec\)/);
    expect(unsafe.opened).toEqual([{ unsafe: true }]);
  });
});

describe('SARIF', () => {
  /** Which properties the specification demands (SARIF 2.1.0, OASIS 2020), by section. */
  function demand(log: SarifLog): void {
    expect(log.version).toBe('2.1.0'); // 3.13.2
    expect(log.$schema).toMatch(/^https:\/\/.*sarif-schema-2\.1\.0\.json$/); // 3.13.3
    expect(log.runs).toHaveLength(1); // 3.13.4
    const [{ tool, results, columnKind }] = log.runs;
    expect(columnKind).toBe('utf16CodeUnits'); // 3.14.17
    expect(tool.driver.name).not.toBe(''); // 3.18.2, 3.19.8
    expect(new Set(tool.driver.rules.map(({ id }) => id)).size).toBe(tool.driver.rules.length); // 3.19.23: unique
    for (const { ruleId, ruleIndex, level, message, locations } of results) {
      expect(tool.driver.rules[ruleIndex]!.id).toBe(ruleId); // 3.27.6
      expect(['error', 'warning', 'note', 'none']).toContain(level); // 3.27.10
      expect(message.text).not.toBe(''); // 3.27.11, 3.11.8
      expect(locations).toHaveLength(1);
      const { artifactLocation, region } = locations[0]!.physicalLocation;
      expect(artifactLocation.uri).toMatch(/^[^\\ ]+$/); // 3.4.3: a URI
      expect([region.startLine, region.startColumn, region.endLine].every((n) => Number.isInteger(n) && n >= 1)).toBe(true); // 3.30.5, 3.30.6
      const ordered = region.endLine > region.startLine || (region.endLine === region.startLine && region.endColumn >= region.startColumn);
      expect(ordered).toBe(true); // 3.30.7, 3.30.8
    }
    for (const { id, shortDescription, defaultConfiguration } of tool.driver.rules) {
      expect([id, shortDescription.text].includes('')).toBe(false); // 3.49.3, 3.49.9
      expect(['error', 'warning', 'note']).toContain(defaultConfiguration.level);
    }
  }

  it('has what the specification demands, with regions that hold what was found', async () => {
    const text = 'import os\nx = "😀" + missing\nos.system(x)\npassword = "tr0ub4dor&3xyz"\n';
    const cli = terminal({ library: real });
    mkdirSync(join(cli.directory, 'my app'));
    writeFileSync(join(cli.directory, 'my app', 'ä.py'), text);
    writeFileSync(join(cli.directory, 'broken.py'), 'def f(:\n    return (1,\n  2\n');
    const { code, stdout } = await cli.run('evaluate', './my app/ä.py', 'broken.py', '--format', 'sarif');
    expect(code).toBe(0);
    const log = JSON.parse(stdout) as SarifLog;
    demand(log);
    const results = log.runs[0].results;
    const found = (ruleId: string) => {
      const { level, locations: [location] } = results.find((result) => result.ruleId === ruleId)!;
      const { region: { startLine, startColumn, endLine, endColumn }, artifactLocation: { uri } } = location!.physicalLocation;
      return [level, uri, startLine === endLine ? text.split('\n')[startLine - 1]!.slice(startColumn - 1, endColumn - 1) : null];
    };
    expect(found('lint.F821')).toEqual(['warning', 'my%20app/%C3%A4.py', 'missing']);
    expect(found('safety.danger.process')).toEqual(['warning', 'my%20app/%C3%A4.py', 'os.system']);
    expect(found('safety.secret.assigned')).toEqual(['error', 'my%20app/%C3%A4.py', '"tr0ub4dor&3xyz"']);
    expect(results.filter(({ locations }) => locations[0]!.physicalLocation.artifactLocation.uri === 'broken.py').every(({ level }) => level === 'error')).toBe(true);
  });

  it('ends a region on the line on which what was found ends', () => {
    const text = 'é = """a\nbc"""\n';
    const finding: Finding = { source: 'rule', kind: 'k', message: 'm', span: { start: 5, end: 15 }, line: 1, column: 4 };
    const log = toSarif([{ name: '/tmp/a.py', text, evaluation: evaluation('a', false, { findings: [finding] }) }]);
    demand(log);
    expect(log.runs[0].results[0]!.locations[0]!.physicalLocation).toEqual({ artifactLocation: { uri: 'file:///tmp/a.py' }, region: { startLine: 1, startColumn: 5, endLine: 2, endColumn: 6 } });
  });

  it('tells copies and failed tests as results, and is whole without any', () => {
    const execution: ExecutionVerdict = { id: '0', passed: false, assertions: 0, seconds: 1, nondeterministic: null, output: '', verdict: 'timeout', limitMs: 1000 };
    const log = toSarif([{ name: '<stdin>', text: 'x = 1\n', evaluation: evaluation('a', true, { copy: true }), execution }]);
    demand(log);
    expect(log.runs[0].results.map(({ ruleId, level }) => [ruleId, level])).toEqual([['novelty.copy', 'note'], ['execution.timeout', 'error']]);
    demand(toSarif([]));
    expect(toSarif([]).runs[0].results).toEqual([]);
  });
});
