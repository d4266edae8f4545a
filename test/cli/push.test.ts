import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, type Terminal, working } from '../support/cli.ts';
import { untilFile } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

/** A repo whose plan `p` is done, and a bare remote beside it. */
async function done(): Promise<Terminal & { remote: string }> {
  const made = working();
  made.write('p.md', planOf(['true']));
  expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(0);
  const remote = join(made.root, 'far.git');
  git(made.root, 'init', '-q', '--bare', '-b', 'main', remote);
  return { ...made, remote };
}

describe('plan push', () => {
  it('brings the branch to the remote with the hooks of the user, says where, and does it once', async () => {
    const made = await done();
    git(made.repo, 'remote', 'add', 'origin', made.remote);
    const hook = join(made.repo, '.git/hooks/pre-push');
    writeFileSync(hook, `#!/bin/sh\ntouch ${made.root}/hook-ran\n`);
    chmodSync(hook, 0o755);
    const head = git(made.repo, 'rev-parse', 'plan/p');
    const pushed = await made.stator(['plan', 'push', 'p']);
    expect(pushed, pushed.stderr).toMatchObject({ code: 0 });
    expectProse(pushed.stdout, 'plan/p', head.slice(0, 12), 'origin', made.remote);
    expect(existsSync(join(made.root, 'hook-ran'))).toBe(true);
    expect(git(made.remote, 'rev-parse', 'plan/p')).toBe(head);
    const again = JSON.parse((await made.stator(['plan', 'push', 'p', '--json'])).stdout);
    expect(again).toEqual({
      status: 'up_to_date',
      project: 'demo',
      plan: 'p',
      branch: 'plan/p',
      head,
      remote: 'origin',
      url: made.remote,
    });
  });

  it('is refused if the repo has no remote, if none of several is named, and if the branch does not exist yet', async () => {
    const made = await done();
    const none = await made.stator(['plan', 'push', 'p']);
    expect(none).toMatchObject({ code: 1 });
    expectRefusal(none.stderr, 'plan/p', `git -C ${made.repo} remote add origin <url>`);
    git(made.repo, 'remote', 'add', 'one', made.remote);
    git(made.repo, 'remote', 'add', 'two', made.remote);
    const several = await made.stator(['plan', 'push', 'p']);
    expectRefusal(several.stderr, '--remote', 'one, two');
    expect((await made.stator(['plan', 'push', 'p', '--remote', 'two'])).code).toBe(0);
    made.write('later.md', planOf(['true']));
    await made.stator(['plan', 'register', 'later.md']);
    const early = await made.stator(['plan', 'push', 'later', '--remote', 'two']);
    expect(early).toMatchObject({ code: 1 });
    expectRefusal(early.stderr, 'plan/later');
  });

  it('overwrites nothing: a remote that has more commits, or that refuses the push, is reported with its reason, and Ctrl-C ends git and its hook', async () => {
    const made = await done();
    git(made.repo, 'remote', 'add', 'origin', made.remote);
    git(made.repo, 'push', '-q', 'origin', 'main');
    const other = join(made.root, 'other');
    git(made.root, 'clone', '-q', made.remote, other);
    git(
      other,
      '-c',
      'user.name=Bo',
      '-c',
      'user.email=bo@example.com',
      'commit',
      '-q',
      '--allow-empty',
      '-m',
      'theirs',
    );
    git(other, 'push', '-q', 'origin', 'HEAD:plan/p');
    const theirs = git(made.remote, 'rev-parse', 'plan/p');
    const behind = await made.stator(['plan', 'push', 'p']);
    expect(behind.code).toBe(1);
    expectRefusal(behind.stderr, 'origin', 'git fetch origin && git log plan/p..origin/plan/p');
    expect(git(made.remote, 'rev-parse', 'plan/p')).toBe(theirs);
    git(made.remote, 'update-ref', '-d', 'refs/heads/plan/p');
    const hook = join(made.remote, 'hooks/pre-receive');
    writeFileSync(hook, '#!/bin/sh\necho "no pushes on Friday" >&2\nexit 1\n');
    chmodSync(hook, 0o755);
    const declined = await made.stator(['plan', 'push', 'p']);
    expect(declined.code).toBe(1);
    expectRefusal(declined.stderr, 'origin', 'plan/p', '\nno pushes on Friday\n');
    const slow = join(made.repo, '.git/hooks/pre-push');
    writeFileSync(slow, `#!/bin/sh\necho began > ${made.root}/began; sleep 60\n`);
    chmodSync(slow, 0o755);
    const left = made.start(['plan', 'push', 'p']);
    await untilFile(join(made.root, 'began'));
    left.child.kill('SIGINT');
    expect((await left.ended).code).toBe(130);
    git(made.repo, 'remote', 'set-url', 'origin', 'ext::true');
    expectRefusal((await made.stator(['plan', 'push', 'p'])).stderr, "'ext' not allowed", 'git push ');
  });
});
