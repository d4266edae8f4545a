/** The page of `stator inspect` in a real Chromium: what it shows of a working daemon, the actions there, no accessibility problem, and nothing that is not so any more. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mergeLines } from '../../machines/vocabulary/merge-text.ts';
import { localDay } from '../../machines/vocabulary/time-text.ts';
import { dayBeside } from '../../page/day-view.ts';
import { callSocket } from '../../runtime/api/client/call.ts';
import type { Client } from '../../runtime/api/client/client.ts';
import { workEntry } from '../../runtime/api/contract/work.ts';
import { startDaemon } from '../../runtime/engine/daemon.ts';
import { problemsOf } from '../support/accessible.ts';
import { type Browser, hasBrowser, tabTo } from '../support/browser.ts';
import { makeRepo } from '../support/daemon.ts';
import { afterwards, gate, ground, openGate, planText, script } from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';
import { hangMs } from '../support/hang.ts';
import { type PageGround, startPage } from '../support/page-ground.ts';

/** The texts that show a time outside of a `time` element. The axes have clocks, and texts of people and programs are unchanged. */
const bareTimes = `() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    const isTime = /\\b\\d\\d:\\d\\d\\b|\\dT\\d\\d:|\\b\\d+[mhd] ago|just now|^for (<?\\d+[smhd])/.test(data);
    if (isTime && parentElement.closest('time, svg, pre, option, .code, h1') === null) found.push(data);
  }
  return found;
}`;

/** The time limit for a working page; a busy machine may need long. */
const limit = { timeout: hangMs };

