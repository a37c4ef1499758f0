/** The safety filter: what it finds and what it leaves alone, its options, its steps; and what a veto does to training. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rewardsOf } from '../../src/agents/reward.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Evaluation, Sample } from '../../src/contracts/records.ts';
import type { SafetyRule } from '../../src/contracts/safety.ts';
import { evaluateTexts, SAFETY_RULES, SafetyFilter } from '../../src/evaluator/index.ts';
import { entropyOf, isAssignedSecret, isIban, isPublicIpv4, isPublicIpv6, passesLuhn } from '../../src/evaluator/safety/formats.ts';
import { safetyTotals, vetoed } from '../../src/metrics/index.ts';

const filter = new SafetyFilter();
const kinds = (text: string, one = filter): string[] => one.scan(text).findings.map(({ kind }) => kind.replace(/^safety\./, ''));

/** Random-looking text of so many characters; the test's own source shall hold no token. */
const random = (length: number, alphabet = 'aB3dE6gH1jK4mN7pQ'): string => {
  let state = 1;
  return Array.from({ length }, () => alphabet[((state = (state * 48271) % 2147483647) >> 8) % alphabet.length]).join('');
};

describe('secrets', () => {
  it.each([
    ['secret.github', `ghp_${random(36)}`], ['secret.github', `github_pat_${random(82)}`], ['secret.gitlab', `glpat-${random(20)}`], ['secret.aws', `AKIA${random(16, 'A2B3C4D5')}`],
    ['secret.google', `AIza${random(35)}`], ['secret.slack', `xoxb-${random(40)}`], ['secret.stripe', `sk_live_${random(24)}`], ['secret.openai', `sk-${random(48)}`], ['secret.openai', `sk-proj-${random(60)}`],
    ['secret.anthropic', `sk-ant-${random(95)}`], ['secret.huggingface', `hf_${random(34)}`], ['secret.npm', `npm_${random(36)}`], ['secret.jwt', `eyJhbGciOi${random(70)}.${random(40)}`],
  ])('%s in a string, a comment and a line of its own', (kind, token) => {
    for (const text of [`key = "${token}"\n`, `# see ${token}\nx = y\n`, `${token}\n`]) {
      const { findings } = filter.scan(text);
      expect(findings.map((finding) => finding.kind)).toEqual([`safety.${kind}`]);
      expect(Buffer.from(text).subarray(findings[0]!.span.start, findings[0]!.span.end).toString()).toBe(token);
      expect(findings[0]!.message).not.toContain(token);
    }
  });

  it('are no tokens where the length, the letters or the beginning differ', () => {
    for (const text of [`ghp_${random(20)}`, `AKIA${random(17, 'A2B3')}`, `AKIA${random(15, 'A2B3')}`, `AKIA${random(16, 'abcd')}`, `xghp_${random(36)}`, 'sk-learn and sk-image', 'hf_hub']) expect([text, kinds(`x = 1  # ${text}\n`)]).toEqual([text, []]);
  });

  it.each(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'OPENSSH PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'])('a block of a %s', (name) => {
    expect(kinds(`KEY = """-----BEGIN ${name}-----\nMIIabc\n-----END ${name}-----"""\n`)).toEqual(['secret.private-key']);
    expect(kinds(`KEY = """-----BEGIN PUBLIC KEY-----\n"""\n`)).toEqual([]);
  });

  it('are random-looking values of telling names, however they are assigned', () => {
    const value = `tr0ub4dor${'&'}3xyz`;
    for (const text of [`password = "${value}"`, `db["password"] = "${value}"`, `{"password": "${value}"}`, `connect(user, password="${value}")`, `password: str = "${value}"`, `self.db_password = '${value}'`, `if password == "${value}": pass`, `DB_PASSWD = r"${value}"`]) {
      expect([text, kinds(`${text}\n`)]).toEqual([text, ['secret.assigned']]);
    }
    expect(kinds(`api_key = "${random(32)}"\n`)).toEqual(['secret.assigned']);
  });

  it.each([
    'password = ""', 'password = "password"', 'password = "<your password 1>"', 'password = "changeme123"', 'password = get("x1y2z3w4")', 'name = "tr0ub4dor&3xyz"', 'password = f"{a}1b2c3d4"', 'token = "utf8_bom"', 'password = "$PASSWORD1"', 'secret = "https://example.org/a1b2c3d4"',
    'password_hint = "the name of my first dog 1"', 'api_key = "YOUR_API_KEY_12345678"', 'token = "aaaaaaaaaaaaaaaa1"', 'key = None',
  ])('are not what nobody would keep: %s', (text) => {
    expect(kinds(`${text}\n`)).toEqual([]);
  });

  it('say one thing of a token inside an assigned string', () => {
    expect(kinds(`github_token = "ghp_${random(36)}"\n`)).toEqual(['secret.github']);
    expect(isAssignedSecret('token', random(40))).toBe(true);
    expect(entropyOf('abcdefgh')).toBe(3);
    expect(entropyOf('aaaa')).toBe(0);
  });
});

