/** A repo with members: the files that it has from them, how a change is split, and how their branches move together or not at all. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareMerge } from '../../runtime/work/git/checkout-merge.ts';
import {
  composeMembers,
  landMembers,
  type Member,
  nextStep,
  type Place,
  type Step,
} from '../../runtime/work/git/member-landing.ts';
import { membersAt } from '../../runtime/work/git/members.ts';
import { inspectRepository, type Repository } from '../../runtime/work/git/repository.ts';
import { makeRepository, read, run, temporaryHome, write } from '../support/git.ts';

const home = temporaryHome();

interface Shop {
  readonly shop: Repository;
  readonly api: Repository;
  readonly web: Repository;
  readonly members: readonly Member[];
  compose(): ReturnType<typeof composeMembers>;
  head(repo: Repository, ref?: string): string;
  /** A commit of the plan's branch in the shop, with these files. */
  plan(...commits: Readonly<Record<string, string | null>>[]): void;
  land(): ReturnType<typeof landMembers>;
}

function save(path: string, files: Readonly<Record<string, string | null>>, message: string): void {
  for (const [name, text] of Object.entries(files))
    if (text === null) run(path, 'rm', '-rq', name);
    else write(path, name, text);
  run(path, 'add', '-A');
  run(path, 'commit', '-qm', message, '--author', 'Ann <ann@example.org>', '--date', '@1700000000 +0200');
}

async function shop(): Promise<Shop> {
  const at = async (name: string, files: Record<string, string>) => {
    const path = makeRepository(join(home.path, name), { isHostile: false });
    save(path, files, `begin ${name}`);
    return inspectRepository(path);
  };
  const api = await at('api', { 'server.txt': 'v1\n' });
  const web = await at('web', { 'page.txt': 'v1\n' });
  const composite = await at('shop', { 'notes.txt': 'of the shop\n' });
  const members = [
    { folder: 'api', repository: api, branch: 'main' },
    { folder: 'web', repository: web, branch: 'main' },
  ];
  const head = (repo: Repository, ref = 'main') => run(repo.path, 'rev-parse', ref);
  const heads = async () => members.map((member) => ({ ...member, commit: head(member.repository) }));
  const compose = () => composeMembers(composite, { into: 'main', heads });
  expect(await compose()).toMatchObject({ kind: 'composed' });
  return {
    ...{ shop: composite, api, web, members, compose, head },
    plan(...commits) {
      const { path } = composite;
      run(path, 'checkout', '-q', '-B', 'plan/one');
      for (const [at, files] of commits.entries()) save(path, files, `step ${at + 1}`);
      run(path, 'checkout', '-q', 'main');
    },
    async land() {
      const made = await prepareMerge(composite, { from: 'plan/one', into: 'main', message: 'Merge one' });
      if (made.kind !== 'new') throw new Error(`nothing to land: ${made.kind}`);
      return landMembers(composite, { ...made, into: 'main', members });
    },
  };
}

const joined = { 'api/server.txt': 'v2\n', 'web/page.txt': 'v2\n' };

describe('composing', () => {
  it('has the files of each member in its folder, beside its own, in the checkout too; and changes nothing where nothing came', async () => {
    const { shop: repo, api, web, compose, head } = await shop();
    expect(read(repo.path, 'api/server.txt')).toBe('v1\n');
    expect(read(repo.path, 'web/page.txt')).toBe('v1\n');
    expect(read(repo.path, 'notes.txt')).toBe('of the shop\n');
    expect(run(repo.path, 'status', '--porcelain')).toBe('');
    expect(await membersAt(repo, head(repo))).toEqual(new Map(Object.entries({ api: head(api), web: head(web) })));
    const before = head(repo);
    expect(await compose()).toEqual({ kind: 'composed', commit: before });
    save(api.path, { 'server.txt': 'v1.1\n' }, 'a fix');
    expect(await compose()).toMatchObject({ kind: 'composed' });
    expect(read(repo.path, 'api/server.txt')).toBe('v1.1\n');
    expect(run(repo.path, 'log', '-1', '--format=%s')).toContain(`api (main ${head(api).slice(0, 12)})`);
  });

  it('does not overwrite work that is in a folder and not in its member', async () => {
    const { shop: repo, api, compose, head } = await shop();
    save(repo.path, { 'api/server.txt': 'by hand\n' }, 'by hand');
    save(api.path, { 'other.txt': 'x\n' }, 'other');
    const before = head(repo);
    expect(await compose()).toEqual({ kind: 'own_work', folders: ['api'] });
    expect(head(repo)).toBe(before);
  });

  it('leaves changes in the checkout alone, and names their files', async () => {
    const { shop: repo, api, compose } = await shop();
    write(repo.path, 'api/server.txt', 'mine\n');
    save(api.path, { 'server.txt': 'v1.1\n' }, 'a fix');
    expect(await compose()).toEqual({ kind: 'overlap', checkout: repo.path, files: ['api/server.txt'] });
    expect(read(repo.path, 'api/server.txt')).toBe('mine\n');
  });

  it.each([
    ['.gitmodules', '[submodule "x"]\n', 'submodules'],
    ['.gitattributes', '*.bin filter=lfs diff=lfs\n', 'Git LFS'],
  ])('refuses a member with %s, which git reads at the root only', async (file, text, said) => {
    const { api, compose } = await shop();
    save(api.path, { [file]: text }, 'it');
    await expect(compose()).rejects.toMatchObject({ code: 'bad_repo', message: expect.stringContaining(said) });
  });
});

