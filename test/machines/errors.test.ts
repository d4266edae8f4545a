/** Failures of the world: their classes, their form on the wire, and the text of anything that was thrown. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import {
  EngineError,
  errorClasses,
  errorFromDocument,
  isErrorDocument,
  messageOf,
  onOneLine,
  planNotFound,
  reasonOf,
  repoNotFound,
  withHint,
} from '../../machines/vocabulary/errors.ts';
import { otherFile } from '../../machines/vocabulary/plan-file.ts';
import { firstIssueText, issueText } from '../../machines/vocabulary/schema-issue.ts';

it('trying again helps where the other side, the store or git may be better later; a fault of the environment is waited for', () => {
  const codes = Object.entries(errorClasses);
  const by = (wanted: unknown) => codes.flatMap(([code, { retry }]) => (retry === wanted ? [code] : []));
  expect(by('wait')).toEqual([
    ...['untrusted', 'unsigned', 'lost_work', 'branch_checked_out', 'disk_full', 'unreachable', 'system_limit'],
    ...['forge_unreachable', 'forge_limited', 'machine_unknown', 'effect_later'],
  ]);
  expect(by(true)).toEqual([
    ...['timed_out', 'store_locked', 'store_full', 'owner_taken', 'no_daemon', 'unavailable', 'busy', 'limit_reached'],
    ...['git_failed', 'no_answer', 'interrupted', 'internal'],
  ]);
  expect(by(false)).toHaveLength(codes.length - 11 - 12);
  for (const [code, { status, exitCode }] of codes)
    expect([code, status >= 400 && status < 600, exitCode > 0 && exitCode < 256]).toEqual([code, true, true]);
});

it('an error is the same after its way over the wire; an unknown code is an internal error', () => {
  const error = new EngineError('busy', 'too many requests', 'wait', { retryAfterMs: 500 });
  expect(error).toMatchObject({ name: 'EngineError', code: 'busy', message: 'too many requests', hint: 'wait' });
  const document = error.toJSON();
  expect(document).toEqual({ error: 'too many requests', code: 'busy', hint: 'wait', retry_after_ms: 500 });
  expect(errorFromDocument(document).toJSON()).toEqual(document);
  const plain = new EngineError('not_found', 'there is none', 'look').toJSON();
  expect(Object.keys(plain)).toEqual(['error', 'code', 'hint']);
  expect(errorFromDocument(plain).retryAfterMs).toBe(undefined);
  expect(errorFromDocument({ ...plain, code: 'from_the_future' }).code).toBe('internal');
  expect(new EngineError('internal', 'a', 'b', { cause: 'c' }).cause).toBe('c');
});

it('a document of an error has three texts', () => {
  const whole = { error: 'a', code: 'b', hint: 'c' };
  expect(isErrorDocument(whole)).toBe(true);
  for (const other of [null, undefined, 'a', 7, [], {}]) expect(isErrorDocument(other)).toBe(false);
  for (const key of Object.keys(whole)) expect([key, isErrorDocument({ ...whole, [key]: 1 })]).toEqual([key, false]);
});

it('names what was not found, with the command that helps', () => {
  expect(repoNotFound('demo')).toMatchObject({ code: 'repo_not_found', message: 'repo not registered: demo' });
  expect(repoNotFound('demo').hint).toContain('stator repo add');
  expect(repoNotFound('demo', 'it is gone').hint).toBe('it is gone');
  expect(planNotFound('demo', 'login')).toMatchObject({
    code: 'plan_not_found',
    message: 'plan not found: demo/login',
  });
  expect(planNotFound('demo', 'login').hint).toContain('stator plan list');
});

it('a second file of a name is offered one with its folder before it', () => {
  const bound = 'docs/login.md';
  expect(otherFile('login', { bound, given: 'web/login.md' })).toMatchObject({
    code: 'conflict',
    message: 'plan login is the file docs/login.md, and web/login.md is another file',
    hint: expect.stringMatching(/--name web-login$/),
  });
  expect(otherFile('login', { bound, given: 'login.md' }).hint).toMatch(/--name <plan>$/);
  expect(otherFile('login', { bound, given: '/login.md' }).hint).toMatch(/--name <plan>$/);
});

it('a reason is on one line where it must be, with semicolons between its lines, and none after a colon', () => {
  expect(withHint({ message: 'it failed', hint: 'try again' })).toBe('it failed\ntry again');
  expect(onOneLine(' a \n\n b:\n  c\nd ')).toBe('a; b: c; d');
  expect(reasonOf(new EngineError('busy', 'a', 'b'))).toBe('a\nb');
  expect(reasonOf(new Error('a', { cause: new Error('b') }))).toBe('a: b');
});

it('the text of what was thrown has its causes, and each text once', () => {
  const nested = (depth: number): Error => new Error(`e${depth}.`, depth === 0 ? {} : { cause: nested(depth - 1) });
  expect(messageOf(nested(2))).toBe('e2.: e1.: e0.');
  expect(messageOf(nested(30)).split(': ')).toHaveLength(10);
  expect(messageOf(new Error('cannot read a: no such file', { cause: new Error('no such file') }))).toBe(
    'cannot read a: no such file',
  );
  expect(messageOf(new Error('a', { cause: 'no space' }))).toBe('a: no space');
  expect(messageOf(new AggregateError([new Error('no ::1'), new Error('no 127.0.0.1')]))).toBe(
    'no ::1 and no 127.0.0.1',
  );
  expect(messageOf({ message: 'of another realm' })).toBe('of another realm');
  expect(messageOf({ message: 7 })).toBe('{"message":7}');
  expect(
    messageOf({
      get message() {
        throw new Error('no');
      },
    }),
  ).toBe('[object Object]');
  expect([messageOf('text'), messageOf(undefined), messageOf(null), messageOf(7)]).toEqual([
    'text',
    'undefined',
    'null',
    '7',
  ]);
  expect(messageOf({ a: 'x'.repeat(492) })).toBe(`{"a":"${'x'.repeat(492)}"}`);
  expect(messageOf({ a: 'x'.repeat(600) })).toBe(`{"a":"${'x'.repeat(494)}…`);
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  expect(messageOf(circle)).toBe('[object Object]');
});

it.each<[string, z.ZodType, unknown]>([
  ['it must be a text', z.string(), 7],
  ['it must be a number', z.number(), 'a'],
  ['it must be a whole number', z.int(), 1.5],
  ['it must be true or false', z.boolean(), 'a'],
  ['it must be an object', z.strictObject({}), 'a'],
  ['it must be an object', z.record(z.string(), z.string()), 'a'],
  ['it must be a list', z.array(z.string()), 'a'],
  ['it must be null', z.null(), 'a'],
  ['it must be date', z.date(), 'a'],
  ['it must be one of done, failed', z.enum(['done', 'failed']), 'a'],
  ['it must be done', z.literal('done'), 'a'],
  ['it must have at most 2 characters', z.string().max(2), 'abc'],
  ['it must have at least 1 entries', z.array(z.string()).min(1), []],
  ['it must have at least 1 entries', z.set(z.string()).min(1), new Set()],
  ['it must be at most 2', z.number().max(2), 3],
  ['it must be at least 2', z.number().min(2), 1],
  ['it has unknown keys: a, b', z.strictObject({}), { a: 1, b: 2 }],
  ['it has none of the accepted forms', z.union([z.string(), z.number()]), true],
  ['it is no address such as https://example.com', z.url(), 'a'],
  ['it is no time such as 2026-05-01T12:00:00Z', z.iso.datetime(), 'a'],
  ['it is no uuid', z.uuid(), 'a'],
  ['it is no e-mail address', z.email(), 'a'],
  ['it is no text of the accepted form', z.ipv4(), 'a'],
  ['it must be a multiple of 5', z.number().multipleOf(5), 7],
  ['ab has a key that is not accepted', z.record(z.string().max(1), z.string()), { ab: '' }],
  ['it has an entry that is not accepted', z.map(z.object({}), z.string()), new Map([[{}, 1]])],
  ['a.0 must be a text', z.strictObject({ a: z.array(z.string()) }), { a: [7] }],
  ['it is not there', z.string().refine(() => false, { error: 'is not there' }), 'a'],
  ['it is not accepted', z.string().refine(() => false), 'a'],
])('of a value that its schema does not take: %s', (text, schema, value) => {
  const { error } = schema.safeParse(value);
  if (error === undefined) throw new Error('it was taken');
  expect(firstIssueText(error)).toBe(text);
});

it('an issue without a place is about the whole, which has a name', () => {
  expect(firstIssueText({ issues: [] })).toBe('it is not accepted');
  expect(firstIssueText({ issues: [] }, 'the answer')).toBe('the answer is not accepted');
  const { error } = z.string().safeParse(7);
  expect(error && firstIssueText(error, 'the answer')).toBe('the answer must be a text');
  expect(error?.issues.map(issueText)).toEqual(['must be a text']);
});
