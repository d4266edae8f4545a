/** The names of tasks and agents, and the meaning of a status: each is defined once. */
import { expect, it } from 'vitest';
import { instanceTitle, isTitleIn, roles, taskNamed, taskOfTitle } from '../../machines/vocabulary/ids.ts';
import { isOver, isUnderWay, planStatuses, statusIn } from '../../machines/vocabulary/plan-status.ts';
import { isTaskOpen, taskStatuses } from '../../machines/vocabulary/public-state.ts';

it.each([
  ['w1-t2', { wave: 1, task: 2 }],
  ['w12-t30', { wave: 12, task: 30 }],
  ['w1', null],
  ['w1-t', null],
  ['W1-t2', null],
  ['x-w1-t2', null],
  ['w1-t2-', null],
  ['w1-t2x', null],
  ['', null],
])('reads the task that is called %s', (word, place) => {
  expect(taskNamed(word)).toEqual(place);
});

it.each([
  ['login', 'login-w1-t2', { wave: 1, task: 2 }],
  ['login', 'login-x-w1-t2', null],
  ['login', 'loginw1-t2', null],
  ['login', 'other-w1-t2', null],
  ['login', 'login-coder', null],
  ['login-w1-t2', 'login-w1-t2-w3-t4', { wave: 3, task: 4 }],
])('finds in plan %s the task of %s', (plan, title, place) => {
  expect(taskOfTitle(plan, title)).toEqual(place);
});

it('knows the titles that it makes, and no others', () => {
  const at = { plan: 'login', round: 2 };
  for (const role of roles) {
    expect(isTitleIn('login', instanceTitle({ ...at, role, wave: 1, task: 2 }))).toBe(true);
    expect(isTitleIn('login', instanceTitle({ ...at, role, wave: null, task: null }))).toBe(true);
  }
  expect(isTitleIn('login', 'login-review-12')).toBe(true);
  const others = ['login-my-coder', 'login-coder-2', 'login-xplan', 'login-review-1x', 'coder', 'other-plan'];
  for (const title of ['login', 'login-', 'login-review', 'login-x', 'other-coder', 'login-w1-t2x', ...others])
    expect(isTitleIn('login', title)).toBe(false);
});

it('says of each status whether the plan is over or under way', () => {
  expect(planStatuses.filter(isOver)).toEqual(['done', 'cancelled']);
  expect(planStatuses.filter(isUnderWay)).toEqual(['planning', 'implementing', 'reviewing', 'verifying']);
  expect(taskStatuses.filter((status) => !isTaskOpen(status))).toEqual(['pending', 'done', 'cancelled']);
  expect(statusIn(['paused', 'status:reviewing', 'phase:reviewing'])).toBe('reviewing');
  expect(statusIn(new Set(['paused']))).toBe(null);
});