describe('landing', () => {
  it('brings each member its own part, commit by commit, and nothing of the others', async () => {
    const { shop: repo, api, web, plan, land, head, compose } = await shop();
    const begun = { api: head(api), web: head(web) };
    plan(
      { 'api/server.txt': 'v2\n' },
      { 'web/page.txt': 'v2\n', 'notes.txt': 'both are v2\n' },
      { 'web/more.txt': 'm\n' },
    );
    expect(await land()).toMatchObject({ kind: 'merged', head: head(repo) });
    const log = (of: Repository, from: string) =>
      run(of.path, 'log', '--no-merges', '--reverse', '--format=%s %an %at', `${from}..main`).split('\n');
    expect(log(api, begun.api)).toEqual(['step 1 Ann 1700000000']);
    expect(log(web, begun.web)).toEqual(['step 2 Ann 1700000000', 'step 3 Ann 1700000000']);
    expect(read(api.path, 'server.txt')).toBe('v2\n');
    expect(read(web.path, 'page.txt')).toBe('v2\n');
    for (const { path } of [api, web]) {
      expect(run(path, 'status', '--porcelain')).toBe('');
      expect(run(path, 'ls-tree', '-r', '--name-only', 'main')).not.toContain('notes.txt');
      expect(run(path, 'fsck', '--no-dangling')).toBe('');
    }
    expect(read(repo.path, 'notes.txt')).toBe('both are v2\n');
    expect(run(repo.path, 'merge-base', '--is-ancestor', 'plan/one', 'main')).toBe('');
    expect(run(repo.path, 'for-each-ref', 'refs/stator/landing')).toBe('');
    const after = head(repo);
    expect(await compose()).toEqual({ kind: 'composed', commit: after });
    expect(await land().catch(String)).toContain('nothing to land: merged');
  });

  it('leaves a member alone that the plan does not change', async () => {
    const { web, plan, land, head } = await shop();
    const before = head(web);
    plan({ 'api/server.txt': 'v2\n' });
    expect(await land()).toMatchObject({ kind: 'merged' });
    expect(head(web)).toBe(before);
  });

  it.each([
    ['has changes of its own in a checkout', 'overlap'],
    ['is in the middle of a rebase', 'busy'],
  ])('moves no branch if the second member %s', async (_what, kind) => {
    const { shop: repo, api, web, plan, land, head } = await shop();
    plan(joined);
    const before = [repo, api, web].map((each) => head(each));
    if (kind === 'overlap') write(web.path, 'page.txt', 'mine\n');
    else write(web.path, '.git/rebase-merge/head-name', 'refs/heads/main\n');
    expect(await land()).toMatchObject({ kind: 'hindered', member: { folder: 'web' }, obstacle: { kind } });
    expect([repo, api, web].map((each) => head(each))).toEqual(before);
  });

  it('begins anew where a member has moved, and lands on its new commits', async () => {
    const { web, plan, land, compose, api } = await shop();
    plan(joined);
    save(web.path, { 'other.txt': 'theirs\n' }, 'theirs');
    expect(await land()).toEqual({ kind: 'moved' });
    expect(read(api.path, 'server.txt')).toBe('v1\n');
    await compose();
    expect(await land()).toMatchObject({ kind: 'merged' });
    expect(read(web.path, 'other.txt')).toBe('theirs\n');
    expect(read(web.path, 'page.txt')).toBe('v2\n');
  });

  it('comes to a member as one commit where the plan deleted the folder and brought it back', async () => {
    const { api, plan, land, head } = await shop();
    const before = head(api);
    plan({ api: null }, { 'api/server.txt': 'v2\n' });
    expect(await land()).toMatchObject({ kind: 'merged' });
    expect(run(api.path, 'rev-list', '--count', `${before}..main`)).toBe('1');
    expect(read(api.path, 'server.txt')).toBe('v2\n');
  });

  it('refuses a plan that deletes the folder of a member', async () => {
    const { plan, land } = await shop();
    plan({ api: null });
    await expect(land()).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('folder api') });
  });

  it('takes no commit for a composition that an agent made look like one', async () => {
    const { shop: repo, api, plan, land, head } = await shop();
    const before = head(api);
    plan({ 'api/server.txt': 'v2\n' });
    run(repo.path, 'checkout', '-q', 'plan/one');
    const false_ = run(repo.path, 'rev-parse', 'plan/one');
    save(repo.path, { 'api/more.txt': 'm\n' }, `step\n\nStator-Member: api ${false_}`);
    run(repo.path, 'checkout', '-q', 'main');
    expect(await land()).toMatchObject({ kind: 'merged' });
    expect(run(api.path, 'merge-base', before, 'main')).toBe(before);
    expect(run(api.path, 'ls-tree', '--name-only', 'main').split('\n')).toEqual(expect.not.arrayContaining(['api']));
  });
});

