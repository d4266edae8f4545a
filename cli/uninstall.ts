/** `stator uninstall`. */
import { existsSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { counted } from '../machines/vocabulary/numbers.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { CleaningItem, RepoEntry } from '../runtime/api/client/client.ts';
import { isStoreThere, loadDaemonConfig, socketPath } from '../runtime/base/config/config.ts';
import { diskUsage } from '../runtime/base/platform/disk-usage.ts';
import { groupBy } from '../runtime/base/platform/group-by.ts';
import { foreignEntries } from '../runtime/base/platform/home.ts';
import { removeTree } from '../runtime/base/platform/remove-tree.ts';
import { connect } from '../runtime/engine/connect.ts';
import { storePlaceIn } from '../runtime/engine/store-copies.ts';
import { type Call, defineVerb } from './command.ts';
import { installedService, removeService } from './daemon/install.ts';
import { ownerHere } from './daemon/presence.ts';
import { stopDaemon } from './daemon/stopping.ts';
import { refuseAgent } from './place.ts';
import { canAsk, isConfirmed, sureArgs } from './sure.ts';
import { byteText, plain } from './text.ts';

/** The parts of an installation, and with `removed` the outcome for each. */
interface Removal {
  readonly service: string | null;
  /** The daemon's pid. */
  readonly daemon: number | null;
  readonly repos: readonly Pick<RepoEntry, 'project' | 'path' | 'active_plans'>[];
  readonly items: readonly CleaningItem[];
  readonly home: { readonly path: string; readonly bytes: number | null; readonly state: 'goes' | 'gone' | 'kept' };
  /** Why a part was kept. */
  readonly notes: readonly string[];
}

export default defineVerb({
  summary:
    'Remove stator from this machine: its service, daemon and agents, the worktrees, refs and branches in every registered repo, and its home folder. It first shows them.',
  args: {
    'dry-run': { type: 'boolean', description: 'only show what would be removed, and what stays' },
    ...sureArgs,
  },
  more: 'Unmerged and uncommitted work stays in its repo and is named. Exit code 1: something could not be removed, so the home folder stays.',
  examples: ['stator uninstall --dry-run', 'stator uninstall'],
  async run({ 'dry-run': dryRun, yes }, call) {
    const { out } = call;
    refuseAgent(call, 'uninstall stator');
    refuseRun(call);
    const before = await look(call);
    const isNothing = before.service === null && before.home.bytes === null;
    if (dryRun === true || isNothing) {
      const lines = isNothing ? [`nothing to remove: there is no ${before.home.path}`] : linesOf(before, 'would go');
      out.answer(before, () => lines);
      return 0;
    }
    if (yes !== true && canAsk(call)) out.print(...linesOf(before, 'would go'));
    const hint = 'look at it with --dry-run, then say --yes';
    if (!(await isConfirmed(call, { yes, question: 'remove stator?', not: 'nothing was removed', hint }))) return 1;
    const after = await remove(call, before);
    out.outcome(after, () => linesOf(after, 'gone'));
    if (after.home.state === 'gone') out.note('last, the program itself, as you installed it: npm uninstall -g stator');
    return after.notes.length === 0 ? 0 : 1;
  },
});

/** Refuses if an engine of a `run` is active: the person who watches it should stop it. Throws `conflict`. */
function refuseRun({ env }: Call): void {
  const { owner } = ownerHere(env);
  if (owner === null || owner.kind === 'daemon' || owner.socketPath === null) return;
  throw new EngineError(
    'conflict',
    `the engine of another program owns this home: pid ${owner.pid}, most likely a \`stator run\``,
    'end it first, with Ctrl-C where it runs',
  );
}

async function look(call: Call): Promise<Removal> {
  const { home, owner } = ownerHere(call.env);
  const bytes = existsSync(home) ? await diskUsage(home) : null;
  const found = { repos: [], items: [], notes: [], ...(await inRepos(call, true)) };
  return {
    service: installedService(call)?.file ?? null,
    daemon: owner?.kind === 'daemon' ? owner.pid : null,
    ...found,
    notes: [...found.notes, ...foreignNotes(home)],
    home: { path: home, bytes, state: isWhole(found.notes, home) ? 'goes' : 'kept' },
  };
}

/** The order ensures that nothing starts again, and that each step can be repeated. */
async function remove(call: Call, before: Removal): Promise<Removal> {
  const { home } = ownerHere(call.env);
  const service = installedService(call);
  if (service !== null) removeService(call, service);
  if (ownerHere(call.env).owner?.kind === 'daemon') await stopDaemon(call, 'stop');
  const cleared = { items: [], notes: [], ...(await inRepos(call, false)) };
  const notes = [...cleared.notes, ...foreignNotes(home)];
  const state = isWhole(cleared.notes, home) ? 'gone' : 'kept';
  if (state === 'gone') {
    removeSocket(call, home);
    if (existsSync(home)) await removeTree(realpathSync(home)); // a service may be left of a home that is gone
    rmSync(home, { force: true }); // if the home is a symbolic link
  }
  return { ...before, items: cleared.items, notes, home: { ...before.home, state } };
}

/** stator's files in every registered repo. null: no store lists repos. */
async function inRepos({ env }: Call, dry: boolean): Promise<Pick<Removal, 'repos' | 'items' | 'notes'> | null> {
  if (!isStoreThere(storePlaceIn(env))) return null;
  const client = await connect({ env, mode: 'write' });
  try {
    const repos = await client.repos();
    const { items, notes } = await client.gc({ dry, everything: true });
    return { repos, items, notes };
  } finally {
    await client.close();
  }
}

/** The home stays if something is left in a repo, because it lists that, or if it contains a person's files. */
function isWhole(notes: readonly string[], home: string): boolean {
  return notes.length === 0 && foreignEntries(home).length === 0;
}

function foreignNotes(home: string): string[] {
  const names = foreignEntries(home);
  if (names.length === 0) return [];
  const shown = names.slice(0, 5).map(shellWord).join(', ');
  return [`${home} holds what stator did not put there, so it stays: ${shown}${names.length > 5 ? ' …' : ''}`];
}

/** Deletes a socket that a killed daemon left, and the folder of sockets if no other home has one there. */
function removeSocket({ env }: Call, home: string): void {
  const path = socketPath(home, env, loadDaemonConfig(home).socketPath);
  rmSync(path, { force: true });
  try {
    rmdirSync(dirname(path));
  } catch {
    // The folder has other sockets, or does not exist.
  }
}

function linesOf({ service, daemon, repos, items, home, notes }: Removal, verb: 'would go' | 'gone'): string[] {
  const went = items.filter(({ state }) => state !== 'kept');
  const kept = items.filter(({ state }) => state === 'kept');
  return [
    ...(service === null ? [] : [`service ${service}: ${verb}`]),
    ...(daemon === null
      ? []
      : [`daemon (pid ${daemon}) and its agents: ${verb === 'gone' ? 'stopped' : 'would be stopped'}`]),
    ...repos.map(({ project, path, active_plans: active }) => {
      const counts = [...groupBy(went, (item) => (item.project === project ? item.kind : '')).entries()]
        .filter(([kind]) => kind !== '')
        .map(([kind, some]) =>
          kind === 'branch' && some.length > 1 ? `${some.length} branches` : counted(some.length, kind),
        );
      const isEmpty = !kept.some((item) => item.project === project);
      const rest = isEmpty ? 'nothing is left there' : 'what is left there is kept';
      const what = counts.length === 0 ? rest : `${counts.join(', ')} ${verb}`;
      const plans = active > 0 && verb === 'would go' ? `; ${counted(active, 'plan')} under way` : '';
      return `repo ${plain(project)} (${plain(path)}): ${what}${plans}`;
    }),
    ...(home.bytes === null || home.state === 'kept'
      ? []
      : [`home ${home.path} (${byteText(home.bytes)}), with all plans, their history and your daemon.toml: ${verb}`]),
    ...(kept.length === 0 ? [] : ['kept:', ...kept.map(keptLine)]),
    ...notes.map((note) => `note: ${note}`),
  ];
}

function keptLine({ kind, project, name, why }: CleaningItem): string {
  const where = kind === 'worktree' || project === null ? '' : ` of ${plain(project)}`;
  return `  ${kind} ${plain(name)}${where}: ${plain(why.split('\n')[0] ?? '')}`;
}
