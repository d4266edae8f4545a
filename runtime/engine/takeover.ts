/**
 * Takes over the repos that were moved to this host, and those of lost hosts. A lost host's repo goes to the host that has a clone of it, otherwise to the host
 * with the least work. All hosts compute the same order of hosts, so none asks another; each waits ten seconds for every host before it, and the store lets one
 * of them have the repo.
 */
import { existsSync } from 'node:fs';
import { EngineError, withHint } from '../../machines/vocabulary/errors.ts';
import { createServiceLoop, type PollLoop } from '../base/platform/poll-loop.ts';
import { textDigest } from '../base/platform/text-digest.ts';
import type { HostRow, Hosts, LostRepo } from '../core/store/port.ts';
import { ensureClone, isSameAddress, sharedAddress } from '../work/git/clone.ts';
import { canTake, hostsInLine, type Loads, loadsOf } from '../work/repos/host-choice.ts';
import type { Parts } from './composition.ts';

const lookMs = 2_500;
/** After a failure of the store, its hosts have this time to come back before one of them counts as lost. */
const steadyMs = 12_000;
/** How long each host waits for every host that comes before it. */
const turnMs = 10_000;
/** The interval at which a failed takeover is tried again. */
const retryMs = 30_000;

type TakeoverParts = Pick<
  Parts,
  'home' | 'store' | 'settings' | 'projects' | 'commands' | 'state' | 'onSignals' | 'log' | 'troubles' | 'isOwner'
>;

/** null: the store belongs to one machine, or this host takes over no repos. */
export function createTakeover(parts: TakeoverParts): Pick<PollLoop, 'start' | 'stop'> | null {
  const { home, store, settings, commands, log, isOwner } = parts;
  const { hosts } = store;
  const { clones } = settings.current().host;
  if (hosts === undefined || clones === null) return null;
  /** Since when every look was answered. */
  let steadySince: number | null = null;
  /** By project: since when it is known to be lost, and when the next try is due. */
  const waiting = new Map<string, { readonly since: number; tryAt: number }>();

  async function look(shared: Hosts): Promise<null> {
    const found = await shared.lostRepos();
    const now = performance.now();
    steadySince ??= now;
    if (!isOwner()) return null;
    for (const repo of found) if (repo.comingFrom !== null) await tryToTake(shared, repo, 0);
    const lost = found.filter(({ comingFrom }) => comingFrom === null);
    const names = new Set(found.map(({ project }) => project));
    for (const project of waiting.keys()) if (!names.has(project)) waiting.delete(project);
    if (lost.length === 0 || now - steadySince < steadyMs) return null;
    const all = await shared.list();
    const turns = turnsOf(lost, all, await loadsOf(store, all));
    for (const repo of lost) await tryToTake(shared, repo, turns.get(repo.project)?.indexOf(shared.own) ?? -1);
    return null;
  }

  /** `turn`: the number of hosts that come before this one; below 0: this one may not take it. */
  async function tryToTake(shared: Hosts, repo: LostRepo, turn: number): Promise<void> {
    const now = performance.now();
    const entry = waiting.get(repo.project) ?? { since: now, tryAt: now };
    waiting.set(repo.project, entry);
    if (turn < 0 || now < Math.max(entry.tryAt, entry.since + turn * turnMs)) return;
    await take(shared, repo);
    entry.tryAt = performance.now() + retryMs;
  }

  async function take(shared: Hosts, repo: LostRepo): Promise<void> {
    const { project, host, comingFrom } = repo;
    const what = `the repo ${project} of ${comingFrom ?? `${host}, which is lost,`}`;
    try {
      if (clones === null || repo.remote === null) throw withoutRemote(repo);
      const mark = textDigest(home).slice(0, 8);
      const path =
        (await knownPath(repo)) ?? (await ensureClone({ folder: clones, name: project, address: repo.remote, mark }));
      const brought = await commands.takeOverRepo(repo, path);
      if (brought === null) return;
      log.warn([`${what} goes on here, in ${path}`, ...brought].join('; '));
      parts.onSignals();
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      log.warn(`${what} cannot go on here: ${withHint(thrown)}`);
      await shared.noteTrouble(repo, `${shared.own}: ${thrown.message}; ${thrown.hint}`.slice(0, 4_096));
    }
  }

  return createServiceLoop({
    trouble: { what: 'whether a host is lost is not known' },
    troubles: parts.troubles,
    everyMs: lookMs,
    work: () => look(hosts),
    onError() {
      steadySince = null;
    },
  });
}

/** For each repo the hosts that may take it over, in their order. Pure, and the same on each host. */
export function turnsOf(
  lost: readonly LostRepo[],
  hosts: readonly HostRow[],
  loads: Loads,
): ReadonlyMap<string, readonly string[]> {
  const able = hosts.filter(canTake);
  const withTaken = new Map(loads);
  return new Map(
    lost.map(({ project }) => {
      const line = hostsInLine(project, able, withTaken);
      const [first] = line;
      if (first !== undefined) withTaken.set(first, (withTaken.get(first) ?? 0) + 1);
      return [project, line];
    }),
  );
}

/** Where this host had it, if that is still a clone of the same repository. */
async function knownPath({ path, remote }: LostRepo): Promise<string | null> {
  if (path === null || remote === null || !existsSync(path)) return null;
  const address = await sharedAddress({ path }).catch(() => null); // the folder may be anything by now
  return address !== null && isSameAddress(address, remote) ? path : null;
}

function withoutRemote({ project, host }: LostRepo): EngineError {
  return new EngineError(
    'bad_repo',
    `${project} has no remote that another host could clone`,
    `bring its clone over by hand: stator host remove ${host}; then here: stator repo add <path>`,
  );
}
