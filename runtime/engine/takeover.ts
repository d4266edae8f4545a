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
  /** Since when every reading was answered. */
  let steadySince: number | null = null;
  let waiting: ReadonlyMap<string, Wait> = new Map();

  async function look(shared: Hosts): Promise<null> {
    const found = await shared.lostRepos();
    const nowMs = performance.now();
    steadySince ??= nowMs;
    if (!isOwner()) return null;
    const isSteady = nowMs - steadySince >= steadyMs;
    const lost = isSteady ? found.filter(({ comingFrom }) => comingFrom === null) : [];
    const all = lost.length === 0 ? [] : await shared.list();
    const turns = turnsOf(lost, all, lost.length === 0 ? new Map() : await loadsOf(store, all));
    const step = takeoverStep({ found, turns, own: shared.own, waiting, nowMs });
    const waits = new Map(step.waiting);
    waiting = waits;
    for (const { repo, wait } of step.take) {
      await take(shared, repo);
      waits.set(repo.project, { ...wait, tryAtMs: performance.now() + retryMs });
    }
    return null;
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

/** Since when a repo is known to be without its host, and when the next try is due. */
export interface Wait {
  readonly sinceMs: number;
  readonly tryAtMs: number;
}

export interface TakeoverFacts {
  /** Repos that are lost, or on their way to this host. */
  readonly found: readonly LostRepo[];
  /** For each lost repo that may be taken now the hosts that may take it, in their order. */
  readonly turns: ReadonlyMap<string, readonly string[]>;
  readonly own: string;
  /** By project, as of the last look. */
  readonly waiting: ReadonlyMap<string, Wait>;
  readonly nowMs: number;
}

/** Which repos this host takes now, and which ones it waits for. A repo on its way here is taken at once; a lost one after `turnMs` for each host before. Pure. */
export function takeoverStep({ found, turns, own, waiting, nowMs }: TakeoverFacts) {
  const turnOf = ({ project, comingFrom }: LostRepo) => (comingFrom === null ? turns.get(project)?.indexOf(own) : 0);
  const waits = found
    .filter((repo) => turnOf(repo) !== undefined || waiting.has(repo.project))
    .map((repo) => ({ repo, wait: waiting.get(repo.project) ?? { sinceMs: nowMs, tryAtMs: nowMs } }));
  const take = waits.filter(({ repo, wait: { sinceMs, tryAtMs } }) => {
    const turn = turnOf(repo) ?? -1;
    return turn >= 0 && nowMs >= Math.max(tryAtMs, sinceMs + turn * turnMs);
  });
  return {
    take,
    waiting: new Map(waits.map(({ repo, wait }): [string, Wait] => [repo.project, wait])),
  };
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
