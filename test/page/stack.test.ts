/** Stacked pull requests on the page, in a real Chromium: a list that follows the forge, and the same in `explain`. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Browser, hasBrowser, startBrowser } from '../support/browser.ts';
import { afterwards, begin, ground, planText, startEngine, untilPlan } from '../support/engine.ts';
import { mergeNow } from '../support/forge-server.ts';
import { site, start } from '../support/forge-site.ts';
import { git } from '../support/ground.ts';
import { hangMs } from '../support/hang.ts';
import { linkedForges } from '../support/linked-forges.ts';

let browser: Browser;
beforeAll(async () => {
  if (hasBrowser()) browser = await startBrowser();
});
afterAll(() => browser?.close());

it.skipIf(!hasBrowser())('the requests of a stack are listed, the lowest first, with what became of each', async () => {
  const where = await site('gitea', '[pull_requests]\nstack = "wave"\n', { bare: '' });
  const engine = await start(where);
  await begin(engine, 'login', planText(['echo 1 > a.txt'], ['echo 2 > b.txt']));
  const stack = (states: string) =>
    untilPlan(engine, 'login', ({ pull_request: request, creating_pr: isAtIt }) => {
      return !isAtIt && (request?.stack ?? []).map(({ state }) => state).join(' ') === states;
    });
  await stack('open open');
  const { url } = await engine.engine.inspect();
  const { page, complaints } = await browser.open(url);
  afterwards(() => page.close());
  await page.locator('.connection.live').waitFor({ timeout: hangMs });
  await page.goto(`${new URL(page.url()).origin}/#/plan/demo/login`);
  const rows = page.getByRole('region', { name: 'About' }).locator('ol.stack li');
  const [lowest, upper] = [...where.forge.state.pulls.values()];
  if (lowest === undefined || upper === undefined) throw new Error('the forge has no two requests');
  const { host } = new URL(where.forge.url);
  const line = (name: string, said: string, number: number, to: string) =>
    `${name}: ${said} ${host}/ada/demo/pulls/${number} ${to}`;
  await expect
    .poll(() => rows.allTextContents(), { timeout: hangMs })
    .toEqual([line('w1', 'open', lowest.number, 'for main'), line('w2', 'open', upper.number, `for ${lowest.head}`)]);
  expect(await rows.getByRole('link').first().getAttribute('rel')).toBe('noopener noreferrer');
  lowest.headCommit = git(where.bare, 'rev-parse', `refs/heads/${lowest.head}`);
  mergeNow(where.forge.state, lowest, 'merge', lowest.headCommit);
  await rows.first().getByText('merged').waitFor({ timeout: hangMs });
  await expect.poll(() => rows.first().textContent(), { timeout: hangMs }).toContain('into main');
  await stack('merged open');
  expect((await engine.client.explain('demo', 'login')).stack).toEqual(
    (await engine.client.plan('demo', 'login')).pull_request?.stack,
  );
  expect(complaints).toEqual([]);
});

it.skipIf(!hasBrowser())(
  'the requests of a plan over several repos are listed as in repos, each with its own address',
  async () => {
    const on = ground();
    const sites = await linkedForges(on, ['gitea', 'github']);
    for (const { forge } of sites) afterwards(() => forge.stop());
    const env = { ...on.env, FORGE_TOKEN: 'secret-token' };
    const daemon = 'blueprint_skip_threshold = 0\n';
    const engine = await startEngine({ on, env, pullRequestLookMs: 100, daemon });
    for (const { path } of sites) await engine.client.addRepo(path, { trust: true });
    const tasks = sites.map(({ name }) => ({ sh: `echo 1 > ${name}/one.txt`, fields: `**Repo:** ${name}` }));
    await begin(engine, 'both', planText(tasks));
    const { pull_request: request } = await untilPlan(engine, 'both', (plan) => plan.pull_request?.stack?.length === 2);
    const { url } = await engine.engine.inspect();
    const { page, complaints } = await browser.open(url);
    afterwards(() => page.close());
    await page.locator('.connection.live').waitFor({ timeout: hangMs });
    await page.goto(`${new URL(page.url()).origin}/#/plan/demo/both`);
    const about = page.getByRole('region', { name: 'About' });
    const rows = about.locator('ol.stack li');
    const lines = sites.map(({ name, forge }, nth) => {
      const address = request?.stack?.[nth]?.url.replace(/^https?:\/\//, '');
      expect(address).toContain(new URL(forge.url).host);
      return `${name}: open ${address} for main`;
    });
    await expect.poll(() => rows.allTextContents(), { timeout: hangMs }).toEqual(lines);
    expect(await about.getByText('in repos', { exact: true }).count()).toBe(1);
    expect(await about.getByText('stack', { exact: true }).count()).toBe(0);
    expect(complaints).toEqual([]);
  },
);
