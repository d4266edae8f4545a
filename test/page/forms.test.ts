/** Text that a person types on the page, in a real Chromium: it stays until the daemon has accepted it, over a refusal, another view and a reload. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { createClient } from '../../runtime/api/client/client.ts';
import { startDaemon } from '../../runtime/engine/daemon.ts';
import { problemsOf } from '../support/accessible.ts';
import { hasBrowser, startBrowser } from '../support/browser.ts';
import { afterwards, ground, planText, waves } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { hangMs } from '../support/hang.ts';

const limit = { timeout: hangMs };

const waiting = 'while :; do sleep 0.2; done';

/** A plan that asks, one whose agent works, one in review after a report, one whose budget is used up, and a tree of a user-defined machine. */
async function startGround() {
  const made = ground();
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  const release = join(import.meta.dirname, '../../examples/release/release.mjs');
  const report = `case $STATOR_TITLE in *review-1) echo 'the sum is wrong'; echo 'and not tested'; exit 1;; esac; ${waiting}`;
  const config = `${waves}[agents.default]\npreset = "sh"\nattempts = 1\n[agents.reviewer]\npreset = "command"\nprogram = ${JSON.stringify(report)}\n[agents.fixer]\npreset = "command"\nprogram = "echo mended > mended.txt"\n[machines]\nrelease = "${release}"\n`;
  writeFileSync(join(made.home, 'daemon.toml'), config);
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const daemon = await startDaemon({ home: made.home, env: made.env, log: quiet });
  afterwards(() => daemon.stop({ agents: 'stop' }));
  const call = callSocket(daemon.socketPath, undefined);
  const client = createClient(call, { note: null, close: async () => {} });
  await until(async () => (await client.status()).waiting === null);
  await client.addRepo(made.repo, { trust: true });
  const begin = async (plan: string, content: string) => {
    await client.registerPlan({ project: 'demo', plan, content });
    await client.send({ project: 'demo', plan, type: 'implement_start' });
  };
  await begin('working', planText([waiting]));
  await begin('judged', planText(['echo x > x.txt']));
  await begin('spent', planText([waiting]));
  await client.registerPlan({ project: 'demo', plan: 'asking', content: planText(['true']) });
  await client.send({ project: 'demo', plan: 'asking', type: 'needs_decision', payload: { reason: 'Which port?' } });
  await client.startMachine({ name: 'release', id: '1.2', input: { project: 'demo', version: '1.2', plans: [] } });
  await client.send({
    project: 'demo',
    plan: 'spent',
    type: 'raise_budget',
    payload: { scope: 'plan', agent_minutes: 0.0001 },
  });
  await until(async () => (await client.plan('demo', 'spent')).blocked?.source === 'budget');
  await until(async () =>
    (await client.instances({ project: 'demo', plan: 'working' })).some(({ pid }) => pid !== null),
  );
  await until(async () => {
    const { status, review_cycle: cycle } = await client.plan('demo', 'judged');
    return status === 'reviewing' && cycle === 1;
  });
  const answer = await call('POST', '/v1/inspect', { body: {} });
  return { client, url: ((await answer.json()) as { url: string }).url };
}

/** A form: where it is, its field, its button, and its state afterwards. */
interface Form {
  readonly at: string;
  readonly text: string;
  field(page: Page): Locator;
  send(page: Page): Locator;
  /** false: the field goes with what it was for. */
  readonly stays: boolean;
}

const button = (name: string) => (page: Page) => page.getByRole('button', { name, exact: true });
const textbox = (name: string) => (page: Page) => page.getByRole('textbox', { name });

const forms: Readonly<Record<string, Form>> = {
  'a message to an agent': {
    ...{ at: 'plan/demo/working/working-w1-t1', text: 'use the new key', stays: true },
    ...{ field: textbox('A message for its next turn'), send: button('Send') },
  },
  'words with an event': {
    ...{ at: 'plan/demo/working/chart', text: 'so that I can look', stays: true },
    ...{
      field: textbox('Words that go with the event'),
      send: (page) => page.locator('[data-event="needs_decision"]'),
    },
  },
  'a review': {
    ...{ at: 'plan/demo/judged', text: 'name the function', stays: false },
    field: (page) => page.getByRole('region', { name: 'In review' }).getByRole('textbox'),
    send: button('Request changes'),
  },
  'an answer in the list of needs': {
    ...{ at: '', text: '587', stays: false },
    field: textbox('question 1: Which port?'),
    send: (page) =>
      page.getByRole('listitem').filter({ hasText: 'demo/asking' }).getByRole('button', { name: 'Answer' }),
  },
  'a payload for a machine of one’s own': {
    ...{ at: 'machine/release/1.2', text: '{"reason": "later"}', stays: false },
    ...{
      field: textbox('Payload that goes with the signal, as JSON'),
      send: (page) => page.locator('[data-event="refuse"]'),
    },
  },
  'the document of a new plan': {
    ...{ at: 'repo/demo', text: planText(['true']), stays: false },
    ...{ field: textbox('The document'), send: button('Register') },
  },
};

