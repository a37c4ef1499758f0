/** Setting up the tensorflow backend: what is looked for, what is installed and compiled, and what is said when something is missing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tensorFlowPackage } from '../../src/engine/tfjs-backends.ts';
import { setupTensorFlow, type Ended, type Tools } from '../../src/processes/setup-tensorflow.ts';
import { temporaryFolder } from '../store/temporary.ts';

interface Machine {
  /** TensorFlow's version by Python; null for a Python without, no entry for no Python. */
  readonly pythons?: Readonly<Record<string, string | null>>;
  readonly env?: NodeJS.ProcessEnv;
  readonly platform?: NodeJS.Platform;
  /** Commands that there are not. */
  readonly without?: readonly string[];
  readonly fails?: Readonly<Record<string, string>>;
  readonly headers?: boolean;
  readonly proof?: string;
}

/** A machine of which every part is made up, in a folder of its own; `commands` are those that were run, Pythons left out. */
function machine({ pythons = { python3: '2.21.0' }, env = {}, platform = 'linux', without = [], fails = {}, headers = true, proof }: Machine = {}): Tools & { commands: string[]; folder: string } {
  const folder = temporaryFolder();
  const write = (path: string, text = ''): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  const tensorflow = join(folder, 'tensorflow');
  for (const file of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'include/tensorflow/c/c_api.h']) write(join(tensorflow, file));
  if (headers) write(join(folder, 'node', 'include', 'node', 'node_api.h'));
  const home = join(folder, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
  const commands: string[] = [];
  const ended = (code: number | null, stdout = '', stderr = ''): Ended => ({ code, stdout, stderr });
  return {
    folder, commands, env, platform,
    nodePrefix: join(folder, 'node'),
    package: { name: '@tensorflow/tfjs-node-gpu', version: '4.22.0', folder: home, root: folder, addon: join(home, 'lib', 'addon.node') },
    async run(command, args) {
      if (args[0] === '-c') {
        if (!(command in pythons)) return ended(null);
        const version = pythons[command]!;
        return ended(0, JSON.stringify({ executable: `/bin/${command}`, python: '3.11.7', folder: version === null ? null : tensorflow, version: version ?? '' }));
      }
      commands.push([command, ...args].join(' '));
      if (without.includes(command)) return ended(null);
      if (command in fails) return ended(1, '', fails[command]);
      if (command === 'npm') {
        write(join(home, 'package.json'), '{"version":"4.22.0"}');
        if (args.some((arg) => arg.startsWith('node-api-headers'))) write(join(folder, 'node_modules', 'node-api-headers', 'include', 'node_api.h'));
      }
      if (command === 'g++') write(args[args.indexOf('-o') + 1]!, 'compiled');
      return ended(0);
    },
    prove: async () => (proof === undefined ? { usable: true, detail: 'eager' } : { usable: false, detail: proof }),
  };
}

