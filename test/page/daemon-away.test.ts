/** The page of a daemon that is killed or stopped, in a real Chromium: it waits for the next one, and trusts no other program. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { startDaemon } from '../../runtime/engine/daemon.ts';
import { problemsOf } from '../support/accessible.ts';
import { type Browser, hasBrowser, startBrowser } from '../support/browser.ts';
import { daemonGround } from '../support/daemon.ts';
import { afterwards, ground, planText } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { hangMs } from '../support/hang.ts';

/** The time limit for a working page; a busy machine may need long. */
const limit = { timeout: hangMs };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describe.skipIf(!hasBrowser())('the page of a daemon that dies', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  it('waits for the next one and continues by itself, with what happened meanwhile; says so of one that is silent, and continues when it is back', async () => {
    const away = daemonGround();
    const { stator } = away;
    expect((await stator(['daemon', 'start'])).code).toBe(0);
    await away.client().addRepo(away.repo, { trust: true });
    const { url } = JSON.parse((await stator(['inspect', '--json'])).stdout) as { url: string };
    const { page } = await browser.open(url);
    try {
      await page.locator('.connection.live').waitFor(limit);
      const pid = away.owner()?.pid ?? 0;
      process.kill(pid, 'SIGKILL');
      await page.locator('.connection.away').waitFor(limit);
      expect(await problemsOf(page)).toEqual([]);
      const bottom = await page.locator('.notice.away').evaluate((element) => element.getBoundingClientRect().bottom);
      const top = await page.locator('main').evaluate((element) => element.getBoundingClientRect().top);
      expect(top).toBeGreaterThanOrEqual(bottom);
      await until(() => away.owner() === null);
      // A plan with a command, while no page is open.
      writeFileSync(join(away.repo, 'later.md'), planText(['true']));
      expect((await stator(['plan', 'register', 'later.md'])).code).toBe(0);
      expect((await stator(['daemon', 'start'])).code).toBe(0);
      await page.locator('.connection.live').waitFor(limit);
      await page
        .getByRole('link', { name: /\/later$/ })
        .first()
        .waitFor(limit);
      // One that is silent though no connection has ended.
      await page.clock.install();
      await page.reload();
      await page.locator('.connection.live').waitFor(limit);
      const next = away.owner()?.pid ?? 0;
      process.kill(next, 'SIGSTOP');
      try {
        // Four heartbeats.
        await page.clock.runFor(60_000);
        await page.locator('.connection.away').waitFor(limit);
      } finally {
        process.kill(next, 'SIGCONT');
      }
      await page.locator('.connection.live').waitFor(limit);
    } finally {
      await page.close();
    }
  });

  it('shows nothing of what a restored store does not have', async () => {
    const away = daemonGround();
    const { stator } = away;
    const copy = join(away.root, 'copy.db');
    let daemon = await startDaemon({ home: away.home, env: away.env, log: quiet });
    afterwards(() => daemon.stop());
    await away.client().addRepo(away.repo, { trust: true });
    writeFileSync(join(away.repo, 'kept.md'), planText(['true']));
    expect((await stator(['plan', 'register', 'kept.md'])).code).toBe(0);
    const { url } = JSON.parse((await stator(['inspect', '--json'])).stdout) as { url: string };
    expect((await stator(['store', 'backup', copy])).code).toBe(0);
    const { page } = await browser.open(url);
    try {
      await page.locator('.connection.live').waitFor(limit);
      await page.goto(`${new URL(page.url()).origin}/#/plan/demo/kept/chart`);
      for (const word of ['cancel', 'reopen', 'cancel'])
        expect((await stator(['plan', word, 'kept', '--yes'])).code).toBe(0);
      const cancelled = page.getByRole('region', { name: 'Journal' }).getByText('cancel', { exact: true });
      await cancelled.first().waitFor(limit);
      await daemon.stop();
      expect(await stator(['store', 'restore', copy, '--yes'])).toMatchObject({ code: 0 });
      daemon = await startDaemon({ home: away.home, env: away.env, log: quiet });
      await page.locator('.connection.live').waitFor(limit);
      await expect.poll(() => cancelled.count(), limit).toBe(0);
    } finally {
      await page.close();
    }
  });

  it('tells a program that took its port nothing, and shows nothing of what that says', async () => {
    const made = ground();
    const daemon = await startDaemon({ home: made.home, env: made.env, log: quiet });
    afterwards(() => daemon.stop());
    const opened = await callSocket(daemon.socketPath, undefined)('POST', '/v1/inspect', { body: {} });
    const { url } = (await opened.json()) as { url: string };
    const { page } = await browser.open(url);
    const asked: string[] = [];
    const stranger = createServer((request, answer) => {
      asked.push(request.url ?? '');
      answer.setHeader('content-type', request.url === '/v1/events' ? 'text/event-stream' : 'application/json');
      answer.write(request.url === '/v1/events' ? ': connected\n\n' : '[]');
      if (request.url !== '/v1/events') answer.end();
    });
    try {
      await page.locator('.connection.live').waitFor(limit);
      const pause = page.getByRole('button', { name: 'pause the queue' });
      await pause.waitFor(limit);
      await daemon.stop();
      await new Promise<void>((resolve) => stranger.listen(Number(new URL(url).port), '127.0.0.1', resolve));
      await page.locator('.connection.stranger').waitFor(limit);
      await until(() => asked.length > 3);
      await pause.click();
      await page.getByRole('alert').getByText('the daemon does not answer').waitFor(limit);
      expect(asked.filter((each) => !each.startsWith('/session/hello?nonce='))).toEqual([]);
      expect(await page.locator('.connection.live').count()).toBe(0);
    } finally {
      stranger.closeAllConnections();
      stranger.close();
      await page.close();
    }
  });

  it('stator inspect without a daemon says so with exit code 69', async () => {
    const { stator } = daemonGround();
    expect(await stator(['inspect', '--json'])).toMatchObject({ code: 69, stdout: '' });
  });
});
