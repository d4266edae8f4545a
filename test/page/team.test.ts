/**
 * The page for people with their own tokens, in a real Chromium, over a reverse proxy with TLS: the offers for each role, and the names on the
 * requests.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removePerson } from '../../runtime/base/platform/people.ts';
import { problemsOf } from '../support/accessible.ts';
import { type Browser, hasBrowser, startBrowser } from '../support/browser.ts';
import { makeRepo } from '../support/daemon.ts';
import { afterwards, agentClient, gate, leaveToken, openGate, planText, script } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { hangMs } from '../support/hang.ts';
import { startProxy } from '../support/proxy.ts';
import { served } from '../support/team.ts';

const limit = { timeout: hangMs };
const name = 'stator.example.org';

let browser: Browser;
beforeAll(async () => {
  if (hasBrowser()) browser = await startBrowser({ name });
});
afterAll(() => browser?.close());

async function behindProxy() {
  const proxy = await startProxy('https');
  const origin = `https://${name}:${proxy.port}`;
  const daemon = await served(`hosts = ["${name}:${proxy.port}"]\n`);
  proxy.leadTo(daemon.port);
  return { ...daemon, origin };
}

async function enter(origin: string, token: string) {
  const tab = await browser.open(`${origin}/`);
  afterwards(() => tab.page.close());
  await tab.page.getByLabel('Your token').fill(token);
  await tab.page.getByRole('button', { name: 'Enter' }).click();
  return tab;
}

const buttons = async (page: Page) =>
  (await page.locator('button:visible').allTextContents())
    .map((text) => text.trim())
    .filter((text) => !/^(?:colours: auto|sign out|on the desktop)$/.test(text));

/** Every button of every part of a plan's page, and of the repo's and the fleet's. */
async function offered(page: Page, origin: string): Promise<string[]> {
  const all: string[] = [];
  for (const place of [
    '#/',
    '#/repo/demo',
    '#/plan/demo/login',
    '#/plan/demo/login/chart',
    '#/plan/demo/login/changes',
  ]) {
    await page.goto(`${origin}/${place}`);
    await page.locator('main h1, main .panel').first().waitFor(limit);
    await page.locator('.boot').waitFor({ state: 'detached', ...limit });
    all.push(...(await buttons(page)));
  }
  return all;
}

it.skipIf(!hasBrowser())(
  'who may look is offered nothing else, and is let out when the token is taken back; who signs out leaves nothing in the tab',
  async () => {
    const { origin, client, tokenFor, home, repo } = await behindProxy();
    await client.addRepo(repo, { trust: true });
    await client.registerPlan({ project: 'demo', plan: 'login', content: planText(['true']) });
    const { page, complaints, asked } = await enter(origin, 'anna.nothing');
    await page.getByText('nobody has this token').waitFor(limit);
    const bottomOf = async (what: string) => {
      const box = await page.locator(what).boundingBox();
      return (box?.y ?? 0) + (box?.height ?? Number.NaN);
    };
    expect(await bottomOf('header .connection')).toBeLessThanOrEqual(await bottomOf('header'));
    await page.evaluate(axe.source);
    expect(await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id }) => id))')).toEqual([]);
    await page.getByLabel('Your token').fill(tokenFor('anna', 'look'));
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByText('live as anna').waitFor(limit);
    await page.getByRole('link', { name: 'demo/login' }).first().waitFor(limit);
    const acts = /Implement|Plan it|Cancel|Pause|pause|Resume|Register|Edit|Send|Kill|Restart|_|Check|mark as read/;
    expect((await offered(page, origin)).filter((text) => acts.test(text))).toEqual([]);
    // It is live over the proxy, also after a reload; and no cookie is set.
    await page.goto(`${origin}/#/`);
    await page.reload();
    await page.getByText('live as anna').waitFor(limit);
    await client.registerPlan({ project: 'demo', plan: 'later', content: planText(['true']) });
    await page.getByRole('link', { name: 'demo/later' }).first().waitFor(limit);
    expect(await browser.context.cookies()).toEqual([]);
    removePerson(home, 'anna');
    await page.getByText('This page needs your token.').waitFor(limit);
    expect(await problemsOf(page)).toEqual([]);
    expect(complaints).toEqual([]);
    expect(asked.every((url) => url.startsWith(origin) || url.startsWith('data:'))).toBe(true);

    // The role is shown, the page can be installed, and a person who signs out leaves nothing in the tab.
    const { page: other } = await enter(origin, tokenFor('dora', 'answer'));
    await other.locator('.connection', { hasText: 'live as dora' }).getByText('answer').waitFor(limit);
    const session = await browser.context.newCDPSession(other);
    const { errors, data } = await session.send('Page.getAppManifest');
    expect(errors).toEqual([]);
    expect(JSON.parse(data ?? '')).toMatchObject({ name: 'stator', start_url: '/' });
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    // Nobody signed the certificate of the test.
    expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(['not-from-secure-origin']);
    await other.getByRole('button', { name: 'sign out' }).click();
    await other.getByLabel('Your token').waitFor(limit);
    expect(await other.evaluate('sessionStorage.length')).toBe(0);
    await other.reload();
    await other.getByLabel('Your token').waitFor(limit);
  },
);

