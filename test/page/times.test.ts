/** Times on the page: the distance from now, with the exact time as a tooltip, and no other form. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { boardView } from '../../page/board-view.ts';
import { exactTime, type TimeForm, timesIn, timeText } from '../../page/elements.ts';

const nowMs = new Date(2026, 10, 27, 14, 0, 0).getTime();
const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const iso = (ms: number) => new Date(nowMs + ms).toISOString();

it.each<[form: TimeForm, ms: number, text: string]>([
  ['ago', -5 * second, 'just now'],
  ['ago', -3 * minute, '3m ago'],
  ['ago', -2 * hour - 5 * minute, '2h ago'],
  ['in', 40 * second, 'in 40s'],
  ['in', 2 * hour, 'in 2h'],
  ['for', -3 * day, 'for 3d'],
  ['for', 0, 'for <1m'],
  ['another', 90 * minute, 'for another 1h'],
  ['another', -minute, 'for another 0s'],
])('%s, %i ms from now: %s', (form, ms, text) => {
  expect(timeText(iso(ms), nowMs, form)).toBe(text);
});

it('a sentence of the engine has its times in that form, each with the exact one', () => {
  const parts = timesIn(`off since ${iso(-hour)}; tries again at ${iso(2 * minute)}, until ${iso(day)}.`, nowMs);
  const shown = parts.map((part) => (typeof part === 'string' ? part : (part as { props: object }).props));
  expect(shown).toMatchObject([
    'off ',
    { datetime: iso(-hour), title: exactTime(iso(-hour)), children: 'for 1h' },
    '; tries again ',
    { children: 'in 2m' },
    ', ',
    { children: 'for another 1d' },
    '.',
  ]);
  expect(exactTime(iso(0))).toBe('2026-11-27 14:00:00');
  expect(timesIn('no time here', nowMs)).toEqual(['no time here']);
});

it('a task is drawn again only when its card changes: a plan may have thousands', () => {
  const task = (number: number, why: string | null) => ({
    ...{ number, title: 'first', status: 'failed', attempts: 1, reason: null, why, branch: '' },
    usage: { cost_usd: null },
  });
  const tasks = [task(1, null), task(2, `tries again at ${iso(hour)}`)];
  const plan = {
    plan: 'p',
    tasks: 2,
    tasks_done: 0,
    questions: [],
    tasks_by_wave: [{ number: 1, status: 'pending', tasks }],
  };
  const model = { at: null, agents: [], chosen: null, plan };
  const actions = { choose() {} };
  /** What the card of each task is drawn by. */
  const statesAt = (ms: number) => {
    const found: string[] = [];
    const look = (drawn: unknown): void => {
      if (Array.isArray(drawn)) drawn.forEach(look);
      else if (typeof drawn === 'object' && drawn !== null && 'props' in drawn) {
        const { state, children } = drawn.props as { state?: string; children?: unknown };
        if (state !== undefined) found.push(state);
        look(children);
      }
    };
    look(boardView(plan as never, model as never, actions as never, ms));
    return found;
  };
  const [first, second, ...others] = statesAt(nowMs);
  expect([statesAt(nowMs + 1_000)[0], others]).toEqual([first, []]);
  expect(statesAt(nowMs + 1_000)[1]).not.toBe(second);
});

it('no other file of the page makes a text of a time: it may have lengths, days, and what is shown on hover', () => {
  const folder = join(import.meta.dirname, '../../page');
  const others = readdirSync(folder).filter((file) => file.endsWith('.ts') && file !== 'elements.ts');
  // The ticks of an axis are clocks.
  const allowed: Readonly<Record<string, RegExp>> = { 'time-scale.ts': /^(?:clockTime|localDay)$/ };
  const wrong = others.flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const [, imported = ''] = /import \{([^}]+)\} from '[^']*time-text\.ts'/.exec(text) ?? [];
    const names = imported.split(',').map((name) => name.trim());
    const may = allowed[file] ?? /^(?:duration|rangeText|localDay|withLocalTimes)$/;
    const bare = names.filter((name) => name !== '' && !may.test(name));
    // On hover alone.
    const drawn = text.replace(/title: [^\n]*withLocalTimes/g, '').replace(imported, '');
    return [...bare, ...(/toLocale\w*|getHours|withLocalTimes\(/g.exec(drawn) ?? [])].map((name) => `${file}: ${name}`);
  });
  expect(wrong).toEqual([]);
});
