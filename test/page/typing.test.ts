/** The page's view of an agent, in a real Chromium: a line that a person types there, and what the page says if nothing would read it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { callSocket } from '../../runtime/api/client/call.ts';
import { type Client, createClient } from '../../runtime/api/client/client.ts';
import { startDaemon } from '../../runtime/engine/daemon.ts';
import { hasBrowser, startBrowser } from '../support/browser.ts';
import { makeRepo } from '../support/daemon.ts';
import { afterwards, gate, ground, openGate, planText, script } from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';
import { hangMs } from '../support/hang.ts';

const limit = { timeout: hangMs };
const agents = join(import.meta.dirname, '../support/fixtures/agents');
const presets = ['claude', 'codex', 'sh'] as const;

/** The programs on PATH: a claude that works until `end` exists and records its input, and a codex that works for ever. */
function programs({ root }: Ground, files: { readonly record: string; readonly end: string }): string {
  const bin = join(root, 'bin');
  mkdirSync(bin);
  const node = shellWord(process.execPath);
  const settings = `RECORD=${shellWord(files.record)} WORKS_UNTIL=${shellWord(files.end)}`;
  script(join(bin, 'claude'), `${settings} exec ${node} ${shellWord(join(agents, 'typed-claude.mjs'))} "$@"`);
  const says = `FAKE_RECORD=${shellWord(join(root, 'calls'))} FAKE_SAYS=hang`;
  script(join(bin, 'codex'), `${says} exec ${node} ${shellWord(join(agents, 'codex'))} "$@"`);
  return bin;
}

/** A plan of one task in a separate repo for each preset; `check` prevents the merge of the first one's work. */
async function begin(made: Ground, client: Client, { sh, check }: { sh: string; check: string }): Promise<void> {
  for (const preset of presets) {
    const repo = makeRepo(join(made.root, preset));
    mkdirSync(join(repo, '.stator'));
    writeFileSync(join(repo, '.stator/config.toml'), `[agents.default]\npreset = "${preset}"\n`);
    await client.addRepo(repo, { trust: true });
    const content = planText([{ sh, fields: preset === 'claude' ? `**Check:** ${check}\n` : '' }]);
    await client.registerPlan({ project: preset, plan: 'p', content });
    await client.send({ project: preset, plan: 'p', type: 'implement_start' });
  }
  const isRunning = async () =>
    (await client.instances({})).filter(({ pid }) => pid !== null).length === presets.length;
  await until(isRunning);
}

it.skipIf(!hasBrowser())(
  'a line reaches the agent while it works; of one that reads none, and of one that has ended, the page says so',
  async () => {
    const made = ground();
    const [record, end, go] = [join(made.root, 'record'), join(made.root, 'end'), join(made.root, 'go')];
    const taken = join(made.root, 'taken');
    mkdirSync(made.home, { recursive: true, mode: 0o700 });
    const config = 'blueprint_skip_threshold = 0\n[agents.reviewer]\nenabled = false\n';
    writeFileSync(join(made.home, 'daemon.toml'), config);
    // As root claude would refuse to start.
    const env = { ...made.env, PATH: `${programs(made, { record, end })}:${made.env.PATH}`, IS_SANDBOX: '1' };
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    const daemon = await startDaemon({ home: made.home, env, log: quiet });
    afterwards(() => daemon.stop({ agents: 'stop' }));
    const call = callSocket(daemon.socketPath, undefined);
    const client = createClient(call, { note: null, close: async () => {} });
    await until(async () => (await client.status()).waiting === null);
    await begin(made, client, { sh: `${gate(go)}; echo x > x.txt`, check: gate(taken) });
    const browser = await startBrowser();
    afterwards(() => browser.close());
    const answer = await call('POST', '/v1/inspect', { body: {} });
    const { page } = await browser.open(((await answer.json()) as { url: string }).url); // as the contract says
    await page.locator('.connection.live').waitFor(limit);

    await show(page, 'claude');
    const field = page.getByRole('textbox', { name: 'Type to it while it works' });
    await field.fill("keep the <b>old</b> format of O'Neill", limit);
    await field.press('Enter');
    const log = page.getByRole('region', { name: 'Log' });
    await log.getByText("I read: keep the <b>old</b> format of O'Neill").waitFor(limit);
    expect(await field.inputValue()).toBe('');
    // An empty line is not sent.
    await field.press('Enter');
    await field.fill('and in English');
    await page.getByRole('button', { name: 'Type', exact: true }).click();
    await log.getByText('I read: and in English').waitFor(limit);
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(readFileSync(record, 'utf8')).toContain('and in English');
    const typed = (await client.signals({ project: 'claude' })).filter(({ type }) => type === 'agent_type');
    expect(typed.map(({ status }) => status)).toEqual(['done', 'done']);

    const message = page.getByRole('textbox', { name: 'A message for its next turn' });
    const unheard = page.getByText('It reads nothing while it works: a message waits for its next turn.');
    for (const preset of ['codex', 'sh']) {
      await show(page, preset);
      await unheard.waitFor(limit);
      await message.waitFor(limit);
      expect(await field.count()).toBe(0);
    }
    expect(existsSync(go)).toBe(false);
    // A pause spends no attempt, so the card counts none.
    await client.send({ project: 'codex', plan: 'p', type: 'pause' });
    await until(async () => (await client.instances({ project: 'codex' }))[0]?.state === 'queued');
    await client.send({ project: 'codex', plan: 'p', type: 'resume' });
    await until(async () => (await client.plan('codex', 'p')).tasks_by_wave[0]?.tasks[0]?.attempts === 2);
    await show(page, 'codex');
    const card = page.locator('[data-task="p-w1-t1"]');
    await card.getByText('at work').waitFor(limit);
    expect(await card.textContent()).not.toContain('attempt');
    // On a telephone the way to here is still read.
    await page.setViewportSize({ width: 390, height: 800 });
    const cut = await page.evaluate(
      `[...document.querySelectorAll('.top nav > :not(:first-child)')].filter((one) => one.scrollWidth > one.clientWidth).length`,
    );
    expect(cut).toBe(0);
    await page.setViewportSize({ width: 1_280, height: 900 });

    const ended = page.getByText('It has ended: it reads nothing any more.');
    await show(page, 'claude');
    writeFileSync(end, '');
    // While its work is checked, and after that.
    await ended.waitFor(limit);
    expect((await client.plan('claude', 'p')).status).toBe('implementing');
    expect((await client.instances({ project: 'claude' })).map(({ takes_input: takes }) => takes)).toEqual([false]);
    openGate(taken);
    await page.locator('.plan-title').getByText('done, not merged').waitFor(limit);
    await ended.waitFor(limit);
    expect((await field.count()) + (await message.count())).toBe(0);
    openGate(go);
  },
);

async function show(page: Page, project: string): Promise<void> {
  await page.goto(`${new URL(page.url()).origin}/#/plan/${project}/p/p-w1-t1`);
  await page.locator('.panel.agent').getByText(project, { exact: true }).waitFor(limit);
}
