/** The page has no accessibility problems where something is asked, refused, done or missing, in a real Chromium. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { startDaemon } from '../../runtime/engine/daemon.ts';
import { problemsOf } from '../support/accessible.ts';
import { hasBrowser, startBrowser } from '../support/browser.ts';
import { afterwards, ground } from '../support/engine.ts';
import { hangMs } from '../support/hang.ts';
import { type PageGround, startPage } from '../support/page-ground.ts';

/** The time limit for a working page; a busy machine may need long. */
const limit = { timeout: hangMs };

describe.skipIf(!hasBrowser())('the page with something to say', () => {
  let on: PageGround;
  beforeAll(async () => {
    on = await startPage();
  });
  afterAll(() => on?.stop());

  it('an axe check finds no problem in a confirmation, a refusal, a notice, an empty search or a missing page', async () => {
    const { client } = on;
    await on.whole();
    const release = { name: 'release', id: '3.0' };
    await client.startMachine({ ...release, input: { project: 'demo', version: '3.0', plans: [] } });
    const { page } = await on.open();
    const go = (path: string) => page.goto(`${new URL(page.url()).origin}/#/${path}`);
    const states: Record<string, () => Promise<unknown>> = {
      async 'nothing is found'() {
        await go('');
        await page.getByRole('searchbox').fill('no plan has this');
        await page
          .locator('.plan-rows tr, tbody tr')
          .first()
          .waitFor({ ...limit, state: 'detached' });
      },
      async 'a confirmation'() {
        await go('plan/demo/whole');
        await page.locator('[data-signal="merge"]').click(limit);
        await page.getByRole('alertdialog').waitFor(limit);
      },
      async 'the past'() {
        await go('plan/demo/whole/chart');
        await page.locator('.journal [data-seq]').last().click(limit);
        await page.getByRole('button', { name: 'back to now' }).first().waitFor(limit);
      },
      async 'a comment that is written'() {
        await go('plan/demo/whole/changes');
        await page
          .getByRole('button', { name: /^Comment on line 1 of/ })
          .first()
          .click(limit);
        await page.getByRole('textbox', { name: /^Your comment on line 1 of/ }).waitFor(limit);
      },
      async 'a refusal'() {
        await go('machine/release/3.0');
        await page.getByRole('textbox', { name: 'Payload' }).fill('{"reason": 1');
        await page.locator('[data-event="refuse"]').click(limit);
        await page.getByRole('alert').getByText('bad_payload').waitFor(limit);
      },
      async 'something was done'() {
        await client.startMachine({
          name: 'release',
          id: '4.0',
          input: { project: 'demo', version: '4.0', plans: [] },
        });
        await go('machine/release/4.0');
        await page.getByRole('textbox', { name: 'Payload' }).fill('{"reason": "not now"}');
        // It would go after four seconds, and is looked at in both widths.
        await page.evaluate('window.began = window.setTimeout; window.setTimeout = () => 0');
        await page.locator('[data-event="refuse"]').click(limit);
        await page.locator('.toasts .toast:not(.refused)').waitFor(limit);
        await page.evaluate('window.setTimeout = window.began');
      },
      async 'a plan that is not there'() {
        await go('plan/demo/nobody');
        await page.getByRole('heading', { name: 'nobody' }).waitFor(limit);
      },
      async 'a page that is not there'() {
        await go('nowhere/at/all');
        await page.locator('main').waitFor(limit);
      },
    };
    const problems: string[] = [];
    for (const [name, reach] of Object.entries(states)) {
      await reach();
      for (const width of [1_280, 390]) {
        await page.setViewportSize({ width, height: 844 });
        problems.push(...(await problemsOf(page)).map((each) => `${name}, ${width}: ${each}`));
      }
      await page.reload();
      await page.locator('.connection.live').waitFor(limit);
    }
    expect(problems).toEqual([]);
    await page.close();
  });

  it('a button that goes with its act leaves the focus in the part of the page where it was', async () => {
    await on.whole();
    const { page } = await on.open();
    await page.goto(`${new URL(page.url()).origin}/#/plan/demo/whole`);
    const focused = () => page.evaluate<string>('document.activeElement.tagName');
    await page.locator('[data-signal="merge"]').press('Enter', limit);
    const no = page.getByRole('alertdialog').getByRole('button', { name: 'No', exact: true });
    await no.waitFor(limit);
    expect(await focused()).toBe('BUTTON');
    await page.keyboard.press('Enter');
    await no.waitFor({ ...limit, state: 'detached' });
    expect(await focused()).not.toBe('BODY');
    await page.keyboard.press('Tab');
    expect(await page.evaluate<boolean>('document.activeElement.closest("main") !== null')).toBe(true);
    await page.close();
  });
});

it.skipIf(!hasBrowser())('an axe check finds no problem if there is no plan and no repo yet', async () => {
  const { home, env } = ground();
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const daemon = await startDaemon({ home, env, log: quiet });
  afterwards(() => daemon.stop());
  const answer = await callSocket(daemon.socketPath, undefined)('POST', '/v1/inspect', { body: {} });
  const browser = await startBrowser({ width: 390, height: 844 });
  afterwards(() => browser.close());
  const { page } = await browser.open(((await answer.json()) as { url: string }).url);
  await page.locator('.connection.live').waitFor(limit);
  for (const width of [390, 1_024]) {
    await page.setViewportSize({ width, height: 844 });
    await page.locator('main h1, main .panel, main h2').first().waitFor(limit);
    expect(await problemsOf(page), String(width)).toEqual([]);
  }
});
