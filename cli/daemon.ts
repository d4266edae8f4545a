/** `stator daemon`: the engine as a background process. */

import { resolve } from 'node:path';
import { EngineError, errorClasses } from '../machines/vocabulary/errors.ts';
import { uptimeText, withLocalTimes } from '../machines/vocabulary/time-text.ts';
import type { RepoEntry, StatusAnswer } from '../runtime/api/client/client.ts';
import { loadDaemonConfig } from '../runtime/base/config/config.ts';
import { isThisStator } from '../runtime/base/platform/version.ts';
import { accountLines } from './account-text.ts';
import { defineVerb, type Verbs } from './command.ts';
import { ownerHere, requireDaemon, requireEngine } from './daemon/presence.ts';
import { announceRestart, restartIsOver } from './daemon/restarting.ts';
import { startAndPrint } from './daemon/start.ts';
import { stopDaemon } from './daemon/stopping.ts';
import { forgeLines } from './forge-text.ts';
import { differenceText } from './other-version.ts';
import { addRepo, printAdded, printRemoved } from './registered.ts';
import { namedRepo } from './repo/which.ts';
import { removeArgs } from './repo.ts';
import { padded, plain, plainLines, widthOf } from './text.ts';
import { trustArg, trustOf } from './trust/flag.ts';

const stop = defineVerb({
  summary: 'Stop the daemon. Agents keep running, and the next engine adopts them.',
  args: { agents: { type: 'boolean', description: 'also stop the agents; this costs no attempt' } },
  examples: ['stator daemon stop', 'stator daemon stop --agents'],
  async run({ agents = false }, call) {
    const { out } = call;
    const { pid } = await stopDaemon(call, agents ? 'stop' : 'leave');
    const left = agents ? 'stopped' : 'left';
    out.done(
      { status: 'stopped', pid, agents: left },
      `daemon stopped (pid ${pid})${agents ? ', and its agents' : '; agents that run go on'}`,
    );
  },
});

const restart = defineVerb({
  summary: 'Restart the daemon, or start it if none runs. Agents keep running.',
  args: { config: { type: 'string', valueHint: 'file', description: 'use another daemon.toml' } },
  examples: ['stator daemon restart'],
  async run({ config }, call) {
    const { home, owner } = ownerHere(call.env);
    const named = config ?? owner?.config ?? undefined;
    // A running daemon is not stopped if its configuration is broken: no daemon could start then.
    loadDaemonConfig(home, named === undefined ? undefined : resolve(call.cwd, named));
    if (owner !== null) announceRestart(home);
    try {
      const before = await stopDaemon(call, 'leave').catch((thrown: unknown) => {
        if (thrown instanceof EngineError && thrown.code === 'no_daemon') return null;
        throw thrown;
      });
      if (before === null) call.out.note('no daemon was running');
      else announceRestart(home);
      return await startAndPrint(call, config ?? before?.config ?? undefined);
    } finally {
      restartIsOver(home);
    }
  },
});

const status = defineVerb({
  summary: 'Show whether the daemon runs, for how long, and the state of its repos.',
  args: {},
  examples: ['stator daemon status', 'stator daemon status --json'],
  more: 'Exit code 69: no daemon runs.',
  async run(_args, call) {
    const { client, owner } = await requireDaemon(call);
    const status = await client.status();
    call.out.answer(status, () => [
      ...statusLines(status),
      ...(isThisStator(owner) ? [] : [`note: the daemon is ${differenceText(owner)}: stator daemon restart`]),
    ]);
  },
});

function statusLines({ uptime, repos, waiting, problems, notes, warnings, forges, accounts }: StatusAnswer): string[] {
  return [
    `daemon running (uptime: ${uptimeText(uptime)})`,
    ...(waiting === null ? [`repos (${repos.length}):`, ...repoLines(repos)] : [`waiting: ${plain(waiting)}`]),
    ...problems.map((problem) => `problem: ${plainLines(problem)}`),
    ...notes.map((note) => `note: ${plainLines(note)}`),
    ...forgeLines(forges, Date.now()).map(({ text }) => text),
    ...accountLines(accounts, Date.now()),
    ...warnings.map((warning) => `warning: ${plainLines(withLocalTimes(warning, Date.now()))}`),
  ];
}

function repoLines(repos: readonly RepoEntry[]): string[] {
  const width = (text: (repo: RepoEntry) => string) => Math.max(0, ...repos.map((repo) => widthOf(plain(text(repo)))));
  const [names, paths, counts] = [
    width(({ project }) => project),
    width(({ path }) => path),
    width(({ active_plans: active }) => `active: ${active}`),
  ];
  return repos.map(({ project, path, active_plans: active, state, reason }) => {
    const stateText =
      state === 'active' || state === 'registered'
        ? ''
        : reason === null
          ? state
          : `${state}: ${plain(withLocalTimes(reason, Date.now()))}`;
    const cells = [
      padded(plain(project), names),
      padded(plain(path), paths),
      padded(`active: ${active}`, counts),
      stateText,
    ];
    return `  ${cells.join('  ')}`.trimEnd();
  });
}

const add = defineVerb({
  summary: 'Register a repo with the running daemon. It is active at once, and remembered.',
  args: {
    path: { type: 'positional', description: 'a folder inside of it; a worktree means its main repository' },
    trust: trustArg,
  },
  examples: ['stator repo add ~/code/my-lib'],
  more: 'Without a daemon: stator repo add <path>.',
  async run({ path, trust: given }, call) {
    const { client } = await requireEngine(call);
    const folder = resolve(call.cwd, path);
    const added = await addRepo(call, client, {
      path: folder,
      trust: trustOf(given),
      way: 'daemon add',
      mustBeNew: true,
    });
    printAdded(call, added);
  },
});

const remove = defineVerb({
  summary: 'Unregister a repo. Its plans are kept, and adding it again brings them back.',
  args: removeArgs,
  examples: ['stator repo remove my-lib', 'stator repo remove . --stop'],
  async run({ repo, stop = false }, call) {
    const { client } = await requireEngine(call);
    printRemoved(call, await client.removeRepo({ project: namedRepo(call, repo), stop }));
  },
});

const reload = defineVerb({
  summary: "Read daemon.toml and the repos' configurations again, and apply them.",
  args: {},
  examples: ['stator daemon reload'],
  more: 'Configuration with a mistake, or that would start untrusted programs, is not applied and is listed: exit code 78 after a mistake, otherwise 1.',
  async run(_args, call) {
    const { out } = call;
    const { client } = await requireEngine(call);
    const answer = await client.reload();
    const { problems } = answer;
    out.done(answer, problems.length === 0 ? 'reloaded' : 'reloaded, but for:');
    for (const problem of problems) out.warn(plainLines(problem));
    return problems.length === 0 ? 0 : answer.is_mistaken ? errorClasses.bad_config.exitCode : 1;
  },
});

export default { stop, restart, status, add, remove, reload } satisfies Verbs;
