/** The names that are not listed, those from kasmos and kugetsu for example: each of them is played, and does what the verb does that it names. */
import { expect, it } from 'vitest';
import { otherNameRows, topUsage } from '../../cli/commands.ts';
import { planOf, terminal } from '../support/cli.ts';
import { git, until } from '../support/ground.ts';

const agents =
  '[agents.default]\npreset = "sh"\nattempts = 1\n[agents.reviewer]\nenabled = false\n[agents.planner]\nenabled = false\n';
const issue = (number: number) => `git.example.test/acme/shop#${number}`;
const work = 'do it\n\n```sh\necho a > a.txt\n```';

it('every other name, those from kasmos and kugetsu too, does its work, and no notice is printed', async () => {
  const made = terminal();
  made.write('.stator/config.toml', agents);
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'agents');
  git(made.repo, 'remote', 'add', 'origin', 'https://git.example.test/acme/shop.git');
  const left = new Set(otherNameRows().map(([name]) => name));
  const play = async (name: string, ...rest: string[]) => {
    expect(left.has(name) || otherNameRows().some(([known]) => known === name)).toBe(true);
    left.delete(name);
    const { code, stdout, stderr } = await made.stator([...name.split(' '), ...rest]);
    expect(stderr).not.toContain('deprecated');
    return { name, code, stdout, stderr };
  };
  const works = async (name: string, ...rest: string[]) => {
    const played = await play(name, ...rest);
    expect(played).toMatchObject({ name, code: 0 });
    return played.stdout;
  };
  const entries = async (...words: string[]) => JSON.parse((await made.stator([...words, '--json'])).stdout);
  await works('queue-daemon start');
  try {
    await works('queue-daemon status');
    await works('queue-daemon logs');
    await works('queue-daemon restart');
    await works('daemon add', made.repo, '--trust');
    await works('daemon remove', 'demo');
    await works('daemon add', made.repo, '--trust');
    expect(await entries('repo', 'list')).toHaveLength(1);

    await works('start', issue(1), work);
    const sessions = async () => (await entries('issue', 'list')) as { reference: string | null; status: string }[];
    await until(async () => (await sessions()).some(({ status }) => status === 'done'));
    expect(await works('list')).toBe((await made.stator(['issue', 'list'])).stdout);
    await works('continue', issue(1), work);
    expect(await works('context', issue(1))).toContain('do it');
    const pull = [issue(1), 'https://git.example.test/acme/shop/pulls/3'];
    expect(await play('set-pr', ...pull)).toEqual({
      name: 'set-pr',
      ...(await made.stator(['issue', 'set-pr', ...pull])),
    });
    await until(async () => (await sessions()).every(({ status }) => status === 'done'));
    await works('destroy', issue(1), '-y', '--force');
    expect(await sessions()).toEqual([]);

    await made.stator(['queue', 'pause']);
    await works('queue enqueue', issue(2), work);
    await works('delegate', work);
    expect(await sessions()).toHaveLength(2);
    await works('queue dequeue', issue(2), '-y', '--force');
    expect((await sessions()).map(({ reference }) => reference)).toEqual([null]);
    await made.stator(['queue', 'resume']);
    await works('prune', '--force');
    await works('logs', '3');

    const status = async (plan: string) => (await entries('plan', 'show', plan)).status;
    await works('plan create', 'p', '--content', planOf(['echo line']));
    expect(await status('p')).toBe('ready');
    await works('plan transition', 'p', 'cancel');
    await works('plan set-status', 'p', 'planned', '--force', '--yes');
    await works('plan resolve', 'p');
    await works('plan implement', 'p', '--yes');
    await until(async () => (await status('p')) === 'done');
    await works('plan start-over', 'p', '--yes');
    await made.stator(['plan', 'cancel', 'p', '--yes']);
    await until(async () => (await status('p')) === 'cancelled');
    await works('plan reopen', 'p', '--plan-only', '--yes');
    expect(await status('p')).not.toBe('cancelled');
    for (const step of ['retry-wave', 'advance-wave'])
      expect(await play(`plan ${step}`, 'p')).toEqual({
        name: `plan ${step}`,
        ...(await made.stator(['plan', 'advance', 'p', step])),
      });
    expect(await works('trust list')).toBe((await made.stator(['repo', 'trust', '--list'])).stdout);
    expect(await works('trust show', 'demo')).toBe((await made.stator(['repo', 'trust', 'demo', '--show'])).stdout);
    const runs = (await entries('agent', 'list', '--all')) as { title: string; plan: string | null }[];
    const title = runs.find(({ plan }) => plan === 'p')?.title ?? '';
    expect(title).toMatch(/^p-/);
    const rest: Record<string, string[]> = { list: [], send: [title, 'hello'], allow: [], deny: [] };
    for (const [name] of otherNameRows().filter(([each]) => each.startsWith('instance '))) {
      const verb = name.slice('instance '.length).replace('capture', 'logs');
      const words = rest[verb] ?? [title];
      const { code, stdout, stderr } = await play(name, ...words);
      expect({ name, code, stdout, stderr: stderr.replaceAll('stator instance', 'stator agent') }).toEqual({
        name,
        ...(await made.stator(['agent', verb, ...words, ...(name.endsWith('capture') ? ['--tail'] : [])])),
      });
    }
    expect(await works('agent capture', title)).toBe((await made.stator(['agent', 'logs', title, '--tail'])).stdout);
    await works('trust revoke', 'demo');
    expect((await made.stator(['trust', 'show', 'demo'])).stdout).toContain('state    revoked');
  } finally {
    await works('queue-daemon stop');
  }
  expect([...left]).toEqual([]);
});

it('other names are listed in `help --all` below the verbs, and in no other list', () => {
  const all = topUsage('1', { all: true });
  const [own = '', others = ''] = all.split('other names, also those from kasmos and kugetsu');
  for (const word of ['queue-daemon …', 'instance …', 'delegate', 'logs', 'plan transition', 'start, continue, list'])
    expect([word, own.includes(`\n  ${word}`), others.includes(word)]).toEqual([word, false, true]);
  expect(topUsage('1')).not.toContain('kasmos');
  expect(all.split('\n').filter((line) => line.length > 80)).toEqual([]);
});