describe('a landing that was interrupted', () => {
  /** The first branch has moved, and then the engine was killed. */
  async function interrupted(): Promise<Shop & { begun: { api: string; web: string } }> {
    const made = await shop();
    const { shop: repo, api, web, plan, head, members } = made;
    const begun = { api: head(api), web: head(web) };
    plan(joined);
    const prepared = await prepareMerge(repo, { from: 'plan/one', into: 'main', message: 'Merge one' });
    if (prepared.kind !== 'new') throw new Error(prepared.kind);
    const second = { ...web, exclusively: () => Promise.reject(new Error('killed')) } as Repository;
    const halfway = members.map((member) => (member.folder === 'web' ? { ...member, repository: second } : member));
    await expect(landMembers(repo, { ...prepared, into: 'main', members: halfway })).rejects.toThrow('killed');
    expect(head(api)).not.toBe(begun.api);
    expect(head(web)).toBe(begun.web);
    return { ...made, begun };
  }

  it('is ended by the next look at the members', async () => {
    const { shop: repo, web, compose, head, begun } = await interrupted();
    expect(await compose()).toEqual({ kind: 'composed', commit: head(repo) });
    expect(head(web)).not.toBe(begun.web);
    expect(read(web.path, 'page.txt')).toBe('v2\n');
    expect(run(repo.path, 'for-each-ref', 'refs/stator/landing')).toBe('');
  });

  it('is taken back if the second member has moved meanwhile', async () => {
    const { shop: repo, api, web, compose, head, begun } = await interrupted();
    save(web.path, { 'other.txt': 'theirs\n' }, 'theirs');
    expect(await compose()).toMatchObject({ kind: 'composed' });
    expect(head(api)).toBe(begun.api);
    expect(read(api.path, 'server.txt')).toBe('v1\n');
    expect(run(api.path, 'status', '--porcelain')).toBe('');
    expect(read(repo.path, 'web/other.txt')).toBe('theirs\n');
    expect(read(repo.path, 'api/server.txt')).toBe('v1\n');
  });

  it('is reported, with the way back, if the first one has further commits', async () => {
    const { shop: repo, api, web, compose, land, head, begun } = await interrupted();
    save(api.path, { 'later.txt': 'l\n' }, 'later');
    save(web.path, { 'other.txt': 'theirs\n' }, 'theirs');
    const told = await compose();
    if (told.kind !== 'half') throw new Error(told.kind);
    const [there, missing] = told.said.split('\n');
    expect(missing).toBe(`main of ${web.path} does not have it`);
    const back = / take it back: git -C (\S+) (revert .+)$/.exec(there ?? '') ?? [];
    expect(back[1]).toBe(api.path);
    // The next try moves the rest.
    expect(await compose()).toMatchObject({ kind: 'composed' });
    expect(await land()).toMatchObject({ kind: 'merged' });
    expect(read(web.path, 'page.txt')).toBe('v2\n');
    // The printed commands undo it.
    run(api.path, ...(back[2] ?? '').split(' '));
    expect(read(api.path, 'server.txt')).toBe('v1\n');
    expect(read(api.path, 'later.txt')).toBe('l\n');
    expect(head(repo)).not.toBe(begun.web);
  });

  it('keeps a person’s changes where it cannot be taken back', async () => {
    const { api, web, compose } = await interrupted();
    write(api.path, 'server.txt', 'mine\n');
    save(web.path, { 'other.txt': 'theirs\n' }, 'theirs');
    expect(await compose()).toMatchObject({ kind: 'half' });
    expect(read(api.path, 'server.txt')).toBe('mine\n');
  });
});

it.each<[places: Place[], isHindered: boolean, step: Step]>([
  [['before', 'before'], false, { do: 'land', move: 0 }],
  [['landed', 'before'], false, { do: 'land', move: 1 }],
  [['built_on', 'before'], false, { do: 'land', move: 1 }],
  [['landed', 'built_on'], false, { do: 'end' }],
  [[], false, { do: 'end' }],
  [['landed', 'elsewhere'], false, { do: 'take_back', move: 0 }],
  [['landed', 'landed', 'elsewhere'], false, { do: 'take_back', move: 1 }],
  [['before', 'elsewhere'], false, { do: 'give_up' }],
  [['built_on', 'elsewhere'], false, { do: 'report' }],
  [['landed', 'built_on', 'elsewhere'], false, { do: 'report' }],
  [['landed', 'before'], true, { do: 'take_back', move: 0 }],
  [['before', 'before'], true, { do: 'give_up' }],
  [['built_on', 'before'], true, { do: 'report' }],
])('with the branches %j (hindered: %s): %j', (places, isHindered, step) => {
  expect(nextStep(places, isHindered)).toEqual(step);
});
