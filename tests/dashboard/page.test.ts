/** The page in a real Chromium, against the real server and a made-up log: what a person sees, and that the browser finds nothing wrong. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDashboard, type Dashboard } from '../../dashboard/server/index.ts';
import { buildClient } from './build-client.ts';
import { MemoryRun } from './memory-run.ts';
import { syntheticLog } from './synthetic.ts';

const executablePath = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe']
  .find((path) => path !== undefined && path !== '' && existsSync(path));
const required = process.env['OUROBOROS_REQUIRE_BROWSER'] === '1';
if (!executablePath && !required) console.warn('\n*** SKIPPED: the dashboard was not tested in a browser. Install Chromium, or name one in $CHROMIUM. ***\n');

/** A log that ends now. */
function logUntilNow(options: Omit<Parameters<typeof syntheticLog>[0], 'start'>) {
  const length = syntheticLog({ ...options, start: 0 }).at(-1)!.time;
  return syntheticLog({ ...options, start: Date.now() - length });
}

describe.skipIf(!executablePath && !required)('the page', () => {
  let browser: Browser;
  const open: Dashboard[] = [];
  beforeAll(async () => {
    await buildClient();
    browser = await chromium.launch({
      ...(executablePath ? { executablePath } : {}),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all(open.map((dashboard) => dashboard.stop()));
  });

  async function start(run: MemoryRun, options: { port?: number; token?: string } = {}): Promise<Dashboard> {
    const dashboard = await startDashboard({ source: run, port: 0, host: '127.0.0.1', tickMs: 100, ...options });
    open.push(dashboard);
    return dashboard;
  }

  /** Opens the printed address; `wrong` collects whatever the browser complains about, `outside` every request that left the server. */
  async function visit(dashboard: Dashboard, viewport = { width: 1440, height: 900 }): Promise<{ page: Page; wrong: string[]; outside: string[] }> {
    const context = await browser.newContext({ viewport });
    const page = await context.newPage();
    const wrong: string[] = [];
    const outside: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) wrong.push(message.text());
    });
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('request', (request) => {
      if (!new RegExp(`^(http|ws)://127\\.0\\.0\\.1:${dashboard.port}/`).test(request.url())) outside.push(request.url());
    });
    await page.addInitScript("document.addEventListener('securitypolicyviolation', (event) => console.error('CSP: ' + event.violatedDirective + ' ' + event.blockedURI));");
    await page.goto(dashboard.url);
    return { page, wrong, outside };
  }

  it('shows state, machines, rows, marked faults and diffs, with nothing for the browser to complain about', async () => {
    const run = new MemoryRun(logUntilNow({ rounds: 6, until: 'round' }));
    const { page, wrong, outside } = await visit(await start(run));
    await page.getByTestId('state').filter({ hasText: 'Live' }).waitFor();
    await page.getByTestId('now').filter({ hasText: 'Round 6 of 20' }).waitFor();
    expect(page.url()).not.toContain('token');
    expect(await page.locator('#rounds tbody tr').count()).toBe(6);
    expect(await page.locator('#rounds tbody').innerText()).toContain('rejected');
    expect(await page.getByLabel('Key figures').innerText()).toMatch(/Validity\s+\d\d\.\d %/);
    await page.locator('#machines .state.active[data-state="learning"]').waitFor();
    expect(await page.locator('#machines .edge.taken').count()).toBe(1);
    expect(await page.locator('#curves canvas').count()).toBeGreaterThanOrEqual(6);
    expect(await page.locator('#agents .lane li').count()).toBeGreaterThan(10);

    await page.locator('#samples').getByRole('button', { name: 'Invalid' }).click();
    // One fault a sample here; the colours of Python may cut it into several marks.
    await page.locator('#samples mark.fault').first().waitFor();
    const faults = await page.evaluate<string[]>("[...document.querySelectorAll('#samples article:has(pre)')].map((article) => [...article.querySelectorAll('mark.fault')].map((mark) => mark.textContent).join(''))");
    expect(faults.length).toBeGreaterThan(0);
    // The offsets are bytes, and texts before the fault hold letters of two bytes: just the faulty part is marked.
    for (const fault of faults) expect(['data', '(', '=', '          self._items.append(item)']).toContain(fault);
    await page.locator('#samples').getByRole('button', { name: 'Repairs' }).click();
    const revision = page.locator('#samples article').first();
    await revision.locator('.line.removed').first().waitFor();
    expect(await revision.locator('.line.added').count()).toBe(await revision.locator('.line.removed').count());
    expect(await revision.innerText()).toContain('valid');

    await page.getByRole('tab', { name: 'run' }).click();
    await page.locator('#machines .state.active[data-state="round"]').waitFor();
    await page.getByLabel('inner states and failures').check();
    await page.locator('#machines .state.nested').first().waitFor();
    expect(outside).toEqual([]);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  it('shows guards with bounds and alarms, histograms, real share, prompts gained and lost, and a sample token by token', async () => {
    const run = new MemoryRun(logUntilNow({ rounds: 6 }));
    const { page, wrong } = await visit(await start(run));
    const guards = page.locator('#guards');
    await guards.getByText('all hold').waitFor();
    expect(await guards.locator('table').first().locator('tbody tr').count()).toBe(13);
    expect(await guards.locator('.matrix tbody tr').last().innerText()).toContain('gate.divergence');
    expect(await guards.locator('.matrix .mark').count()).toBe(1);
    expect(await guards.locator('.matrix .mark').getAttribute('title')).toMatch(/^Round 4: /);

    const data = page.locator('#data');
    expect(await data.locator('svg').count()).toBe(2);
    expect(await data.innerText()).toMatch(/round 6 · median 27\.4/);
    expect(await data.innerText()).toMatch(/65\.9 % of 61\.0 k tokens/);

    const prompts = page.locator('#prompts');
    const gained = Number(/Gained (\d+)/.exec(await prompts.getByRole('button', { name: /^Gained/ }).innerText())![1]);
    expect(gained).toBeGreaterThan(6);
    await prompts.locator('ol > li').nth(5).waitFor();
    await prompts.locator('ol .line').first().click();
    await prompts.locator('.pair pre').nth(1).waitFor();
    expect(await prompts.locator('.pair').innerText()).toMatch(/Round 0 ✕ invalid[^]*Round 6 ✓ valid/);
    await prompts.getByRole('button', { name: /^Lost/ }).click();
    await prompts.locator('.sign.lost').first().waitFor();

    await page.locator('#samples').getByRole('button', { name: 'Valid', exact: true }).click();
    const card = page.locator('#samples article').filter({ hasText: 'looks real' }).first();
    const text = await card.locator('code').textContent();
    await card.getByRole('button', { name: 'Token by token' }).click();
    await card.locator('.token').first().waitFor();
    expect((await card.locator('pre').textContent())!.replaceAll('⏎', '').replace('∎', '')).toBe(text);
    await card.locator('.token').nth(3).hover();
    expect(await card.locator('.readout').innerText()).toMatch(/token \d+\): p [\d.]+ %, log p -?[\d.]+, [\d.]+ bits; discriminator .* to /);
    await card.getByRole('application').focus();
    await page.keyboard.press('ArrowRight');
    await card.getByRole('button', { name: 'Discriminator' }).click();
    expect(await card.locator('svg.odds path').count()).toBe(1);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  it('follows pretraining live, gives commands, and says so when the run dies', async () => {
    const run = new MemoryRun(logUntilNow({ until: 'pretraining' }));
    const { page, wrong } = await visit(await start(run));
    await page.getByTestId('now').filter({ hasText: 'step 930 of 1,500' }).waitFor();
    await page.getByLabel('The policy writes now').locator('code').waitFor();
    run.append('pretraining.step', { step: 939, totalSteps: 1500, loss: 1.7, gradNorm: 1, learningRate: 1e-3 }, Date.now());
    await page.getByTestId('now').filter({ hasText: 'step 940' }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect.poll(() => run.commands).toEqual(['pause']);
    run.append('command.received', { command: 'pause' }, Date.now());
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await page.getByRole('button', { name: 'Stop now' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Go on running' }).click();
    expect(run.commands).toEqual(['pause']);
    run.alive = false;
    await page.getByTestId('state').filter({ hasText: 'Dead' }).waitFor();
    expect(await page.getByTestId('now').innerText()).toContain('gone');
    expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(0);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  it('says that the line is lost, comes back when the server does, and catches up', async () => {
    const run = new MemoryRun(logUntilNow({ rounds: 2, until: 'round' }));
    const first = await start(run);
    const { page, wrong } = await visit(first);
    await page.getByTestId('now').filter({ hasText: 'Round 2' }).waitFor();
    await first.stop();
    await page.getByTestId('link').filter({ hasText: 'Connection lost' }).waitFor();
    await page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor();
    for (let round = 3; round <= 900; round++) run.append('round.started', { round }, Date.now());
    await start(run, { port: first.port, token: first.token });
    await page.getByTestId('now').filter({ hasText: 'Round 900' }).waitFor();
    await page.getByTestId('link').waitFor({ state: 'detached' });
    // The browser itself reports connections that are refused; there is nothing else.
    expect(wrong.filter((text) => !/ERR_CONNECTION_REFUSED|WebSocket connection/.test(text))).toEqual([]);
    await page.context().close();
  });

  it('shows what a model wrote as text, whatever it is', async () => {
    const run = new MemoryRun(logUntilNow({ until: 'pretraining' }));
    const hostile = '<img src=x onerror="document.title=1"><script>document.title=1</script>\u202e&amp;';
    run.append('preview.created', { step: 935, text: hostile, valid: false }, Date.now());
    run.append('sample.created', { id: 'x', taskId: 't', kind: 'unconditional', round: 1, attempt: 0, prompt: '', completion: hostile, finish: 'stop' }, Date.now());
    const { page, wrong } = await visit(await start(run));
    await page.locator('article[data-sample="x"]').waitFor();
    expect(await page.locator('article[data-sample="x"] code').textContent()).toBe(hostile);
    expect(await page.getByLabel('The policy writes now').locator('code').textContent()).toBe(hostile);
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  it('fits a narrow screen and can be used by keyboard', async () => {
    const run = new MemoryRun(logUntilNow({ rounds: 3 }));
    const { page } = await visit(await start(run), { width: 400, height: 800 });
    await page.getByTestId('state').filter({ hasText: 'Finished' }).waitFor();
    await page.locator('#machines svg').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.getByRole('tab', { selected: true }).focus();
    const before = await page.getByRole('tab', { selected: true }).innerText();
    await page.keyboard.press('ArrowRight');
    expect(await page.getByRole('tab', { selected: true }).innerText()).not.toBe(before);
    const unnamed = await page.evaluate("[...document.querySelectorAll('button, a, input, meter, [role]')].filter((e) => !(e.innerText || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.closest('label')) && e.getAttribute('role') !== 'presentation' && e.getAttribute('role') !== 'status').map((e) => e.outerHTML.slice(0, 80))");
    expect(unnamed).toEqual([]);
    await page.context().close();
  });
});