describe.skipIf(!hasBrowser())('the page', () => {
  let on: PageGround;
  let made: Ground;
  let client: Client;
  let browser: Browser;

  beforeAll(async () => {
    on = await startPage();
    ({ made, client, browser } = on);
  });

  afterAll(() => on?.stop());

  const address = (body?: object) => on.address(body);
  const open = (path?: string) => on.open(path);
  const share = (path?: string) => on.share(path);
  const begin = (plan: string, content: string) => on.begin(plan, content);
  const whole = () => on.whole();

  /** Something that several tests share, made by the first of them. */
  function once<T>(make: () => Promise<T>): () => Promise<T> {
    let made: Promise<T> | undefined;
    return () => {
      made ??= make();
      return made;
    };
  }

  /** A plan that nobody has started: `demo/planned`. */
  const planned = once(() => client.registerPlan({ project: 'demo', plan: 'planned', content: planText(['true']) }));

  /** A plan that has failed: `demo/daily`. */
  const daily = once(async () => {
    await begin('daily', planText([{ title: 'fails', sh: `echo 'no such host ${'w'.repeat(300)}' >&2; exit 1` }]));
    await until(async () => (await client.plan('demo', 'daily')).need !== null);
  });

  const turnTo = (page: Page, section: string) => page.getByRole('link', { name: section, exact: true }).click();
  const contextOf = (page: Page, name: string) =>
    page
      .locator('.context dl div', { has: page.getByText(name, { exact: true }) })
      .locator('dd')
      .textContent();
  const lit = (page: Page, state: string) => page.locator(`.chart-stage [data-state="${state}"].lit`);

  it('shows a plan as it runs: its chart, its tasks, the log of its agent', async () => {
    const go = join(made.root, 'go-live');
    await begin('live', planText([{ title: 'store it', sh: `echo one; ${gate(go)}; echo two; echo x > live.txt` }]));
    const { page } = await share();
    await page.getByRole('link', { name: 'demo/live' }).first().click();
    const card = page.locator('[data-task="live-w1-t1"]');
    await card.getByText('at work').waitFor(limit);
    await turnTo(page, 'Statechart');
    expect(page.url()).toMatch(/#\/plan\/demo\/live\/chart$/);
    await lit(page, 'lifecycle.underway.implementing.wave.running').waitFor(limit);
    // Each actor of its tree has a chart of its own.
    const whose = page.getByRole('combobox', { name: 'Whose chart' });
    await whose.selectOption({
      label: (await whose.locator('option', { hasText: /task-1\.\d+$/ }).textContent()) ?? '',
    });
    await lit(page, 'working').waitFor(limit);
    await whose.selectOption({ label: 'plan' });
    await turnTo(page, 'Work');
    await card.click();
    await page.getByRole('region', { name: 'Log' }).getByText('one').waitFor(limit);
    openGate(go);
    await card.getByText('done').waitFor(limit);
    await turnTo(page, 'Statechart');
    await lit(page, 'lifecycle.done').waitFor(limit);
    // By which way it came there.
    await page.locator('.chart-stage [data-edge].fired').first().waitFor(limit);
    await turnTo(page, 'Work');
    await card.click();
    await page.getByRole('region', { name: 'Log' }).getByText('two').waitFor(limit);
    await page.getByRole('button', { name: 'Diff', exact: true }).click();
    await page.getByRole('region', { name: 'Changes' }).getByText('+x').waitFor(limit);
    await page.getByRole('button', { name: 'Prompt', exact: true }).click();
    await page.getByRole('region', { name: 'Prompt' }).getByText('store it').first().waitFor(limit);
  });

  it('a click on cancel says which agents end, and a second one cancels it; what is not taken says why', async () => {
    const go = join(made.root, 'go-cancel');
    await begin('unwanted', planText([`${gate(go)}`]));
    const { page } = await share('demo/unwanted/chart');
    await page.getByText(/^not now/).click();
    const reopen = page.locator('.events details li').filter({ has: page.getByText('reopen', { exact: true }) });
    await expect.poll(() => reopen.textContent(), limit).toContain('not in the states');
    await until(async () =>
      (await client.instances({ project: 'demo', plan: 'unwanted' })).some(({ state }) => state === 'running'),
    );
    await page.locator('[data-event="cancel"]').click();
    const sure = page.getByRole('alertdialog');
    await sure.getByText('ends 1 agent: unwanted-w1-t1 (coder)').waitFor(limit);
    await sure.getByRole('button', { name: 'No', exact: true }).click();
    await sure.waitFor({ state: 'detached', ...limit });
    expect((await client.plan('demo', 'unwanted')).status).toBe('implementing');
    await page.locator('[data-signal="cancel"]').click();
    await sure.getByRole('button', { name: 'Yes, cancel it' }).click();
    await until(async () => (await client.plan('demo', 'unwanted')).status === 'cancelled');
    await lit(page, 'lifecycle.cancelled').waitFor(limit);
    await page.getByRole('button', { name: 'Reopen', exact: true }).waitFor(limit);
    openGate(go);
  });

  it('shows a tree of a machine of your own: its state, what it waits for, and sends it the signals that a person may send', async () => {
    await client.startMachine({ name: 'release', id: '1.2', input: { project: 'demo', version: '1.2', plans: [] } });
    const { page } = await share();
    const state = (name: string) => page.locator(`[data-state="${name}"].lit`);
    await page.getByRole('region', { name: 'Your machines' }).getByRole('link', { name: 'release 1.2' }).click();
    await state('asking').waitFor(limit);
    // The chart has arrows, as that of a plan has, and its active states are also a list.
    const arrow = (from: string, to: string) => page.locator(`.chart-stage [data-from="${from}"][data-to="${to}"]`);
    expect(await arrow('asking', 'publishing').locator('path').count()).toBeGreaterThan(0);
    expect(await page.locator('.chart-stage .edge').getByText('approve').count()).toBeGreaterThan(0);
    await page.getByRole('list', { name: 'Active states' }).getByText('asking').waitFor(limit);
    await page.getByText('remind: due').waitFor(limit);
    const offered = () => page.locator('[data-event]').allTextContents();
    await expect.poll(offered, limit).toEqual(['approve', 'refuse']);
    await page.getByRole('textbox', { name: 'Payload' }).fill('{"reason": 1');
    await page.locator('[data-event="refuse"]').click();
    await page.getByRole('alert').getByText('bad_payload').waitFor(limit);
    await page.getByRole('button', { name: 'dismiss' }).click();
    await page.getByRole('textbox', { name: 'Payload' }).fill('');
    await page.locator('[data-event="approve"]').focus();
    await page.keyboard.press('Enter');
    // Its registry is not there.
    await state('failed').waitFor(limit);
    await page.locator('.chart-stage .route.fired[data-from="publishing"][data-to="failed"]').first().waitFor(limit);
    await page.locator('.journal').getByText('effect_failed').waitFor(limit);
    await page.locator('.journal').getByText('begun').click();
    await state('asking').waitFor(limit);
    await page.getByRole('button', { name: 'back to now' }).click();
    await state('failed').waitFor(limit);
    await page.goto(`${new URL(page.url()).origin}/#/machine/release/9`);
    await page.getByText('there is no release "9"').waitFor(limit);
  });

  it('plans are found by their titles, goals, states and days, and a new question is shown on the desktop', async () => {
    const document = planText(['true']).replace('# A plan', '# Move the mail\n\n**Goal:** Letters leave by Postmark.');
    await client.registerPlan({ project: 'demo', plan: 'letters', content: document });
    await client.registerPlan({ project: 'demo', plan: 'other', content: planText(['true']) });
    const { page } = await open();
    const names = () => page.locator('td.name a').allTextContents();
    await page.getByText('Move the mail').waitFor(limit);
    const field = page.getByRole('searchbox', { name: /^Search plans/ });
    const { created_at: created } = await client.plan('demo', 'letters');
    for (const search of [
      'MAIL move',
      'postmark',
      'demo/letters ready',
      `letters ${created.slice(0, 7)}`,
      'author:owner mail',
    ]) {
      await field.fill(search);
      await expect.poll(names, limit).toEqual(['demo/letters']);
    }
    await field.fill('author:anna');
    await page.getByText('No plan fits.').waitFor(limit);
    await field.fill('postmark done');
    await page.getByText('No plan fits.').waitFor(limit);
    await field.fill('');
    // The browser's own notifications cannot be read by a test, so this records what they get.
    await browser.context.grantPermissions(['notifications']);
    await page.evaluate(
      'window.Notification = class extends Notification { constructor(title, options) { super(title, options); (window.told ??= []).push([title, options.body]); } }',
    );
    await page.getByRole('button', { name: 'on the desktop' }).click();
    await page.getByRole('button', { name: 'on the desktop', pressed: true }).waitFor(limit);
    await client.send({ project: 'demo', plan: 'other', type: 'needs_decision', payload: { reason: 'Seen already?' } });
    // Among the notifications it may be shown before the page knows of the need.
    await page.getByRole('region', { name: 'Needs you' }).getByText('Seen already?').waitFor(limit);
    await page.evaluate("Object.defineProperty(document, 'hidden', { value: true })");
    await client.send({ project: 'demo', plan: 'letters', type: 'needs_decision', payload: { reason: 'Which key?' } });
    await expect
      .poll(() => page.evaluate('window.told'), limit)
      .toEqual([['demo/letters needs you', 'question 1: Which key?']]);
    // A page that shows them does not rest while nobody looks.
    await page.getByRole('button', { name: 'on the desktop' }).click();
    await page.getByRole('button', { name: 'on the desktop', pressed: false }).waitFor(limit);
    for (const plan of ['other', 'letters']) await client.send({ project: 'demo', plan, type: 'cancel' });
    await page.close();
  });

  it('the timeline is zoomed and moved by keys, and says what the duration came from', async () => {
    await begin('timed', planText(['echo x > timed.txt'], ['sleep 1; echo y >> timed.txt']));
    await until(async () => (await client.plan('demo', 'timed')).status === 'done');
    const { page } = await share('demo/timed/timeline');
    await page.getByText(/^Critical path w1-t1 (?:\d+m )?\d+s → w2-t1 (?:\d+m )?\d+s$/).waitFor(limit);
    const stage = page.getByRole('group', { name: /^Timeline\./ });
    const widest = () => stage.locator('li:first-child rect').first().getAttribute('width');
    const before = await widest();
    await stage.focus();
    await page.keyboard.press('+');
    await expect.poll(widest, limit).not.toBe(before);
    // A tick moves, and in a plan of a second or two its text may stay.
    const axis = () => stage.locator('.axis').innerHTML();
    const near = await axis();
    await page.keyboard.press('ArrowRight');
    await expect.poll(axis, limit).not.toBe(near);
    await page.getByRole('button', { name: 'Show the whole' }).click();
    await expect.poll(widest, limit).toBe(before);
  });

  it('the page of a day has what ran, what failed and why, and who did what', async () => {
    await daily();
    const { page } = await share();
    await page.getByRole('link', { name: 'today' }).click();
    await page.getByRole('img', { name: /^agents at work: at most \d/ }).waitFor(limit);
    const part = (name: string) => page.getByRole('region', { name: new RegExp(`^${name}`) });
    await part('By repo')
      .getByText(/^\d+ runs?: \d+ done, \d+ failed$/)
      .waitFor(limit);
    const failed = part('What failed').getByRole('listitem').filter({ hasText: 'demo/daily w1-t1' });
    await failed.getByText('ended with an error: no such host').waitFor(limit);
    await page.setViewportSize({ width: 320, height: 700 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    await part('Who did what')
      .getByRole('listitem')
      .filter({ hasText: 'demo/daily' })
      .getByText('started implementing')
      .waitFor(limit);
    const [from, to] = [-1, 1].map((hours) => new Date(Date.now() + hours * 3_600_000).toISOString()) as [
      string,
      string,
    ]; // two of two
    const { acts, runs } = workEntry.parse(await client.work({ from, to }));
    const own = { project: 'demo', plan: 'daily' };
    expect(acts).toContainEqual(expect.objectContaining({ ...own, type: 'implement_start', by: 'person' }));
    expect(runs).toContainEqual(expect.objectContaining({ ...own, state: 'failed', reason: 'exit-code' }));
    await page.getByRole('link', { name: 'the day before' }).click();
    await page.getByText('Nothing ran.').waitFor(limit);
    await page.goto(`${new URL(page.url()).origin}/#/day/2026-02-30`);
    await page.getByText('This is no day').waitFor(limit);
    // The day after it has a year of five digits.
    await page.goto(`${new URL(page.url()).origin}/#/day/9999-12-31`);
    await page.getByRole('heading', { name: '9999-12-31' }).waitFor(limit);
    await page.getByText('This is no day').waitFor(limit);
  });

  it('of an agent that has not begun, and of one that the plan does not have, the page says which of the two it is, and of what is refused why', async () => {
    await planned();
    const { page } = await share('demo/planned/planned-w1-t1');
    await page.getByText('It has not started yet.').waitFor(limit);
    for (const title of ['planned-w1-t9', 'planned-w9-t1', 'other'])
      for (const before of ['demo/planned/planned-w1-t1', `demo/planned/${title}`]) {
        await page.goto(`${new URL(page.url()).origin}/#/plan/${before}`);
        const text = before.endsWith(title) ? 'This plan has no agent of this name.' : 'It has not started yet.';
        await page.getByText(text).waitFor(limit);
      }
    // A refusal is shown with its message and what to do.
    await page.goto(`${new URL(page.url()).origin}/#/plan/demo/planned/chart`);
    await page.getByRole('textbox', { name: 'Words that go with the event' }).fill('9');
    await page.locator('[data-event="implement_wave"]').click();
    const alert = page.getByRole('alert');
    await alert.waitFor(limit);
    expect(await alert.textContent()).toMatch(
      /refused.*implement wave is refused by plan.*it takes: .*implement_start/,
    );
    await alert.getByRole('button', { name: 'dismiss' }).click();
    await alert.waitFor({ state: 'detached', ...limit });
  });

  it('in a browser that blocks storage the page is shown, signs in by its address, and keeps typed text while it is open', async () => {
    await planned();
    const page = await browser.context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.addInitScript(() => {
      const get = () => {
        throw new DOMException('blocked', 'SecurityError');
      };
      for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { get });
    });
    await page.goto(await address());
    await page.locator('.connection.live').waitFor(limit);
    const { origin } = new URL(page.url());
    await page.goto(`${origin}/#/repo/demo`);
    const name = page.getByRole('textbox', { name: 'name' }).first();
    await name.fill('kept');
    await page.goto(`${origin}/#/plan/demo/planned`);
    await page.getByRole('heading', { level: 1 }).waitFor(limit);
    await page.goBack();
    await name.waitFor(limit);
    expect(await name.inputValue()).toBe('kept');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('by keys alone a day is opened, the days beside it are gone through, and a failure leads to its agent', async () => {
    await daily();
    const { page } = await share();
    const today = localDay(new Date());
    const heading = (day: string) => page.getByRole('heading', { name: day, exact: true }).waitFor(limit);
    const press = async (name: string) => {
      await tabTo(page, page.getByRole('link', { name, exact: true }));
      await page.keyboard.press('Enter');
    };
    await press('today');
    await heading(today);
    await press('the day before');
    await heading(dayBeside(today, -1));
    // The focus stays where it was, so that the same key goes on.
    await page.keyboard.press('Enter');
    await heading(dayBeside(today, -2));
    for (const by of [-1, 0]) {
      await press('the day after');
      await heading(dayBeside(today, by));
    }
    await press('demo/daily w1-t1');
    await page.getByRole('region', { name: 'Log' }).waitFor(limit);
    expect(page.url()).toMatch(/#\/plan\/demo\/daily\/daily-w1-t1$/);
  });

  it('an answer goes only to its question: one filled field of two is one answer', async () => {
    const asks = (name: string, what: string) => {
      const asked = join(made.root, name);
      return `if [ -e ${asked} ]; then cp "$STATOR_PROMPT_FILE" ${name}.txt; else touch ${asked}; exec stator signal emit needs_decision --payload "${what}"; fi`;
    };
    const bin = join(made.root, 'bin');
    mkdirSync(bin, { recursive: true });
    await begin(
      'curious',
      planText([
        ...[asks('mail', 'Postmark or SES?'), asks('port', 'Which port?')].map((script) =>
          script.replace(
            'exec stator',
            `exec ${process.execPath} ${join(import.meta.dirname, '../../dist/bin/stator.js')}`,
          ),
        ),
      ]),
    );
    const { page } = await share('demo/curious');
    await page.getByText('Postmark or SES?').first().waitFor(limit);
    await page.getByText('Which port?').first().waitFor(limit);
    // An empty answer does not count.
    await page.getByRole('button', { name: 'Answer' }).first().click();
    expect((await client.plan('demo', 'curious')).questions).toHaveLength(2);
    const field = page.getByRole('textbox', { name: 'Postmark or SES?' });
    await field.fill('Postmark');
    await field.press('Control+Enter');
    await field.waitFor({ ...limit, state: 'detached' });
    const left = (await client.plan('demo', 'curious')).questions;
    expect(left).toMatchObject([{ question: 'Which port?' }]);
    const sent = (await client.signals({ project: 'demo', plan: 'curious' })).filter(({ type }) => type === 'answer');
    expect(sent).toMatchObject([{ origin: 'person', payload: { body: 'Postmark', questions: [expect.any(Number)] } }]);
    const other = page.getByRole('textbox', { name: 'Which port?' });
    await other.fill('8080');
    await other.press('Control+Enter');
    await page.locator('.plan-title').getByText('done, not merged').waitFor(limit);
  });

  it('a command that an agent asks to run is shown in full, is denied with a message, or is allowed', async () => {
    const repo = makeRepo(join(made.root, 'asking'));
    const asks = JSON.stringify([['echo "<b>no</b>" > no.txt'], ['echo made > made.txt']]);
    const fake = join(import.meta.dirname, '../support/fixtures/agents/asking-claude.mjs');
    const claude = script(join(made.root, 'claude'), `ASKS='${asks}' exec '${process.execPath}' '${fake}' "$@"`);
    mkdirSync(join(repo, '.stator'));
    const agent = `[agents.default]\npreset = "claude"\nprogram = "${claude}"\nattempts = 1\npermissions = "ask"\n`;
    writeFileSync(join(repo, '.stator/config.toml'), `${agent}[agents.reviewer]\nenabled = false\n`);
    await client.addRepo(repo, { trust: true });
    await client.registerPlan({ project: 'asking', plan: 'asks', content: planText(['true']) });
    await client.send({ project: 'asking', plan: 'asks', type: 'implement_start' });
    const { page } = await open();
    const needs = page.getByRole('region', { name: 'Needs you' });
    await needs.getByText('w1-t1 asks whether it may use Bash: echo "<b>no</b>" > no.txt').waitFor(limit);
    // Whether each question could be answered at the moment at which it first appeared.
    await page.evaluate(`
      window.seen = [];
      new MutationObserver(() => {
        const asked = document.querySelector('.asked-detail')?.textContent;
        const allow = document.querySelector('[data-answer="allow"]');
        if (asked && allow !== null && window.seen.at(-1)?.[0] !== asked) window.seen.push([asked, !allow.disabled]);
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    `);
    await needs.getByRole('link', { name: 'asking/asks' }).click();
    const shown = page.getByRole('region', { name: 'What it would do' });
    await expect.poll(() => shown.textContent(), limit).toBe('echo "<b>no</b>" > no.txt');
    await page.getByText(/^Denied by itself in \d+m\.$/).waitFor(limit);
    await page.getByRole('textbox', { name: 'A word to it, where you deny' }).fill('write another');
    await page.getByRole('button', { name: 'Deny' }).click();
    await expect.poll(() => shown.textContent(), limit).toBe('echo made > made.txt');
    await page.getByRole('button', { name: 'Allow once' }).click();
    await page.locator('.plan-title').getByText('done, not merged').waitFor(limit);
    await shown.waitFor({ state: 'detached', ...limit });
    expect(await page.evaluate('seen')).toEqual([
      ['echo "<b>no</b>" > no.txt', false],
      ['echo made > made.txt', false],
    ]);
    const { diff } = await client.planDiff('asking', 'asks');
    expect(diff).toContain('made.txt');
    expect(diff).not.toContain('no.txt');
    await page.locator('[data-task="asks-w1-t1"]').click();
    await page.getByRole('region', { name: 'Log' }).getByText('denied: write another').waitFor(limit);
    await page.close();
  });

  it('a plan that often needs a person shows the reason of each stop: questions, a check, a review, a budget', async () => {
    const repo = makeRepo(join(made.root, 'shop'));
    mkdirSync(join(repo, '.stator'));
    writeFileSync(
      join(repo, '.stator/config.toml'),
      `max_review_fix_cycles = 1
[agents.reviewer]
preset = "command"
program = "echo 'the cart is not tested'; exit 1"
[agents.fixer]
preset = "command"
program = "date +%N >> fixes.txt"
`,
    );
    await client.addRepo(repo, { trust: true });
    const [fixed, bin] = [join(made.root, 'shop-fixed'), join(import.meta.dirname, '../../dist/bin/stator.js')];
    const asks = (what: string) =>
      `f=${made.root}/$STATOR_TITLE; if [ -e $f ]; then echo x > $STATOR_TITLE.txt; else touch $f; exec ${process.execPath} ${bin} signal emit needs_decision --payload "${what}"; fi`;
    const content = planText([
      asks('Postgres or SQLite?'),
      asks('Which port then?'),
      {
        sh: 'echo page > page.txt',
        fields: `**Check:** echo "2 of 7 tests failed: cart.test.ts" >&2; test -e '${fixed}'`,
      },
    ]).replace('# A plan\n', '# A plan\n\n**Budget:** 600 minutes\n');
    const of = { project: 'shop', plan: 'evening' };
    await client.registerPlan({ ...of, content });
    await client.send({ ...of, type: 'implement_start' });
    const { page } = await share('shop/evening');
    for (const question of ['Postgres or SQLite?', 'Which port then?']) {
      const field = page.getByRole('textbox', { name: question });
      await field.fill('as you like', limit);
      await field.press('Control+Enter');
      await field.waitFor({ ...limit, state: 'detached' });
    }
    // The check is what is left.
    await page.locator('.plan-title').getByText('needs you').waitFor(limit);
    await page
      .locator('[data-task="evening-w1-t3"]')
      .getByText('2 of 7 tests failed: cart.test.ts')
      .first()
      .waitFor(limit);
    await page
      .locator('.facts')
      .getByText(/^[\d.]+ of 600 minutes$/)
      .waitFor(limit);
    writeFileSync(fixed, '');
    await client.send({ ...of, type: 'retry_wave' });
    await page.getByRole('heading', { name: 'Its rounds of fixing are used up' }).waitFor(limit);
    await page.getByText('the cart is not tested').first().waitFor(limit);
    await client.send({ ...of, type: 'raise_budget', payload: { scope: 'plan', agent_minutes: 0.0001 } });
    await client.send({ ...of, type: 'resolve' });
    await page.getByRole('heading', { name: 'Its budget is used up' }).waitFor(limit);
    await page.getByText("of 0.0001 agent minutes are used, the plan's budget").first().waitFor(limit);
    await page.goto(`${new URL(page.url()).origin}/#/`);
    await page
      .getByRole('row')
      .filter({ hasText: 'evening' })
      .getByText(/of 0\.0001 minutes/)
      .waitFor(limit);
    await client.send({ ...of, type: 'cancel' });
  });

  it('the plans that land on a branch are on the page of the repo, where they are put first, taken out and let go', async () => {
    const repo = makeRepo(join(made.root, 'lands'));
    await client.addRepo(repo, { trust: true });
    await client.pauseLanding({ project: 'lands', branch: 'main' });
    for (const plan of ['one', 'two']) {
      await client.registerPlan({ project: 'lands', plan, content: planText([`echo ${plan} > ${plan}.txt`]) });
      await client.send({ project: 'lands', plan, type: 'implement_start' });
      await until(async () => (await client.plan('lands', plan)).status === 'done');
      await client.send({ project: 'lands', plan, type: 'land' });
      await until(async () => (await client.landings()).some(({ line }) => line.some((each) => each.plan === plan)));
    }
    const { page, complaints } = await share();
    await page.getByRole('region', { name: 'Repos' }).getByRole('link', { name: 'lands' }).click();
    const line = page.getByRole('region', { name: 'Landing on main' });
    await line.getByRole('listitem').filter({ hasText: 'two' }).getByText('place 2').waitFor(limit);
    await line.getByRole('button', { name: 'First: two' }).click();
    await line.getByRole('listitem').filter({ hasText: 'two' }).getByText('place 1').waitFor(limit);
    await line.getByRole('button', { name: 'Take out: one' }).click();
    await line.getByRole('link', { name: 'one' }).waitFor({ ...limit, state: 'detached' });
    await line.getByRole('button', { name: 'Let them land' }).click();
    await line.getByText('No plan is in line.').waitFor(limit);
    await until(async () => (await client.plan('lands', 'two')).landing === 'merged');
    expect(readFileSync(join(repo, 'two.txt'), 'utf8')).toBe('two\n');
    expect((await client.plan('lands', 'one')).landing).not.toBe('merged');
    // An address that has no view leads back, and the tab says on each page how many plans need a person.
    await page.goto(`${new URL(page.url()).origin}/#/nothing/here`);
    await page.getByText('There is no page at this address.').waitFor(limit);
    expect(await page.title()).toMatch(/^(?:\(\d+\) )?not found · stator$/);
    await page.getByRole('link', { name: 'All plans' }).click();
    await page.getByRole('region', { name: 'Repos' }).waitFor(limit);
    expect(complaints).toEqual([]);
  });

  it('what needs a person is met where it is listed: a wave that failed runs again, and what is done is merged, once that was meant', async () => {
    const repo = makeRepo(join(made.root, 'listed'));
    await client.addRepo(repo, { trust: true });
    const mended = join(made.root, 'listed-mended');
    const of = { project: 'listed', plan: 'mended' };
    const printed = 'seq 1 20; echo "<b>no</b>"; echo "no such table: carts"';
    const sh = `test -e '${mended}' || { { ${printed}; } >&2; exit 1; }; echo x > x.txt`;
    await client.registerPlan({ ...of, content: planText([sh]) });
    await client.send({ ...of, type: 'implement_start' });
    const { page } = await share();
    const row = page
      .getByRole('region', { name: 'Needs you' })
      .getByRole('listitem')
      .filter({ hasText: 'listed/mended' });
    await row.locator('.why').getByText('no such table: carts').waitFor(limit);
    // Ten lines of the output, none of them read as HTML.
    const output = [...[13, 14, 15, 16, 17, 18, 19, 20].map(String), '<b>no</b>', 'no such table: carts'].join('\n');
    expect(await row.locator('pre').textContent()).toBe(output);
    expect(await row.locator('pre b').count()).toBe(0);
    expect(await row.getByRole('link', { name: 'log of w1-t1' }).getAttribute('href')).toBe(
      '#/plan/listed/mended/mended-w1-t1',
    );
    // On the page of the plan all of it is in one box, and nowhere twice.
    await row.getByRole('link', { name: 'listed/mended' }).click();
    const box = page.getByRole('region', { name: 'Needs you' });
    await box.locator('p').getByText('no such table: carts').waitFor(limit);
    expect(await box.locator('pre').textContent()).toBe(output);
    await box.getByRole('link', { name: 'log of w1-t1' }).click();
    await page.getByRole('region', { name: 'Log' }).getByText('no such table: carts').waitFor(limit);
    await box.getByRole('button', { name: 'Go on without it' }).waitFor(limit);
    expect(await page.getByRole('button', { name: 'Retry' }).count()).toBe(1);
    await page.getByRole('link', { name: 'fleet' }).click();
    writeFileSync(mended, '');
    await row.getByRole('button', { name: 'Retry: mended' }).click();
    const sure = page.getByRole('alertdialog');
    await row.getByText('done, not merged').waitFor(limit);
    await row.getByRole('button', { name: 'Merge: mended' }).click();
    await sure.getByRole('heading', { name: 'Merge it?' }).waitFor(limit);
    await page.keyboard.press('Escape');
    await sure.waitFor({ ...limit, state: 'detached' });
    expect((await client.plan(of.project, of.plan)).merged).toBeNull();
    await row.getByRole('button', { name: 'Merge: mended' }).click();
    await sure.getByRole('button', { name: /^Yes/ }).click();
    await row.waitFor({ ...limit, state: 'detached' });
    await until(async () => (await client.plan(of.project, of.plan)).merged !== null);
    expect(readFileSync(join(repo, 'x.txt'), 'utf8')).toBe('x\n');
  });

  it('a question is answered where it is listed, and what is typed stays while others come', async () => {
    const ask = async (plan: string, reason: string) => {
      await client.registerPlan({ project: 'demo', plan, content: planText(['echo x']) });
      await client.send({ project: 'demo', plan, type: 'needs_decision', payload: { reason } });
    };
    await ask('asked', 'Which <b>colour</b>?');
    const { page } = await open();
    const needs = page.getByRole('region', { name: 'Needs you' });
    const field = needs.getByRole('textbox', { name: 'question 1: Which <b>colour</b>?' });
    await field.fill('green', limit);
    await ask('also-asked', 'Which size?');
    await needs.getByRole('textbox', { name: 'question 1: Which size?' }).waitFor(limit);
    expect(await field.inputValue()).toBe('green');
    const row = needs.getByRole('listitem').filter({ hasText: 'demo/asked' });
    await row.getByRole('button', { name: 'Answer' }).click();
    await row.waitFor({ ...limit, state: 'detached' });
    const signals = await client.signals({ project: 'demo', plan: 'asked' });
    const given = signals.find(({ type }) => type === 'answer');
    expect((await client.signal({ id: given?.id ?? 0 })).payload).toMatchObject({ questions: [1], body: 'green' });
    expect((await client.plan('demo', 'also-asked')).questions).toHaveLength(1);
    // What was done before is not shown again after a refusal.
    await page.route('**/v1/repos/demo/preview', async (route) => {
      await route.fulfill({ status: 409, json: { error: 'not now', code: 'refused', hint: '' } });
    });
    await needs.getByRole('textbox', { name: 'question 1: Which size?' }).fill('small');
    await needs.getByRole('button', { name: 'Answer' }).click();
    await page.getByRole('alert').getByText('not now').waitFor(limit);
    await page.getByRole('alert').getByRole('button').click();
    await page.getByRole('alert').waitFor({ ...limit, state: 'detached' });
    expect(await page.locator('.toast').count()).toBe(0);
    for (const plan of ['asked', 'also-asked']) await client.send({ project: 'demo', plan, type: 'cancel' });
    await page.close();
  });

  it('in review a person asks for changes, which the fixer gets, and approves what it made of them', async () => {
    const repo = makeRepo(join(made.root, 'judged'));
    mkdirSync(join(repo, '.stator'));
    const fix = script(
      join(made.root, 'judged-fix'),
      'grep -q "say hello" "$STATOR_PROMPT_FILE" && echo hello > page.txt',
    );
    // The fixer waits for the end of the turn of the reviewer, which has half a minute for it.
    const go = join(made.root, 'judged-go');
    const turns = `mkdir '${join(made.root, 'judged-turn')}' || exec sleep 600`;
    const judge = script(join(made.root, 'judged-review'), `${turns}; ${gate(go)}`);
    const roles = `[agents.reviewer]\npreset = "command"\nprogram = "${judge}"\n[agents.fixer]\npreset = "command"\nprogram = "${fix}"\n`;
    writeFileSync(join(repo, '.stator/config.toml'), roles);
    await client.addRepo(repo, { trust: true });
    const of = { project: 'judged', plan: 'greeting' };
    await client.registerPlan({ ...of, content: planText(['echo helo > page.txt']) });
    await client.send({ ...of, type: 'implement_start' });
    const { page } = await share('judged/greeting');
    const review = page.getByRole('region', { name: 'In review' });
    const field = review.getByRole('textbox');
    await review.getByRole('button', { name: 'Request changes' }).click(limit);
    // Without a comment there is nothing to change.
    await field.and(page.locator(':focus')).waitFor(limit);
    await field.fill('say hello');
    await review.getByRole('button', { name: 'Request changes' }).click();
    const sure = page.getByRole('alertdialog');
    await sure.getByRole('button', { name: /^Yes/ }).click(limit);
    await page.getByRole('region', { name: 'Reviews' }).getByText('say hello').waitFor(limit);
    openGate(go);
    await until(async () => {
      const { status, review_cycle: cycle } = await client.plan(of.project, of.plan);
      return status === 'reviewing' && cycle === 1;
    });
    await review.getByRole('button', { name: 'Approve' }).click(limit);
    await sure.getByRole('button', { name: /^Yes/ }).click(limit);
    await page.locator('.plan-title').getByText('done, not merged').waitFor(limit);
    expect((await client.planDiff(of.project, of.plan)).diff).toContain('+hello');
  });

  it('the Tab key reaches what needs a person first, then the link to today, then the plans, then the rest', async () => {
    await client.registerPlan({ project: 'demo', plan: 'tabbed', content: planText(['true']) });
    await client.send({ project: 'demo', plan: 'tabbed', type: 'needs_decision', payload: { reason: 'Which one?' } });
    const { page } = await share();
    await page.getByRole('region', { name: 'Needs you' }).getByText('Which one?').waitFor(limit);
    const places = await page.evaluate<string[]>(
      `[...document.querySelectorAll('main a, main button, main input, main select, main [tabindex="0"]')].map((element) => element.closest('.panel')?.classList[1] ?? 'numbers')`,
    );
    const order = places.filter((place, index) => place !== places[index - 1]);
    expect(order.slice(0, 3)).toEqual(['needs', 'numbers', 'plans']);
    // None of these is among the rest.
    expect(new Set(order).size).toBe(order.length);
    await client.send({ project: 'demo', plan: 'tabbed', type: 'cancel' });
  });

  it('a pause of the queue is shown and can be ended, and a notification can be marked as read', async () => {
    await client.registerPlan({ project: 'demo', plan: 'stuck', content: planText(['exit 1']) });
    await client.pauseQueue({ project: 'demo', plan: 'stuck' });
    await client.send({ project: 'demo', plan: 'stuck', type: 'implement_start' });
    const { page } = await share();
    const pauses = page.getByRole('list', { name: 'Pauses of the queue' });
    await pauses.getByText(/^The queue for plan stuck is paused for .*: 1 agent of it waits\.$/).waitFor(limit);
    await page.goto(`${new URL(page.url()).origin}/#/plan/demo/stuck`);
    await page.getByText(/^The queue for plan stuck is paused/).waitFor(limit);
    await page.getByRole('button', { name: 'resume', exact: true }).click();
    await until(async () => (await client.queueStats()).pauses.length === 0);
    await page.getByText('Needs you').or(page.getByText('Its attempts are used up')).first().waitFor(limit);
    await page.getByRole('link', { name: 'fleet' }).click();
    const told = page.getByRole('region', { name: 'Notifications' });
    await told
      .getByText(/task error: .*stuck-w1-t1/)
      .first()
      .waitFor(limit);
    await told.getByRole('button', { name: 'mark as read' }).click();
    const none = await told.getByText('No unread notifications.').boundingBox();
    expect(none?.height).toBeLessThan(40); // one line
  });

  it('a pull request is a link only where it leads to the web; a merge with more than was checked says so as the command line does', async () => {
    const merged = { at: new Date().toISOString(), head: 'ab'.repeat(20), into: 'main', note: 'more than was checked' };
    await whole();
    const { page } = await open();
    const made = { state: 'open', url: 'javascript:alert(1)', merge: null };
    await page.route('**/v1/repos/demo/plans/whole', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), pull_request: made, merged } });
    });
    await page.goto(`${new URL(page.url()).origin}/#/plan/demo/whole`);
    await page.getByText('open javascript:alert(1)', { exact: true }).waitFor(limit);
    const about = page.getByRole('region', { name: 'About' });
    const [where, note = ''] = mergeLines(merged);
    await about.getByText(`${where}, `).waitFor(limit);
    await about.getByText(note, { exact: true }).waitFor(limit);
    made.url = 'https://forge.example/shop/pulls/7';
    await page.reload();
    const link = page.getByRole('link', { name: 'forge.example/shop/pulls/7' });
    await link.waitFor(limit);
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer');
    await page.close();
  });

  it('states that are not active are folded where the chart does not fit, and opened by Enter and by a click', async () => {
    await whole();
    const { page } = await share('demo/whole/chart');
    await lit(page, 'lifecycle.done').waitFor(limit);
    const button = page.locator('.chart-stage [data-fold="lifecycle.ready"]');
    const inside = page.locator('.chart-stage [data-state="lifecycle.ready.planned"]');
    const isOpen = () => button.getAttribute('aria-expanded');
    expect([await isOpen(), await inside.count()]).toEqual(['false', 0]);
    const words = page.locator('.chart-hint').getByText('implement_start [hasOpenTask] → implementing');
    expect(await words.isVisible()).toBe(false);
    await button.focus();
    await words.waitFor(limit);
    expect(await button.getAttribute('aria-label')).toContain('cancel → cancelled');
    await page.keyboard.press('Enter');
    await inside.waitFor({ state: 'attached', ...limit });
    expect(await isOpen()).toBe('true');
    // The chart is drawn again, and the focus stays.
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true);
    await button.click();
    await inside.waitFor({ state: 'detached', ...limit });
    expect(await isOpen()).toBe('false');
    await page.mouse.move(0, 0);
    await words.waitFor({ state: 'hidden', ...limit });
    await page.locator('.route[data-from="lifecycle.ready"] .reach').first().dispatchEvent('pointerenter');
    await words.waitFor(limit);
    // Zooming draws the buttons again: one that a key pressed can be pressed again.
    const nearer = page.getByRole('button', { name: 'Zoom in' });
    const widthOf = () =>
      page.evaluate<number>(`Number(document.querySelector('.chart-stage svg').getAttribute('viewBox').split(' ')[2])`);
    const widths = [await widthOf()];
    await nearer.focus();
    for (let presses = 0; presses < 2; presses += 1) {
      await page.keyboard.press('Enter');
      await until(async () => (await widthOf()) < (widths.at(-1) ?? 0));
      widths.push(await widthOf());
      expect(await nearer.evaluate((element) => element === document.activeElement)).toBe(true);
    }
  });

  it('the journal leads to the chart as it was, by mouse and by keys, and back', async () => {
    await planned();
    await whole();
    const { page } = await share('demo/whole/chart');
    await lit(page, 'lifecycle.done').waitFor(limit);
    const running = page.locator('.journal button', { hasText: /→ .*wave\.running/ });
    await running.first().click();
    await lit(page, 'lifecycle.underway.implementing.wave.running').waitFor(limit);
    expect(await lit(page, 'lifecycle.done').count()).toBe(0);
    await page.getByText(/^as of just now, after /).waitFor(limit);
    const slider = page.getByRole('slider', { name: 'Moment' });
    await slider.focus();
    await page.keyboard.press('Home');
    await lit(page, 'lifecycle.ready.planned').waitFor(limit);
    // All of the page is as it was then.
    await turnTo(page, 'Work');
    await page.locator('[data-task="whole-w1-t1"]').getByText('not started').waitFor(limit);
    await page.locator('.plan-title').getByText('ready').waitFor(limit);
    await turnTo(page, 'Statechart');
    await expect.poll(() => contextOf(page, 'wave'), limit).toBe('0');
    // The branch has nothing then, and what the task brought after its commit came in.
    await turnTo(page, 'Changes');
    await page.getByText('had no commit yet').waitFor(limit);
    await slider.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.getByText('; as of then').waitFor(limit);
    await page.locator('.file', { hasText: 'whole.txt' }).waitFor(limit);
    expect(await page.locator('.lines button.at:enabled').count()).toBe(0);
    await turnTo(page, 'Statechart');
    const step = page.locator('.step');
    await step.getByText(/from engine, signal \d+/).waitFor(limit);
    await page.locator('.journal button', { hasText: 'implement_start' }).first().click();
    await step.getByText(/from person, signal \d+/).waitFor(limit);
    await step.locator('li[aria-current="step"]', { hasText: 'implement_start' }).waitFor(limit);
    await page.getByRole('button', { name: 'back to now' }).click();
    await lit(page, 'lifecycle.done').waitFor(limit);
    await expect.poll(() => contextOf(page, 'wave'), limit).toBe('1');
    await turnTo(page, 'Changes');
    await page.locator('.lines button.at:enabled').first().waitFor(limit);
    await turnTo(page, 'Statechart');
    // Another plan in the same tab has its own chart.
    await page.goto(`${new URL(page.url()).origin}/#/plan/demo/planned/chart`);
    await lit(page, 'lifecycle.ready.planned').waitFor(limit);
    expect(await lit(page, 'lifecycle.done').count()).toBe(0);
  });

  it('names and outputs with HTML, escapes and turned letters are text', async () => {
    const nasty = '<img src=x onerror=alert(1)> & <b>bold</b>';
    const output = `printf '\\033[31mred\\033[0m \\033]0;title\\007<script>alert(2)</script> \\342\\200\\256txt.exe\\n'`;
    const text = `# ${nasty}\n\n**Goal:** ${nasty}\n\n## Wave 1\n\n### Task 1: ${nasty}\n\n\`\`\`sh\n${output}; printf 'fine \\033]0; hidden\\nmore\\n' > n.txt\n\`\`\`\n`;
    await begin('nasty', text);
    await until(async () => (await client.plan('demo', 'nasty')).status === 'done');
    const { page, complaints } = await share('demo/nasty/nasty-w1-t1');
    await expect.poll(() => page.locator('h1').textContent(), limit).toBe(nasty);
    const log = page.getByRole('region', { name: 'Log' });
    await expect.poll(() => log.textContent(), limit).toContain('red <script>alert(2)</script> txt.exe');
    expect(await log.textContent()).not.toMatch(/[\u001b\u0007\u202e]/);
    await expect.poll(() => page.locator('[data-task="nasty-w1-t1"]').textContent(), limit).toContain(nasty);
    // Nothing of a change is left out, because a person judges it by what is shown.
    await page.getByRole('button', { name: 'Diff', exact: true }).click();
    const changes = page.getByRole('region', { name: 'Changes' });
    for (const line of ['+fine \\x1b]0; hidden', '+more'])
      await expect.poll(() => changes.textContent(), limit).toContain(line);
    expect(await page.locator('img, #page script, #page b:text("bold")').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('a question with HTML, links and turned letters is text, and so is who asks it', async () => {
    const nasty = '<img src=x onerror=alert(1)> [a](javascript:alert(2)) <a href=javascript:alert(3)>b</a>';
    const stator = `${process.execPath} ${join(import.meta.dirname, '../../dist/bin/stator.js')}`;
    const payload = JSON.stringify({ reason: `${nasty} \u202etxt`, body: `<script>alert(4)</script> ${nasty}` });
    const text = planText([`exec ${stator} signal emit needs_decision --payload '${payload}'`]);
    await begin('asking', text.replace('task 1', '<b onmouseover=alert(5)>x</b>'));
    await until(async () => (await client.plan('demo', 'asking')).questions.length > 0);
    const { page, complaints } = await share('demo/asking');
    await page.getByText(nasty).first().waitFor(limit);
    expect(await page.locator('img, #page script, #page b, a[href^="javascript"]').count()).toBe(0);
    expect(await page.locator('body').textContent()).not.toContain('\u202e');
    expect(complaints).toEqual([]);
  });

  it('asks nobody but its own daemon, and its policy holds', async () => {
    await whole();
    const { page, asked, complaints } = await open();
    await page.getByRole('link', { name: 'demo/whole' }).first().click();
    await turnTo(page, 'Statechart');
    await page.locator('.chart-stage svg').waitFor(limit);
    const { origin } = new URL(page.url());
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((url) => !url.startsWith(`${origin}/`))).toEqual([]);
    expect(complaints).toEqual([]);
    // What an attacker with a script on the page would try.
    const tried = await page.evaluate(`(async () => {
      const outcome = async (act) => {
        try {
          await act();
          return 'done';
        } catch (thrown) {
          return thrown.name;
        }
      };
      return {
        html: await outcome(() => document.body.insertAdjacentHTML('beforeend', '<b>x</b>')),
        script: await outcome(() => {
          const script = document.createElement('script');
          script.textContent = 'window.isRun = true';
          document.body.append(script);
        }),
        away: await outcome(() => fetch('https://example.com/')),
        other: await outcome(() => fetch('http://127.0.0.1:1/')),
        isRun: 'isRun' in window,
      };
    })()`);
    expect(tried).toEqual({
      html: 'TypeError',
      script: 'TypeError',
      away: 'TypeError',
      other: 'TypeError',
      isRun: false,
    });
    expect(complaints.length).toBeGreaterThan(0);
    await page.close();
  });

  it('keeps its way in over a reload, and lets in nobody without it', async () => {
    const { page } = await open();
    expect(page.url()).not.toContain('token');
    await page.reload();
    await page.locator('.connection.live').waitFor(limit);
    const { origin } = new URL(page.url());
    const stranger = await browser.open(origin);
    await stranger.page.getByText('stator inspect --open').waitFor(limit);
    const once = await address({ once: true });
    const first = await browser.open(once);
    await first.page.locator('.connection.live').waitFor(limit);
    const second = await browser.open(once);
    await second.page.getByText('stator inspect --open').waitFor(limit);
    for (const tab of [page, stranger.page, first.page, second.page]) await tab.close();
  });

  const statelyPages = 'https://stately.ai/**';
  // While one address is answered by the test, each request of each page goes through the process of the test.
  afterEach(() => browser.context.unroute(statelyPages));

  /** Stately's page, as far as it receives the package's messages: it reports that it is ready, and accepts them. */
  async function asStately(): Promise<void> {
    const script = `const to = self === top ? opener : parent;
      addEventListener('message', ({ data, origin }) => {
        const line = document.createElement('p');
        line.textContent = [data.type, data.name, origin, data.definition === undefined ? '' : JSON.parse(data.definition).id].join(' ');
        document.body.append(line);
      });
      to.postMessage({ type: '@statelyai.connected' }, '*');`;
    const body = `<!doctype html><title>receiver</title><body><script>${script}</script>`;
    await browser.context.route(statelyPages, (route) => route.fulfill({ contentType: 'text/html', body }));
  }

  it('the bridge page asks stately.ai nothing before its reader says so, and then hands on what the machines do', async () => {
    await asStately();
    await client.registerPlan({ project: 'demo', plan: 'shown', content: planText(['true']) });
    const { page, asked, complaints } = await browser.open(await address({ stately: true, once: true }));
    const here = page.getByRole('button', { name: 'Show it here' });
    await expect.poll(() => here.isEnabled(), limit).toBe(true);
    const { origin } = new URL(page.url());
    expect(page.url()).toBe(`${origin}/stately`);
    expect(asked.filter((url) => !url.startsWith(`${origin}/`))).toEqual([]);
    await page.evaluate(axe.source);
    expect(await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id }) => id))')).toEqual([]);

    await here.click();
    const stately = page.frameLocator('iframe');
    await stately.getByText(`@xstate.actor demo/shown ${origin} plan`).waitFor(limit);
    await client.send({ project: 'demo', plan: 'shown', type: 'cancel' });
    await stately.getByText('@xstate.event').first().waitFor(limit);
    expect(new Set(asked.map((url) => new URL(url).host))).toEqual(new Set([new URL(origin).host, 'stately.ai']));
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('the bridge page tells of a window that the browser blocked, and opens it when it may', async () => {
    await asStately();
    const { page } = await browser.open(await address({ stately: true }));
    const inWindow = page.getByRole('button', { name: 'in a window' });
    await expect.poll(() => inWindow.isEnabled(), limit).toBe(true);
    await page.evaluate('window.opens = window.open; window.open = () => null');
    await inWindow.click();
    await page.getByText('The browser has blocked the window').waitFor(limit);
    await page.evaluate('window.open = window.opens');
    const [opened] = await Promise.all([browser.context.waitForEvent('page'), inWindow.click()]);
    await opened.getByText('@xstate.actor supervisor').waitFor(limit);
    await opened.close();
    await page.close();
  });

  it('shows the end of a long name at every width, and has the whole of it for who listens', async () => {
    const long = `a-name-that-is-longer-than-${'any-'.repeat(20)}column-third-part`;
    await client.registerPlan({ project: 'demo', plan: long, content: planText(['true']) });
    const { page } = await share();
    const link = page.getByRole('cell').getByRole('link', { name: `demo/${long}`, exact: true });
    for (const width of [1_440, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await link.waitFor(limit);
      const [start, end] = await page.evaluate<[[number, number], [number, number]]>(
        `[...document.querySelectorAll('td .long-name[title$="third-part"] > span')].map((span) => [span.scrollWidth, span.clientWidth])`,
      );
      expect([width, start[0] > start[1], end[0] <= end[1]]).toEqual([width, true, true]);
    }
    await client.deletePlan('demo', long, {});
  });

  it('an axe check finds nothing, in both colours, wide and narrow', async () => {
    await whole();
    const release = { name: 'release', id: '2.0' };
    await client.startMachine({ ...release, input: { project: 'demo', version: '2.0', plans: [] } });
    const { page } = await share();
    const places = [
      ['fleet', '', page.getByRole('heading', { name: 'Plans' })],
      ['plan', 'plan/demo/whole/whole-w1-t1', page.getByRole('region', { name: 'Log' })],
      ['chart', 'plan/demo/whole/chart', lit(page, 'lifecycle.done')],
      ['changes', 'plan/demo/whole/changes', page.getByRole('group', { name: 'Changes of whole.txt' })],
      ['day', `day/${localDay(new Date())}`, page.getByRole('region', { name: /^Over the day/ })],
      ['timeline', 'plan/demo/whole/timeline', page.getByRole('img', { name: /^w1-t1: .*at work/ })],
      ['repo', 'repo/demo', page.getByRole('heading', { name: 'A new plan' })],
      ['machine', 'machine/release/2.0', page.locator('[data-state="asking"].lit')],
    ] as const;
    const problems: string[] = [];
    for (const [where, path, shown] of places) {
      await page.goto(`${new URL(page.url()).origin}/#/${path}`);
      for (const width of [1_280, 320]) {
        await page.setViewportSize({ width, height: 800 });
        await shown.waitFor(limit);
        const times = (await page.evaluate<string[]>(`(${bareTimes})()`)).map((text) => `a bare time: ${text}`);
        problems.push(...[...(await problemsOf(page)), ...times].map((each) => `${where}, ${width}: ${each}`));
      }
    }
    expect(problems).toEqual([]);
  });

  it('an axe check finds no problem in a confirmation, a refusal, a notice, an empty search or a missing page', async () => {
    await whole();
    const release = { name: 'release', id: '3.0' };
    await client.startMachine({ ...release, input: { project: 'demo', version: '3.0', plans: [] } });
    const { page } = await share();
    const go = (path: string) => page.goto(`${new URL(page.url()).origin}/#/${path}`);
    // Each begins with the end of what the one before it has left.
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
        await page.keyboard.press('Escape');
        await go('plan/demo/whole/chart');
        await page.locator('.journal [data-seq]').last().click(limit);
        await page.getByRole('button', { name: 'back to now' }).first().waitFor(limit);
      },
      async 'a comment that is written'() {
        await page.getByRole('button', { name: 'back to now' }).first().click();
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
        await page.getByRole('alert').getByRole('button').click();
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
        await page.reload();
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
    }
    expect(problems).toEqual([]);
  });

  it('a button that goes with its act leaves the focus in the part of the page where it was', async () => {
    await whole();
    const { page } = await share();
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
  });

  it('an axe check finds no problem if there is no plan and no repo yet', async () => {
    const { home, env } = ground();
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    const daemon = await startDaemon({ home, env, log: quiet });
    afterwards(() => daemon.stop());
    const answer = await callSocket(daemon.socketPath, undefined)('POST', '/v1/inspect', { body: {} });
    const { page } = await browser.open(((await answer.json()) as { url: string }).url);
    await page.locator('.connection.live').waitFor(limit);
    for (const width of [390, 1_024]) {
      await page.setViewportSize({ width, height: 844 });
      await page.locator('main h1, main .panel, main h2').first().waitFor(limit);
      expect(await problemsOf(page), String(width)).toEqual([]);
    }
    await page.close();
  });

  const register = (plan: string) =>
    client.registerPlan({ project: 'demo', plan, content: planText([{ title: 'first', sh: 'true' }]) });
  const needs = (plan: string) =>
    client.send({ project: 'demo', plan, type: 'needs_decision', payload: { reason: 'Which port?' } });

  it('has no journal of a plan that was deleted, where another one is registered under its name', async () => {
    await register('twice');
    const { page } = await share('demo/twice/chart');
    const events = page.locator('.journal .event');
    await expect.poll(() => events.count(), limit).toBeGreaterThan(0);
    const count = await events.count();
    await client.deletePlan('demo', 'twice');
    await register('twice');
    await client.send({ project: 'demo', plan: 'twice', type: 'cancel' });
    await events.getByText('cancel', { exact: true }).waitFor(limit);
    await expect.poll(() => events.count(), limit).toBeLessThanOrEqual(count + 1);
  });

  it('says why a view cannot be read, and nothing of a repo that it has not read', async () => {
    const { page } = await share();
    const { origin } = new URL(page.url());
    for (const place of ['plan/demo/%01', 'repo/%01']) {
      await page.goto(`${origin}/#/${place}`);
      await page.getByText('holds a control character').waitFor(limit);
      expect(await page.getByText('None yet').count()).toBe(0);
    }
  });

  it('says that the daemon waits and why, and goes on by itself', async () => {
    const { page } = await open();
    const store = join(made.home, 'taskstore.db');
    const files = ['', '-wal', '-shm'].map((end) => `${store}${end}`);
    for (const file of files) renameSync(file, `${file}.away`);
    await page.locator('.connection.waiting').waitFor(limit);
    await page.locator('.notice.away').getByText('the daemon waits: ').waitFor(limit);
    expect(await problemsOf(page)).toEqual([]);
    const late = await browser.open(await address());
    await late.page.locator('.notice.away').getByText('taskstore.db was deleted or replaced').waitFor(limit);
    for (const file of files) renameSync(`${file}.away`, file);
    for (const each of [page, late.page]) await each.locator('.connection.live').waitFor(limit);
    expect(await page.locator('.notice.away').count()).toBe(0);
    for (const each of [page, late.page]) await each.close();
  });

  // The clock of the browser is installed in all of its tabs.
  it('has in its title how many plans need a person, on every view and while nobody looks', async () => {
    // Those of other tests.
    for (const { project, plan, need } of await client.plans())
      if (need !== null) await client.send({ project, plan, type: 'cancel' });
    for (const plan of ['titled', 'second', 'third']) await register(plan);
    await needs('titled');
    const { page } = await open('demo/titled');
    await page.clock.install();
    await page.reload();
    const title = () => page.title();
    await expect.poll(title, limit).toBe('(1) titled · stator');
    await needs('second');
    await expect.poll(title, limit).toBe('(2) titled · stator');
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
      .toBe('(3) titled · stator');
    await page.close();
  });
});