describe('setting up', () => {
  it('installs the package, compiles it against the TensorFlow that was found, and proves it', async () => {
    const tools = machine();
    const told: string[] = [];
    const setup = await setupTensorFlow({ onProgress: (line) => void told.push(line) }, tools);
    expect(setup).toEqual({ python: '/bin/python3', version: '2.21.0', addon: tools.package.addon, compiled: true, detail: 'eager' });
    expect(readFileSync(setup.addon, 'utf8')).toBe('compiled');
    expect(tools.commands[0]).toBe('npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error @tensorflow/tfjs-node-gpu@4.22.0');
    const compiler = tools.commands[1]!;
    for (const part of [`-I${tools.nodePrefix}/include/node`, `-I${tools.folder}/tensorflow/include`, `-L${tools.folder}/tensorflow`, `-Wl,-rpath,${tools.folder}/tensorflow`, 'binding/tfjs_backend.cc']) expect(compiler).toContain(part);
    expect(told).toHaveLength(3);
  });

  it('does nothing the second time, and compiles again for another TensorFlow or when the addon no longer works', async () => {
    const pythons: Record<string, string> = { python3: '2.21.0' };
    const tools = machine({ pythons });
    await setupTensorFlow({}, tools);
    tools.commands.length = 0;
    expect(await setupTensorFlow({}, tools)).toMatchObject({ compiled: false });
    expect(tools.commands).toEqual([]);
    pythons['python3'] = '2.22.0';
    expect(await setupTensorFlow({}, tools)).toMatchObject({ compiled: true, version: '2.22.0' });
    expect(tools.commands).toEqual([expect.stringMatching(/^g\+\+/)]);
    let proofs = 0;
    const broken: Tools = { ...tools, prove: async () => ({ usable: proofs++ > 0, detail: 'gone' }) };
    expect(await setupTensorFlow({}, broken)).toMatchObject({ compiled: true });
  });

  it('takes the Python that is named, else that of the environment, else the first on the path that has TensorFlow', async () => {
    const pythons = { mine: '2.20.0', theirs: '2.19.0', python3: null, python: '2.18.0' };
    expect(await setupTensorFlow({ python: 'mine' }, machine({ pythons, env: { OUROBOROS_PYTHON: 'theirs' } }))).toMatchObject({ version: '2.20.0' });
    expect(await setupTensorFlow({}, machine({ pythons, env: { OUROBOROS_PYTHON: 'theirs' } }))).toMatchObject({ version: '2.19.0' });
    expect(await setupTensorFlow({}, machine({ pythons }))).toMatchObject({ version: '2.18.0' });
  });

  it("takes Node's headers from the registry where this Node came without them", async () => {
    const tools = machine({ headers: false });
    await setupTensorFlow({}, tools);
    expect(tools.commands[0]).toMatch(/ @tensorflow\/tfjs-node-gpu@4\.22\.0 node-api-headers@\d/);
    expect(tools.commands[1]).toContain(`-I${join(tools.folder, 'node_modules', 'node-api-headers', 'include')}`);
  });

  it('runs the npm that started it', async () => {
    const tools = machine({ env: { npm_execpath: '/lib/npm-cli.js' }, fails: { [process.execPath]: 'npm error network' } });
    await expect(setupTensorFlow({}, tools)).rejects.toThrow(/network/);
    expect(tools.commands[0]).toMatch(/\/lib\/npm-cli\.js install --no-save/);
  });

  it('wants the package that package.json names', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { optionalDependencies: Record<string, string> };
    const { name, version, root } = tensorFlowPackage();
    expect(manifest.optionalDependencies[name]).toBe(version);
    expect(existsSync(join(root, 'package.json'))).toBe(true);
  });
});

describe('what is missing is said in one sentence, with what helps', () => {
  it.each<[string, Machine, string | undefined, RegExp]>([
    ['another system', { platform: 'win32' }, undefined, /on Linux only, and this is win32/],
    ['no Python', { pythons: {} }, undefined, /no Python on the PATH: install one.*pip install tensorflow-cpu/],
    ['not that Python', { pythons: {} }, '/opt/python', /no Python at '\/opt\/python'.*--python PATH/],
    ['no TensorFlow', { pythons: { python3: null, python: null } }, undefined, /no TensorFlow in \/bin\/python3 \(Python 3\.11\.7\) or \/bin\/python .*'\/bin\/python3 -m pip install tensorflow-cpu'.*tensorflow\[and-cuda\]/],
    ['no npm', { without: ['npm'] }, undefined, /no npm on the PATH/],
    ['no registry', { fails: { npm: 'npm error code E1\nnpm error no network' } }, undefined, /npm could not install @tensorflow\/tfjs-node-gpu@4\.22\.0 \(npm error no network\)/],
    ['no compiler', { without: ['g++'] }, undefined, /no C\+\+ compiler g\+\+.*apt install g\+\+/],
    ['a compiler that fails', { fails: { 'g++': 'In file x\nx.cc:1: error: no such thing\nmore' } }, undefined, /could not compile.*x\.cc:1: error: no such thing\.$/],
    ['a wrong product', { proof: 'gave a wrong matrix product (1,2,3,4)' }, undefined, /does not work: gave a wrong matrix product/],
  ])('%s', async (_, made, python, message) => {
    const failure = setupTensorFlow(python === undefined ? {} : { python }, machine(made));
    await expect(failure).rejects.toMatchObject({ name: 'SetupError', message: expect.stringMatching(message) });
    await expect(failure).rejects.toMatchObject({ message: expect.not.stringContaining('\n') });
  });

  it('a TensorFlow without its library', async () => {
    const tools = machine();
    const run: Tools['run'] = async (command, args) => (args[0] === '-c' ? { code: 0, stdout: JSON.stringify({ executable: '/bin/python3', python: '3.9.1', folder: join(tools.folder, 'node'), version: '2.5.0' }), stderr: '' } : tools.run(command, args));
    await expect(setupTensorFlow({}, { ...tools, run })).rejects.toThrow(/TensorFlow 2\.5\.0 of \/bin\/python3 has no libtensorflow_cc\.so\.2/);
  });

  it('something that is no Python', async () => {
    const tools = machine();
    await expect(setupTensorFlow({ python: '/bin/true' }, { ...tools, run: async () => ({ code: 0, stdout: '', stderr: '' }) })).rejects.toThrow(/'\/bin\/true' is not a Python/);
  });
});
