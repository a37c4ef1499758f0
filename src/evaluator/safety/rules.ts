/**
 * The rules of the safety filter: one table of plain data, so that a configuration can take rules away and add its own. A rule is a
 * literal and a set of characters, a list of names or words, or a check by name; none is a regular expression, so none can take more
 * than linear time. Not here: how they are applied (index.ts, calls.ts, personal.ts, words.ts).
 */
import type { SafetyCategory } from '../../contracts/records.ts';
import type { CallRule, CharacterSet, CheckRule, LiteralRule, SafetyRule, TokenRule } from '../../contracts/safety.ts';
import { SLUR_HASHES } from './hashes.ts';

/** Sets of characters that token rules may name. */
export const CHARACTERS: Readonly<Record<CharacterSet, string>> = {
  alphanumeric: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  upper: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
  hex: '0123456789abcdef',
  word: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-',
  dotted: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.',
  path: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/',
};

const token = (name: string, message: string, prefix: string, characters: TokenRule['characters'], least: number, most = least): TokenRule => ({
  kind: 'token', id: `secret.${name}`, category: 'secret', message, prefix, characters, least, most,
});
const block = (name: string, text: string): LiteralRule => ({ kind: 'literal', id: 'secret.private-key', category: 'secret', message: `a private key (${name})`, text });
const call = (name: string, message: string, names: readonly string[], when?: CallRule['when']): CallRule => ({
  kind: 'call', id: `danger.${name}`, category: 'danger', message, names, ...(when ? { when } : {}),
});
const check = (category: SafetyCategory, name: string, message: string, named: CheckRule['check']): CheckRule => ({ kind: 'check', id: `${category}.${name}`, category, message, check: named });

/** Formats as their makers publish them; the selection follows GitHub's list of supported secret scanning patterns. */
const SECRETS: readonly SafetyRule[] = [
  token('github', 'a GitHub token', 'ghp_', 'alphanumeric', 36, 251),
  token('github', 'a GitHub token', 'gho_', 'alphanumeric', 36, 251),
  token('github', 'a GitHub token', 'ghu_', 'alphanumeric', 36, 251),
  token('github', 'a GitHub token', 'ghs_', 'alphanumeric', 36, 251),
  token('github', 'a GitHub token', 'ghr_', 'alphanumeric', 36, 251),
  token('github', 'a GitHub token', 'github_pat_', 'word', 82),
  token('gitlab', 'a GitLab token', 'glpat-', 'word', 20, 64),
  token('aws', 'an AWS access key id', 'AKIA', 'upper', 16),
  token('aws', 'a temporary AWS access key id', 'ASIA', 'upper', 16),
  token('google', 'a Google API key', 'AIza', 'word', 35),
  token('slack', 'a Slack token', 'xoxb-', 'word', 20, 120),
  token('slack', 'a Slack token', 'xoxp-', 'word', 20, 120),
  token('slack', 'a Slack token', 'xapp-', 'word', 20, 160),
  token('slack', 'a Slack webhook', 'https://hooks.slack.com/services/', 'path', 40, 60),
  token('stripe', 'a Stripe key', 'sk_live_', 'alphanumeric', 24, 120),
  token('stripe', 'a Stripe key', 'rk_live_', 'alphanumeric', 24, 120),
  token('openai', 'an OpenAI key', 'sk-proj-', 'word', 40, 200),
  token('openai', 'an OpenAI key', 'sk-', 'alphanumeric', 48),
  token('anthropic', 'an Anthropic key', 'sk-ant-', 'word', 80, 200),
  token('huggingface', 'a Hugging Face token', 'hf_', 'alphanumeric', 34, 40),
  token('npm', 'an npm token', 'npm_', 'alphanumeric', 36),
  token('pypi', 'a PyPI token', 'pypi-AgEIcHlwaS5vcmc', 'word', 50, 300),
  token('sendgrid', 'a SendGrid key', 'SG.', 'dotted', 66),
  token('twilio', 'a Twilio key', 'SK', 'hex', 32),
  token('jwt', 'a signed JSON web token', 'eyJhbGciOi', 'dotted', 60, 4000),
  block('PEM, PKCS #8', '-----BEGIN PRIVATE KEY-----'),
  block('PEM, encrypted', '-----BEGIN ENCRYPTED PRIVATE KEY-----'),
  block('PEM, RSA', '-----BEGIN RSA PRIVATE KEY-----'),
  block('PEM, EC', '-----BEGIN EC PRIVATE KEY-----'),
  block('PEM, DSA', '-----BEGIN DSA PRIVATE KEY-----'),
  block('OpenSSH', '-----BEGIN OPENSSH PRIVATE KEY-----'),
  block('PGP', '-----BEGIN PGP PRIVATE KEY BLOCK-----'),
  check('secret', 'assigned', 'a random-looking value for a name such as password, token or key', 'assigned-secret'),
];

