/**
 * The pictures of the live page in the README and in docs/inspect.md: `npm run screenshots`. A real daemon plays a fixed fleet, and a real Chromium
 * takes the pictures.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { setStage } from './scene/stage.ts';

const executablePath = process.env.STATOR_CHROMIUM ?? '/usr/bin/chromium';
const folder = process.argv[2] ?? 'docs/pictures';
const limit = { timeout: 30_000 };

const stage = await setStage();
const profile = mkdtempSync(join(tmpdir(), 'stator-browser-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
  viewport: { width: 1_280, height: 860 },
  timezoneId: 'UTC',
  locale: 'en-GB',
  reducedMotion: 'reduce',
});
try {
  const page = await context.newPage();
  await page.clock.setFixedTime(stage.nowMs());
  await page.goto(stage.url);
  await page.locator('.connection.live').waitFor(limit);
  mkdirSync(folder, { recursive: true });
  const origin = new URL(page.url()).origin;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 1_280, height: 832 });
    await page.goto(`${origin}/#/`);
    await page.locator('tbody tr').first().waitFor(limit);
    await page.screenshot({ path: join(folder, `inspect-fleet-${colorScheme}.png`) });
    await page.setViewportSize({ width: 1_280, height: 820 });
    await page.goto(`${origin}/#/plan/shop/one-page-checkout/one-page-checkout-w2-t1`);
    await page.getByRole('region', { name: 'Log' }).getByText('All 16 pass').waitFor(limit);
    await page.screenshot({ path: join(folder, `inspect-plan-${colorScheme}.png`), fullPage: true });
  }
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
  await stage.strike();
}