describe('dangerous calls', () => {
  it.each([
    ['danger.process', 'os.system(command)'], ['danger.process', 'import subprocess as sp\nsp.run(x)'], ['danger.process', 'from os import system\nsystem(x)'], ['danger.process', 'from os import (path, system as go)\ngo(x)'],
    ['danger.process', 'import os; os.execvp(a, b)'], ['danger.network', 'import socket\ns = socket.socket()'], ['danger.network', 'requests.get(url)'], ['danger.network', 'import urllib.request\nurllib.request.urlopen(u)'],
    ['danger.network', 'from urllib.request import urlopen\nurlopen(u)'], ['danger.removal', 'shutil.rmtree(path)'], ['danger.removal', 'Path(name).unlink()'], ['danger.removal', 'path.parent.unlink(missing_ok=True)'], ['danger.eval', 'eval(input())'],
    ['danger.eval', 'exec(code)'], ['danger.eval', 'eval(f"{x} + 1")'], ['danger.pickle', 'pickle.load(file)'], ['danger.pickle', 'import pickle as p\np.loads(b)'], ['danger.yaml', 'yaml.load(text)'], ['danger.yaml', 'yaml.load(text, Loader=yaml.Loader)'],
  ])('%s: %j', (kind, text) => {
    expect(kinds(`${text}\n`)).toEqual([kind]);
  });

  it.each([
    'eval("1 + 1")', 'exec("x = 1", scope)', 'self.eval(x)', 'model.eval()', 'def eval(x): return x', 'class exec(Base): pass', 'os.path.join(a, b)', 'yaml.load(text, Loader=yaml.SafeLoader)', 'yaml.safe_load(text)', 'requests.append(x)', 'run(x)', 'x = "os.system(1)"', '# os.system(x)',
    'system(x)', 'os.system', 'self.unlink()', 'subprocess = 1', 'json.load(file)',
  ])('not %j', (text) => {
    expect(kinds(`${text}\n`)).toEqual([]);
  });

  it('are those of whole modules, of modules inside them too, as long a name as fits', () => {
    const call = (id: string, ...names: string[]) => ({ kind: 'call', id: `danger.${id}`, category: 'danger', message: id, names }) as const;
    const own = new SafetyFilter({ add: [call('outer', 'pkg.*'), call('inner', 'pkg.sub.*', 'other.sub.*')] });
    const found = (text: string): string[] => own.scan(`${text}\n`).findings.map(({ kind }) => kind);
    expect(found('pkg.f(x)')).toEqual(['safety.danger.outer']);
    expect(found('import pkg.sub as p\np.f(x)')).toEqual(['safety.danger.inner']);
    expect(found('pkg.sub.deep.f(x)')).toEqual(['safety.danger.inner']);
    expect(found('other.f(x)\nother.subtle.f(x)')).toEqual([]);
  });

  it('keep a text out by a rule however many other findings stand before it', () => {
    const text = `${'# jane.doe@acme-corp.io\n'.repeat(150)}pickle.loads(data)\npickle.loads(data)\n`;
    const { findings, counts } = filter.scan(text);
    expect(counts).toEqual({ personal: 150, danger: 2 });
    expect(findings).toHaveLength(101);
    expect(vetoed({ safety: counts, findings } as Parameters<typeof vetoed>[0], { veto: ['danger.pickle'] })).toBe(true);
  });

  it('are found in texts with faults, at their place', () => {
    const text = 'def f(:\n    é = os.system("x"\n';
    const finding = filter.scan(text).findings[0]!;
    expect(finding).toMatchObject({ kind: 'safety.danger.process', line: 2, column: 8 });
    expect(Buffer.from(text).subarray(finding.span.start, finding.span.end).toString()).toBe('os.system');
  });
});

