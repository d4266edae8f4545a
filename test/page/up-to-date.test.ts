/** The page says nothing that is not so any more, in a real Chromium: the daemon waits, plans need a person, a plan is another one, and a view cannot be read. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../runtime/api/client/client.ts';
import { problemsOf } from '../support/accessible.ts';
import { hasBrowser } from '../support/browser.ts';
import { planText } from '../support/engine.ts';
import { hangMs } from '../support/hang.ts';
import { type PageGround, startPage } from '../support/page-ground.ts';

const limit = { timeout: hangMs };

describe.skipIf(!hasBrowser())('the page', () => {
  let on: PageGround;
  let client: Client;

  beforeAll(async () => {
    on = await startPage();
    client = on.client;
  });
  afterAll(() => on?.stop());

  const register = (plan: string) =>
    client.registerPlan({ project: 'demo', plan, content: planText([{ title: 'first', sh: 'true' }]) });
  const needs = (plan: string) =>
    client.send({ project: 'demo', plan, type: 'needs_decision', payload: { reason: 'Which port?' } });

  it('has in its title how many plans need a person, on every view and while nobody looks', async () => {
    for (const plan of ['asking', 'second', 'third']) await register(plan);
    await needs('asking');
    const { page } = await on.open('demo/asking');
    await page.clock.install();
    await page.reload();
    const title = () => page.title();
    await expect.poll(title, limit).toBe('(1) asking · stator');
    await needs('second');
    await expect.poll(title, limit).toBe('(2) asking · stator');
    await page.evaluate(
      "Object.defineProperty(document, 'hidden', { get: () => true }); document.dispatchEvent(new Event('visibilitychange'))",
    );
    await page.clock.fastForward(31_000);
    await page.locator('.connection.resting').waitFor({ ...limit, state: 'attached' });
    await needs('third');
    await expect
      .poll(async () => {
        await page.clock.fastForward(31_000);
        return title();
      }, limit)
      .toBe('(3) asking · stator');
    await page.close();
  });

  it('has no journal of a plan that was deleted, where another one is registered under its name', async () => {
    await register('twice');
    const { page } = await on.open('demo/twice/chart');
    const events = page.locator('.journal .event');
    await expect.poll(() => events.count(), limit).toBeGreaterThan(0);
    const count = await events.count();
    await client.deletePlan('demo', 'twice');
    await register('twice');
    await client.send({ project: 'demo', plan: 'twice', type: 'cancel' });
    await events.getByText('cancel', { exact: true }).waitFor(limit);
    await expect.poll(() => events.count(), limit).toBeLessThanOrEqual(count + 1);
    await page.close();
  });

  it('says why a view cannot be read, and nothing of a repo that it has not read', async () => {
    const { page } = await on.open();
    const { origin } = new URL(page.url());
    for (const place of ['plan/demo/%01', 'repo/%01']) {
      await page.goto(`${origin}/#/${place}`);
      await page.getByText('holds a control character').waitFor(limit);
      expect(await page.getByText('None yet').count()).toBe(0);
    }
    await page.close();
  });

  it('says that the daemon waits and why, and goes on by itself', async () => {
    const { page } = await on.open();
    const store = join(on.made.home, 'taskstore.db');
    const files = ['', '-wal', '-shm'].map((end) => `${store}${end}`);
    for (const file of files) renameSync(file, `${file}.away`);
    await page.locator('.connection.waiting').waitFor(limit);
    await page.locator('.notice.away').getByText('the daemon waits: ').waitFor(limit);
    expect(await problemsOf(page)).toEqual([]);
    const late = await on.browser.open(await on.address());
    await late.page.locator('.notice.away').getByText('taskstore.db was deleted or replaced').waitFor(limit);
    for (const file of files) renameSync(`${file}.away`, file);
    for (const each of [page, late.page]) await each.locator('.connection.live').waitFor(limit);
    expect(await page.locator('.notice.away').count()).toBe(0);
  });
});