/** After bandit's blacklists of calls and imports (B1xx, B3xx, B6xx). */
const DANGERS: readonly SafetyRule[] = [
  call('process', 'starts a process', [
    'os.system', 'os.popen', 'os.fork', 'os.forkpty', 'os.startfile', 'os.kill', 'os.killpg', 'os.execl', 'os.execle', 'os.execlp', 'os.execlpe', 'os.execv', 'os.execve', 'os.execvp',
    'os.execvpe', 'os.spawnl', 'os.spawnle', 'os.spawnlp', 'os.spawnlpe', 'os.spawnv', 'os.spawnve', 'os.spawnvp', 'os.spawnvpe', 'os.posix_spawn', 'os.posix_spawnp',
    'subprocess.run', 'subprocess.call', 'subprocess.check_call', 'subprocess.check_output', 'subprocess.Popen', 'subprocess.getoutput', 'subprocess.getstatusoutput',
    'pty.spawn', 'multiprocessing.Process', 'asyncio.create_subprocess_exec', 'asyncio.create_subprocess_shell', 'ctypes.CDLL', 'ctypes.cdll.LoadLibrary',
  ]),
  call('network', 'uses the network', [
    'socket.socket', 'socket.create_connection', 'socket.create_server', 'urllib.request.urlopen', 'urllib.request.urlretrieve', 'urllib.request.Request',
    'http.client.HTTPConnection', 'http.client.HTTPSConnection', 'ftplib.FTP', 'ftplib.FTP_TLS', 'smtplib.SMTP', 'smtplib.SMTP_SSL', 'telnetlib.Telnet', 'poplib.POP3', 'imaplib.IMAP4',
    'xmlrpc.client.ServerProxy', 'requests.get', 'requests.post', 'requests.put', 'requests.patch', 'requests.delete', 'requests.head', 'requests.request', 'requests.Session', 'httpx.*', 'urllib3.*', 'aiohttp.ClientSession', 'paramiko.SSHClient', 'asyncio.open_connection', 'asyncio.start_server',
  ]),
  call('removal', 'removes files', ['os.remove', 'os.unlink', 'os.rmdir', 'os.removedirs', 'shutil.rmtree', 'shutil.move', 'os.truncate', '.rmtree', '.unlink']),
  call('eval', 'runs data as code', ['eval', 'exec', 'builtins.eval', 'builtins.exec', 'code.interact', 'runpy.run_path'], 'data'),
  call('pickle', 'loads objects that can run code', [
    'pickle.load', 'pickle.loads', 'pickle.Unpickler', 'cPickle.load', 'cPickle.loads', 'dill.load', 'dill.loads', 'cloudpickle.load', 'cloudpickle.loads', 'marshal.load', 'marshal.loads', 'shelve.open',
    'joblib.load', 'pandas.read_pickle', 'jsonpickle.decode',
  ]),
  call('yaml', 'loads objects that can run code', ['yaml.load', 'yaml.unsafe_load', 'yaml.full_load'], 'unsafe-loader'),
];

const PERSONAL: readonly SafetyRule[] = [
  check('personal', 'email', 'an e-mail address', 'email'),
  check('personal', 'phone', 'a telephone number', 'phone'),
  check('personal', 'card', 'a payment card number', 'card'),
  check('personal', 'iban', 'a bank account number (IBAN)', 'iban'),
  check('personal', 'ip', 'a public IP address', 'ip'),
];

/**
 * Terms after the Inclusive Naming Initiative's tier 1; branches on protected attributes after Huang et al., "Bias testing and
 * mitigation in LLM-based code generation" (2023).
 */
const BIAS: readonly SafetyRule[] = [
  { kind: 'word', id: 'bias.term', category: 'bias', message: 'a term that slights people; another is established', words: [
    'whitelist', 'white list', 'blacklist', 'black list', 'slave', 'grandfathered', 'cripple', 'crippled', 'manpower', 'man hours', 'whitehat', 'white hat', 'blackhat', 'black hat',
  ] },
  check('bias', 'attribute', 'a decision by a protected attribute', 'attribute'),
  check('bias', 'generalisation', 'a statement about everyone of a group', 'generalisation'),
];

/** Kept as hashes so that the words themselves stand nowhere in this project. */
const SLURS: readonly SafetyRule[] = [{ kind: 'hashed-word', id: 'slur.word', category: 'slur', message: 'a slur', hashes: SLUR_HASHES }];

/** Every rule that is on by default. */
export const SAFETY_RULES: readonly SafetyRule[] = [...SECRETS, ...DANGERS, ...SLURS, ...BIAS, ...PERSONAL];