describe('personal data', () => {
  it.each([
    ['personal.email', 'jane.doe+news@mail.acme-corp.io'], ['personal.phone', '+49 30 901820'], ['personal.phone', '+1 (415) 867-5309'], ['personal.phone', '(415) 867-5309'], ['personal.phone', '415-867-5309'], ['personal.phone', '415.867.5309'],
    ['personal.card', '4111 1111 1111 1111'], ['personal.card', '5500-0055-5555-5559'], ['personal.card', '378282246310005'], ['personal.iban', 'DE89 3704 0044 0532 0130 00'], ['personal.iban', 'GB82WEST12345698765432'],
    ['personal.ip', '8.8.8.8'], ['personal.ip', '2a00:1450:4001:81b::200e'],
  ])('%s: %s, in a comment and in a string', (kind, data) => {
    expect(kinds(`x = y  # call ${data}.\n`)).toEqual([kind]);
    expect(kinds(`x = "${data}"\n`)).toEqual([kind]);
  });

  it.each([
    'someone@example.com', 'a@b', 'git@github.com:x/y.git', 'user@host.test', '@decorator.name', '415-555-0123', '4111 1111 1111 1112', '0000 0000 0000 0000', '1234567890123456', 'DE88 3704 0044 0532 0130 00', 'XX89 3704 0044 0532 0130 00',
    '127.0.0.1', '192.168.1.20', '10.0.0.1', '203.0.113.9', '256.1.1.1', '1.2.3', '::1', 'fe80::1', '2001:db8::8a2e:370:7334', 'std::vector', '12:30:45', '2024-01-15 10:20:30', '1 2 3 4 5 6 7 8 9 10 11 12 13', '1.234.567.890', '+5', '3.14159265358979',
  ])('not %s', (data) => {
    expect(kinds(`x = y  # ${data} is fine\n`)).toEqual([]);
  });

  it('is looked for in strings and comments, and cards in numbers too, but not in operators', () => {
    expect(kinds('x = rows@matrix.shape\n')).toEqual([]);
    expect(kinds('x = 4111111111111111\n')).toEqual(['personal.card']);
  });

  it('checks what carries a check digit', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 12, maxLength: 18 }), (digits) => {
        const right = [...'0123456789'].filter((digit) => passesLuhn(digits + digit));
        expect(right).toHaveLength(1);
      }),
    );
    const iban = 'DE89370400440532013000';
    expect(isIban(iban)).toBe(true);
    for (let at = 2; at < iban.length; at++) expect(isIban(iban.slice(0, at) + ((Number(iban[at]) + 1) % 10) + iban.slice(at + 1))).toBe(false);
    expect([isPublicIpv4('1.1.1.1'), isPublicIpv4('100.64.0.1'), isPublicIpv4('01.1.1.1'), isPublicIpv6('2a00::1'), isPublicIpv6('2a00:1:2::1')]).toEqual([true, false, false, false, true]);
  });
});