it.skipIf(!hasBrowser())(
  'who may answer answers and reads drafts, who may steer starts and chooses a draft, and the journal has their names',
  async () => {
    const { origin, client, tokenFor, repo, root, say } = await behindProxy();
    await client.addRepo(repo, { trust: true });
    const token = tokenFor('bob', 'steer');
    const content = planText(['sleep 600']);
    expect(await say('POST /v1/repos/demo/plans', token, { plan: 'login', content })).toMatchObject({ status: 201 });
    await client.registerPlan({ project: 'demo', plan: 'other', content });
    const bob = await enter(origin, token);
    await bob.page.getByText('live as bob').waitFor(limit);
    await bob.page.getByRole('searchbox', { name: /^Search plans/ }).fill('author:bob');
    await expect.poll(() => bob.page.locator('td.name a').allTextContents(), limit).toEqual(['demo/login']);
    expect(await offered(bob.page, origin)).toEqual(
      expect.arrayContaining(['Implement', 'Register', 'pause the queue']),
    );
    await bob.page.goto(`${origin}/#/plan/demo/login`);
    await bob.page.locator('[data-signal="implement_start"]').click();
    const sure = bob.page.locator('[data-sure]');
    const hasBegun = async () => (await client.plan('demo', 'login')).status === 'implementing';
    await until(async () => {
      if (await sure.isVisible()) await sure.click();
      return hasBegun();
    });
    await client.send({ project: 'demo', plan: 'login', type: 'needs_decision', payload: { reason: 'Which colour?' } });
    const carl = await enter(origin, tokenFor('carl', 'answer'));
    await carl.page.getByText('live as carl').waitFor(limit);
    await carl.page.goto(`${origin}/#/plan/demo/login`);
    await carl.page.getByText('Which colour?').first().waitFor(limit);
    expect((await buttons(carl.page)).filter((text) => /Cancel|Pause|Implement/.test(text))).toEqual([]);
    await carl.page.locator('form textarea').first().fill('green');
    await carl.page.getByRole('button', { name: 'Answer' }).click();
    await until(async () => (await client.plan('demo', 'login')).blocked === null);
    const history = await client.history('demo', 'login');
    const by = (event: string) => history.find((line) => line.event === event && line.actor === '')?.origin;
    expect([by('implement_start'), by('answer') ?? by('resolve')]).toEqual(['person:bob', 'person:carl']);
    await client.send({ project: 'demo', plan: 'login', type: 'cancel' });

    // A draft is chosen by who may steer, and who may answer reads it.
    const at = (what: string) => join(root, what);
    const leave = (number: number) => leaveToken(at(`token-${number}`));
    const both = `case "$STATOR_TITLE" in *-1) ${leave(1)};; *) ${leave(2)};; esac\n${gate(at('end'))}`;
    const agents = `[agents.planner]\npreset = "command"\nprogram = "${script(at('planner'), both)}"\n`;
    const drafts = makeRepo(join(root, 'drafts'));
    mkdirSync(join(drafts, '.stator'));
    writeFileSync(join(drafts, '.stator/config.toml'), `planner_drafts = 2\nauto_advance = false\n${agents}`);
    await client.addRepo(drafts, { trust: true });
    await client.registerPlan({ project: 'drafts', plan: 'login', content: '# Login\n' });
    await client.send({ project: 'drafts', plan: 'login', type: 'plan_start' });
    for (const number of [1, 2]) {
      const planner = await agentClient(at(`token-${number}`));
      await planner.updateContent('drafts', 'login', planText([`echo draft ${number}`]));
      await planner.send({ project: 'drafts', plan: 'login', type: 'planner_finished' });
    }
    openGate(at('end'));
    await until(async () => (await client.plan('drafts', 'login')).blocked?.source === 'choice');
    for (const [{ page }, count] of [
      [carl, 0],
      [bob, 2],
    ] as const) {
      await page.goto(`${origin}/#/plan/drafts/login`);
      await page.getByText('Drafts of login').waitFor(limit);
      for (const summary of await page.locator('.draft summary').all()) await summary.click();
      await page.getByText('echo draft 2').waitFor(limit);
      expect(await page.locator('[data-draft]').count()).toBe(count);
      expect(await page.locator('textarea[name="answer"]').count()).toBe(0);
    }
    await bob.page.locator('[data-draft="2"]').click();
    await until(async () => (await client.plan('drafts', 'login')).status === 'ready');
    expect((await client.plan('drafts', 'login')).drafts.map(({ state }) => state)).toEqual(['finished', 'chosen']);
    expect((await client.history('drafts', 'login')).find(({ event }) => event === 'choose')?.origin).toBe(
      'person:bob',
    );
  },
);