it.skipIf(!hasBrowser())(
  'what is typed in a form stays over a refusal, another view and a reload, and goes once it was taken',
  async () => {
    const { client, url } = await startGround();
    const browser = await startBrowser();
    afterwards(() => browser.close());
    const { page } = await browser.open(url);
    await page.locator('.connection.live').waitFor(limit);
    const { origin } = new URL(page.url());
    const goTo = (place: string) => page.goto(`${origin}/#/${place}`);
    const confirmed = async () => {
      const sure = page.getByRole('alertdialog').getByRole('button', { name: /^Yes/ });
      await sure.or(page.locator('.toast:not(.refused)')).first().waitFor(limit);
      if ((await sure.count()) > 0) await sure.click();
      await page.locator('.toast:not(.refused)').waitFor(limit);
    };
    /** No change reaches the daemon. */
    const refuse = () =>
      page.route('**/v1/**', async (route) => {
        if (route.request().method() === 'GET') return route.fallback();
        await route.fulfill({ status: 409, json: { error: 'not now', code: 'refused', hint: '' } });
      });
    // The complete report of a review is beside the buttons that decide, with the log of the reviewer that is at work.
    await goTo('plan/demo/judged');
    const report = page.getByRole('region', { name: 'In review' }).getByRole('region', { name: 'The last review' });
    await expect.poll(() => report.locator('.words').textContent(), limit).toBe('the sum is wrong\nand not tested');
    const places = await Promise.all([button('Request changes')(page).boundingBox(), report.boundingBox()]);
    expect((places[1]?.x ?? 0) > (places[0]?.x ?? 0) + (places[0]?.width ?? 0)).toBe(true);
    expect(await problemsOf(page)).toEqual([]);
    await report.getByRole('link', { name: 'log of review-2' }).click();
    await page.getByRole('region', { name: 'Log' }).waitFor(limit);

    for (const [what, { at, text, field, send, stays }] of Object.entries(forms)) {
      await goTo(at);
      await field(page).fill(text, limit);
      if (at === 'repo/demo') await page.getByRole('textbox', { name: /^The name of/ }).fill('fresh');
      await refuse();
      await send(page).click(limit);
      await page.getByRole('alert').getByText('not now').waitFor(limit);
      expect([what, await field(page).inputValue()]).toEqual([what, text]);
      await page.unrouteAll();
      await goTo('nowhere');
      await page.getByText('There is no page at this address.').waitFor(limit);
      await goTo(at);
      await field(page).waitFor(limit);
      expect([what, await field(page).inputValue()]).toEqual([what, text]);
      await page.reload();
      await page.locator('.connection.live').waitFor(limit);
      await expect.poll(() => field(page).inputValue(), limit).toBe(text);
      // Not in the field of another plan, which has the same place in the page.
      if (what === 'words with an event') {
        await goTo('plan/demo/judged/chart');
        await expect.poll(() => field(page).inputValue(), limit).toBe('');
        await goTo(at);
        await field(page).waitFor(limit);
      }
      await send(page).click(limit);
      await confirmed();
      if (stays) await expect.poll(() => field(page).inputValue(), limit).toBe('');
      else if (at !== 'machine/release/1.2') await field(page).waitFor({ ...limit, state: 'detached' });
    }
    expect((await client.plan('demo', 'asking')).questions).toEqual([]);
    expect((await client.plan('demo', 'fresh')).status).toBe('ready');

    // A budget is raised where the need is listed.
    await goTo('');
    await page.getByRole('button', { name: 'Raise the budget: spent' }).waitFor(limit);
    expect(await problemsOf(page)).toEqual([]);
    const spent = page
      .getByRole('region', { name: 'Needs you' })
      .getByRole('listitem')
      .filter({ hasText: 'demo/spent' });
    const most = spent.getByRole('spinbutton', { name: 'Minutes for the whole plan' });
    await most.fill('90');
    await goTo('nowhere');
    await page.getByText('There is no page at this address.').waitFor(limit);
    await goTo('');
    await expect.poll(() => most.inputValue(), limit).toBe('90');
    await spent.getByRole('button', { name: 'Raise the budget: spent' }).click();
    await until(async () => (await client.plan('demo', 'spent')).blocked === null);
    expect((await client.plan('demo', 'spent')).budget).toMatchObject([{ measure: 'agent_minutes', limit: 90 }]);

    // A document that somebody else has changed meanwhile is not overwritten unasked.
    const [theirs, mine] = [planText(['echo theirs']), planText(['echo mine'])];
    const content = async () => (await client.plan('demo', 'fresh')).content.trim();
    await goTo('plan/demo/fresh');
    await page.getByText('The document').click();
    await button('Edit')(page).click(limit);
    await textbox('The document')(page).fill(mine);
    await client.updateContent('demo', 'fresh', theirs);
    await button('Save')(page).click();
    await page.getByRole('alert').getByText('somebody else has changed the document').waitFor(limit);
    expect(await content()).toBe(theirs.trim());
    expect(await textbox('The document')(page).inputValue()).toBe(mine);
    await button('Save')(page).click();
    await textbox('The document')(page).waitFor({ ...limit, state: 'detached' });
    expect(await content()).toBe(mine.trim());
  },
);