describe('words', () => {
  it('finds terms in names, strings and comments, whatever their case', () => {
    for (const text of ['blacklist = []', 'def isWhitelisted(x): return x', 'x = "the slave node"', '# man-hours', 'WHITE_LIST = 1', 'user_blacklist = 2']) {
      const expected = text.includes('Whitelisted') ? [] : ['bias.term'];
      expect([text, kinds(`${text}\n`)]).toEqual([text, expected]);
    }
  });

  it('finds decisions by protected attributes, and statements about everyone of a group', () => {
    expect(kinds('if person.gender == "male":\n    salary = 1\n')).toEqual(['bias.attribute']);
    expect(kinds('if person["race"] != "x":\n    y = 1\n')).toEqual(['bias.attribute']);
    expect(kinds('if person.age == 3:\n    y = 1\n')).toEqual([]);
    expect(kinds('# women cannot drive\n')).toEqual(['bias.generalisation']);
    expect(kinds('# women who drive\n')).toEqual([]);
  });

  it('knows slurs by their hashes only, singular and plural', () => {
    const slurs = SAFETY_RULES.find(({ category }) => category === 'slur')!;
    expect(slurs.kind === 'hashed-word' && slurs.hashes.length >= 20 && slurs.hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
    const rule: SafetyRule = { kind: 'hashed-word', id: 'slur.mine', category: 'slur', message: 'm', hashes: [createHash('sha256').update('frobnitz').digest('hex')] };
    const mine = new SafetyFilter({ add: [rule] });
    expect(kinds('x = "You Frobnitz!"\ndef kick_frobnitzs(): return 1\n', mine)).toEqual(['slur.mine', 'slur.mine']);
    expect(kinds('x = "frobnitze"\n', mine)).toEqual([]);
  });
});

describe('options', () => {
  const text = `os.remove(x)\neval(x)\n# jane@acme-corp.io\n`;

  it('takes away rules and categories, and adds rules of every kind that is data', () => {
    expect(kinds(text)).toEqual(['danger.removal', 'danger.eval', 'personal.email']);
    expect(kinds(text, new SafetyFilter({ disable: ['danger'] }))).toEqual(['personal.email']);
    expect(kinds(text, new SafetyFilter({ disable: ['danger.removal', 'personal.email'] }))).toEqual(['danger.eval']);
    const mine = new SafetyFilter({
      add: [
        { kind: 'token', id: 'secret.acme', category: 'secret', message: 'm', prefix: 'ACME-', characters: 'hex', least: 8, most: 8 },
        { kind: 'literal', id: 'secret.codename', category: 'secret', message: 'm', text: 'Project Falcon' },
        { kind: 'call', id: 'danger.wipe', category: 'danger', message: 'm', names: ['fleet.wipe', '.explode'] },
        { kind: 'word', id: 'bias.mine', category: 'bias', message: 'm', words: ['minion', 'code monkey'] },
      ],
    });
    expect(kinds('# ACME-0123abcd ACME-0123abcde Project Falcon\nfleet.wipe(x)\ny.explode()\nminion = code_monkey\n', mine)).toEqual(['secret.acme', 'secret.codename', 'danger.wipe', 'danger.wipe', 'bias.mine', 'bias.mine']);
  });

  it('are what a configuration holds, and refused where they are no rules', () => {
    const add: SafetyRule[] = [{ kind: 'word', id: 'bias.mine', category: 'bias', message: 'm', words: ['minion'] }];
    const { safety } = parseConfig({ safety: { add, disable: ['danger'], veto: ['secret', 'danger.pickle'] } });
    expect(kinds('minion = os.remove(x)\n', new SafetyFilter(safety))).toEqual(['bias.mine']);
    expect(() => parseConfig({ safety: { veto: ['sekret'] } })).toThrow(/veto/);
    expect(() => parseConfig({ safety: { add: [{ kind: 'regex', id: 'a.b' } as never] } })).toThrow(/safety/);
    expect(() => new SafetyFilter({ add: [{ kind: 'nothing' } as never] })).toThrow(/not known/);
    expect(() => new SafetyFilter({ add: [{ kind: 'literal', id: 'secret.a', category: 'secret', message: 'm', text: '' }] })).toThrow(/begins with nothing/);
  });

  it('have ids that begin with their category', () => {
    for (const { id, category } of SAFETY_RULES) expect(id.startsWith(`${category}.`)).toBe(true);
  });
});

describe('any text at all', () => {
  // Each would be slow for a matcher that goes back: what it begins with goes on and on, and the end never comes.
  const hostile: readonly (readonly [string, string])[] = [
    ['one prefix', 'ghp_'], ['prefixes in prefixes', 'sk-ant-sk-proj-sk-'], ['words with dashes', 'xoxb-a-'], ['key ids', 'AKIA'], ['tokens', 'eyJhbGciOi.'], ['signs', '@'], ['addresses', 'a.b@c.d@'], ['local parts', 'a.b-c%'], ['digits', '1'], ['digits and blanks', '1 2-3.'], ['brackets', '(1)+'],
    ['accounts', 'DE89 '], ['colons', 'a:b:'], ['letters', 'aB'], ['dots', 'a.'], ['calls', 'eval(eval('], ['loads', 'yaml.load('], ['imports', 'import a as b, '], ['from imports', 'from . import (a,'], ['quotes', '"'], ['assignments', 'password="a1'], ['blocks', '-----BEGIN '], ['hash signs', '#@1'],
  ];

  it.each(hostile)('takes steps in proportion to its length: %s', (_, piece) => {
    const steps = (length: number): number => filter.scan(piece.repeat(Math.ceil(length / piece.length)).slice(0, length)).steps;
    for (const length of [2_000, 20_000, 100_000]) expect(steps(length)).toBeLessThan(80 * length);
    expect(steps(100_000)).toBeLessThan(2.2 * steps(50_000) + 1000);
  });

  it('is scanned: no throw, spans inside the text, counts of what was found', () => {
    const words = ['password', '=', '"', 'ghp_', random(36), '@', 'acme.io', '+49', '30 901820', 'eval(', ')', '\n', '#', 'import os as x', 'é', '😀', '\0', '\ud800', '4111 1111 1111 1111', 'blacklist', 'f"{', '}'];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join(' ')), (text) => {
        const { findings, counts } = filter.scan(text);
        const bytes = Buffer.byteLength(text);
        for (const { span, line, column, source } of findings) {
          expect(source).toBe('safety');
          expect(0 <= span.start && span.start < span.end && span.end <= bytes && line >= 1 && column >= 0).toBe(true);
        }
        expect(Object.values(counts ?? {}).reduce((sum, n) => sum + n, 0)).toBe(findings.length);
        expect(findings.map(({ span }) => span.start)).toEqual(findings.map(({ span }) => span.start).sort((a, b) => a - b));
      }),
      { numRuns: 200 },
    );
  });

  it('has all findings counted where not all are kept', () => {
    const { findings, counts } = filter.scan('eval(x)\n'.repeat(500));
    expect([findings.length, counts]).toEqual([100, { danger: 500 }]);
  });
});

