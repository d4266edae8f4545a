/** Addresses of trees, names of plans and machines, and what is made of them: keys, folders, branches and titles. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  childOfRequest,
  childPath,
  draftBranch,
  draftChild,
  draftNumber,
  effectKey,
  hashOf,
  idOf,
  instanceTitle,
  isJudge,
  isMachineName,
  isPlanName,
  isTreeId,
  isWorker,
  landingTree,
  machineTree,
  parseTree,
  pathOfRequest,
  personName,
  placeOf,
  planBranch,
  planNameOf,
  planTree,
  repoTree,
  requestId,
  resultKey,
  roles,
  runName,
  supervisorTree,
  type TreeAddress,
  taskBranch,
  taskIn,
  withoutTask,
  worktreeName,
} from '../../machines/vocabulary/ids.ts';

describe('the address of a tree', () => {
  it.each<[TreeAddress, object, object]>([
    [supervisorTree, { kind: 'supervisor' }, { project: '', plan: '' }],
    [repoTree('demo'), { kind: 'repo', project: 'demo' }, { project: 'demo', plan: '' }],
    [repoTree('my:repo'), { kind: 'repo', project: 'my:repo' }, { project: 'my:repo', plan: '' }],
    [planTree('demo', 'login'), { kind: 'plan', project: 'demo', plan: 'login' }, { project: 'demo', plan: 'login' }],
    [
      landingTree('demo', 'release/1.x/web'),
      { kind: 'landing', project: 'demo', branch: 'release/1.x/web' },
      { project: 'demo', plan: '' },
    ],
    [machineTree('release', '1.2'), { kind: 'machine', machine: 'release', id: '1.2' }, { project: '', plan: '' }],
  ])('%s is read as it was written', (address, parsed, place) => {
    expect([parseTree(address), placeOf(address)]).toEqual([parsed, place]);
  });

  it('of a branch has no slash but the one behind its project', () => {
    expect(landingTree('demo', 'a/b/c')).toBe('landing:demo/a:b:c');
    expect(machineTree('release', '1.2')).toBe('release:1.2');
  });

  it.each([
    '',
    'plan',
    'plan:',
    'plan:/login',
    'plan:demo',
    'landing:/main',
    'landing:demo',
    ':1',
    'release:',
    'wave:1',
  ])('the text “%s” is not an address', (address) => {
    expect(() => parseTree(address)).toThrow(`no tree has the address "${address}"`);
  });

  it('has a machine and an id of letters and digits, which no built-in machine has', () => {
    for (const name of ['a', 'release', 'web-2', 'x'.repeat(64)])
      expect([name, isMachineName(name)]).toEqual([name, true]);
    const built = ['supervisor', 'repo', 'plan', 'landing', 'wave', 'task', 'agent'];
    for (const name of [...built, '', 'A', '2b', '-a', 'a_b', 'a b', 'x'.repeat(65)])
      expect([name, isMachineName(name)]).toEqual([name, false]);
    for (const id of ['1', 'A', '1.2', 'a_b-c', 'x'.repeat(128)]) expect([id, isTreeId(id)]).toEqual([id, true]);
    for (const id of ['', '.a', '-a', '_a', 'a b', 'a/b', 'x'.repeat(129)])
      expect([id, isTreeId(id)]).toEqual([id, false]);
  });
});

describe('the name of a plan', () => {
  it('is one that git takes as the last part of a branch', () => {
    for (const name of ['a', '1', 'login', 'a.b_c-d', 'x'.repeat(128)])
      expect([name, isPlanName(name)]).toEqual([name, true]);
    const wrong = ['', 'A', '-a', '.a', '_a', 'a b', 'a/b', 'a..b', 'a.', 'a.lock', 'é', 'x'.repeat(129)];
    for (const name of wrong) expect([name, isPlanName(name)]).toEqual([name, false]);
  });

  it.each([
    ['docs/plans/Login.md', 'login'],
    ['Login.MARKDOWN', 'login'],
    ['login.md.txt', 'login.md.txt'],
    ['md', 'md'],
    ['Plän-Ü', 'plaen-ue'],
    ['ÄÖÜß æœø þðđł', 'aeoeuess-aeoeoe-thddl'],
    ['café crème', 'cafe-creme'],
    ['The  big, plan!', 'the-big-plan'],
    ['a...b', 'a.b'],
    ['..a', 'a'],
    ['--_a-.', 'a'],
    ['a.lock.lock', 'a'],
    ['a.lock.', 'a'],
    ['a.lock-.lock', 'a'],
    ['数据', null],
    ['...', null],
    ['', null],
    ['x'.repeat(200), 'x'.repeat(128)],
  ])('for %j is %j', (written, name) => {
    expect(planNameOf(written)).toBe(name);
  });

  it('of any text is a valid name, whose own name is the same', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const name = planNameOf(text);
        if (name === null) return;
        expect(isPlanName(name)).toBe(true);
        if (!name.endsWith('.md') && !name.endsWith('.markdown')) expect(planNameOf(name)).toBe(name);
      }),
    );
  });
});

describe('a request of an actor', () => {
  it('is named by its path and a number, and leads back to the actor', () => {
    expect([childPath('', 'wave-1.1'), childPath('wave-1.1', 'task-2.1')]).toEqual(['wave-1.1', 'wave-1.1/task-2.1']);
    const id = requestId('wave-1.1/task-2.1/agent', 3);
    expect(id).toBe('wave-1.1/task-2.1/agent#3');
    expect(pathOfRequest(id)).toBe('wave-1.1/task-2.1/agent');
    expect(childOfRequest('', id)).toBe('wave-1.1');
    expect(childOfRequest('wave-1.1', id)).toBe('task-2.1');
    expect(childOfRequest('wave-1.1/task-2.1', id)).toBe('agent');
    expect(childOfRequest('wave-1.1/task-2.1/agent', id)).toBe('');
  });

  it('has a key in the outbox, and one for its only result', () => {
    expect(effectKey(planTree('demo', 'login'), 'a#1')).toBe('plan:demo/login/a#1');
    expect(resultKey('plan:demo/login/a#1')).toBe('plan:demo/login/a#1:done');
    expect(idOf('#1')).toBe('#1');
    expect(() => idOf(null)).toThrow('a machine asked for something before it gave it an id');
  });
});

describe('the name of a run', () => {
  it('has its plan, its path and its project, and is as long as a folder may be', () => {
    expect(runName('demo', 'login', 'wave-1.1/task-2.1/agent#3')).toBe('login#wave-1.1#task-2.1#agent#3#demo');
    const long = runName('demo', 'x'.repeat(128), `${'y'.repeat(60)}#1`);
    expect(long).toHaveLength(190);
    expect(long).toMatch(/^x{128}#y+-[0-9a-f]{8}$/);
    const most = runName('demo', 'x'.repeat(128), `${'y'.repeat(54)}#1`);
    expect(most).toHaveLength(190);
    expect(most).toMatch(/#demo$/);
  });

  it('has a hash where a letter of the project is no letter of a folder, or its end would be an extension', () => {
    expect(runName('my repo', 'a', 'b#1')).toMatch(/^a#b#1#my-repo-[0-9a-f]{8}$/);
    expect(runName('web.lock', 'a.b', 'c#1')).toMatch(/^a\.b#c#1#web-lock-[0-9a-f]{8}$/);
    expect(runName('my repo', 'a', 'b#1')).not.toBe(runName('my_repo', 'a', 'b#1'));
  });

  it('has a hash by FNV-1a', () => {
    expect([hashOf(''), hashOf('a'), hashOf('foobar')]).toEqual(['811c9dc5', 'e40c292c', 'bf9cf968']);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(hashOf(text)).toMatch(/^[0-9a-f]{8}$/);
      }),
    );
  });
});

describe('the title of an agent', () => {
  const at = { plan: 'login', round: 2, wave: null, task: null };
  it.each([
    ['planner', 'login-plan'],
    ['architect', 'login-architect'],
    ['coder', 'login-coder'],
    ['session', 'login-session'],
    ['reviewer', 'login-review-2'],
    ['fixer', 'login-fix-2'],
    ['verifier', 'login-verify-2'],
  ] as const)('of a %s is %s', (role, title) => {
    expect(instanceTitle({ ...at, role })).toBe(title);
  });

  it('of a coder with a task has the task, which is found in it', () => {
    const title = instanceTitle({ ...at, role: 'coder', wave: 1, task: 12 });
    expect(title).toBe('login-w1-t12');
    expect(instanceTitle({ ...at, role: 'coder', wave: 1, task: null })).toBe('login-coder');
    expect(instanceTitle({ ...at, role: 'coder', wave: null, task: 1 })).toBe('login-coder');
    expect([taskIn(title), taskIn('login'), taskIn('w1-t2')]).toEqual([{ wave: 1, task: 12 }, null, null]);
    expect([withoutTask('plan/login-w1-t12'), withoutTask('plan/login')]).toEqual(['plan/login', 'plan/login']);
  });
});

it('branches lie beside the branch of their plan, and a worktree has the name of its branch', () => {
  expect(planBranch('login')).toBe('plan/login');
  expect(taskBranch('plan/login', 1, 12)).toBe('plan/login-w1-t12');
  expect(draftBranch('plan/login', 2)).toBe('plan/login-draft-2');
  expect(worktreeName('plan/web/login')).toBe('plan-web-login');
});

it('the number of a draft is in the path of its planner', () => {
  expect(draftChild(2, 13)).toBe('draft-2.13');
  expect([draftNumber('draft-12.3/agent#1'), draftNumber('wave-1.1/draft-2.1'), draftNumber('draft-x.1')]).toEqual([
    12,
    null,
    null,
  ]);
});

it('the name of a person is the text after person:', () => {
  expect([personName('person:anna@slack'), personName('person:two\nlines')]).toEqual(['anna@slack', 'two\nlines']);
  expect([personName('person'), personName('agent:person:x'), personName('person:')]).toEqual([null, null, '']);
});

it('workers change files, judges look at them, and all others do neither', () => {
  expect(roles.filter(isWorker)).toEqual(['coder', 'fixer', 'session']);
  expect(roles.filter(isJudge)).toEqual(['reviewer', 'verifier']);
});