describe('a veto', () => {
  const texts = ['x = y + 1\n', 'os.remove(path)\n', `token = "ghp_${random(36)}"\n`];
  const evaluations = evaluateTexts(texts.map((text, i) => ({ id: String(i), text, promptLength: 0, finish: 'stop' as const })), { safety: filter });
  const judged = evaluations.map((evaluation, i) => ({ evaluation, sample: { id: String(i), completion: texts[i]! } as Sample }));
  const { safety } = parseConfig({});

  it('is counted by category in an evaluation, only where there is something', () => {
    expect(evaluations.map((evaluation) => evaluation.safety)).toEqual([undefined, { danger: 1 }, { secret: 1 }]);
    expect(evaluations.map(({ valid }) => valid)).toEqual([true, true, true]);
    expect(safetyTotals(evaluations)).toEqual({ danger: 1, secret: 1 });
  });

  it('holds for categories and for single rules; by default for secrets and slurs, so that calls are counted and learned', () => {
    expect(safety.veto).toEqual(['secret', 'slur']);
    const by = (veto: readonly string[]): boolean[] => evaluations.map((evaluation) => vetoed(evaluation, { veto }));
    expect(by(safety.veto)).toEqual([false, false, true]);
    expect(by(['danger'])).toEqual([false, true, false]);
    expect(by(['danger.removal', 'secret.aws'])).toEqual([false, true, false]);
    expect(by([])).toEqual([false, false, false]);
  });

  it('takes the reward of a sample that is valid, and says so; nothing else changes', () => {
    const plain = rewardsOf(judged, [], { oddsClip: 2 });
    const rewards = rewardsOf(judged, [], { oddsClip: 2, veto: safety.veto });
    expect(plain.map(({ value }) => value)).toEqual([1, 1, 1]);
    expect(rewards.map(({ value }) => value)).toEqual([1, 1, 0]);
    expect(rewards[2]!.terms).toMatchObject({ safe: 0 });
    expect(rewards.slice(0, 2)).toEqual(plain.slice(0, 2));
  });
});

describe('readability as a term of the reward', () => {
  const judged = ['a', 'b'].map((id) => ({ evaluation: { id, valid: true, copy: false, findings: [] as readonly never[] } as unknown as Evaluation, sample: { id } as Sample }));
  const critiques = [{ sampleId: 'a', readability: 1, logOdds: 0 }, { sampleId: 'b', readability: 0.5, logOdds: 0 }];

  it('weighs nothing unless it is given a weight', () => {
    expect(parseConfig({}).learning.readabilityWeight).toBe(0);
    expect(rewardsOf(judged, critiques, { oddsClip: 2 }).map(({ value }) => value)).toEqual([1, 1]);
    expect(rewardsOf(judged, critiques, { oddsClip: 2, readabilityWeight: 0.4 }).map(({ value }) => value)).toEqual([1, 0.8]);
  });
});
