/**
 * `stator import kasmos`: its configuration, repos and plans. A repo's file of profiles is written first, so that one question of trust covers
 * everything.
 */

import { statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client } from '../../runtime/api/client/client.ts';
import { homeFolder, loadDaemonConfig, parseRepoConfig, writtenSource } from '../../runtime/base/config/config.ts';
import { readConfigText } from '../../runtime/base/config/file.ts';
import { kasmosDaemonSettings, kasmosRepoSettings } from '../../runtime/base/config/kasmos-settings.ts';
import { type KasmosStore, type KasmosTask, readKasmosStore } from '../../runtime/engine/kasmos-store.ts';
import { type Call, defineVerb } from '../command.ts';
import { refuseAgent } from '../place.ts';
import { addRepo } from '../registered.ts';
import { withClient } from '../session.ts';
import { type TrustFlag, trustArg, trustOf } from '../trust/flag.ts';
import { planStep } from './kasmos-plan.ts';
import { configStep, daemonStep } from './settings.ts';
import { carryOut, importArgs, type Step, stepOf } from './steps.ts';

export default defineVerb({
  summary: 'Bring the repos, plans, hooks and profiles of kasmos. It is only read; nothing starts.',
  args: {
    path: {
      type: 'positional',
      required: false,
      description: 'its folder, or its taskstore.db; default ~/.config/kasmos',
    },
    trust: trustArg,
    ...importArgs,
  },
  more: 'A plan keeps its branch and its status; one that was under way waits for a command of yours, which is shown. What stator already has stays as it is, so the command may be repeated. Exit code 1: something could not be read, or was refused.',
  examples: ['stator import kasmos --dry-run', 'stator import kasmos --yes'],
  async run({ path, trust, 'dry-run': dryRun = false, yes = false }, call) {
    refuseAgent(call, 'import');
    const source = placeOf(call, path);
    const store = await readKasmosStore(source.store);
    return withClient(call, dryRun ? 'read' : 'write', async (client) => {
      const steps = await stepsOf(call, client, { ...source, store, trust: trustOf(trust) });
      return carryOut(call, steps, { from: 'kasmos', path: source.folder, dryRun, yes });
    });
  },
});

interface Source {
  readonly folder: string;
  readonly store: KasmosStore;
  readonly trust: TrustFlag;
}

function placeOf({ cwd, env }: Call, path: string | undefined): { readonly folder: string; readonly store: string } {
  const given = path === undefined ? join(env.HOME ?? '', '.config', 'kasmos') : resolve(cwd, path);
  const isFile = statSync(given, { throwIfNoEntry: false })?.isFile() === true;
  return isFile ? { folder: dirname(given), store: given } : { folder: given, store: join(given, 'taskstore.db') };
}

async function stepsOf(call: Call, client: Client, { folder, store, trust }: Source): Promise<Step[]> {
  const broken = store.broken.map(({ place, why }): Step => stepOf('row', place, 'broken', why));
  const daemon = await readDaemon(call, client, folder);
  const repos = await client.repos();
  // A plan whose registration was interrupted is registered again.
  const known = new Set(repos.filter(({ state }) => state !== 'registered').map(({ project }) => project));
  const paths = new Map([...daemon.repos, ...repos.map(({ path }) => path)].map((path) => [basename(path), path]));
  const projects = [...new Set([...paths.keys(), ...store.tasks.map(({ project }) => project)])];
  const steps = [...broken, ...daemon.steps];
  for (const project of projects) {
    const tasks = store.tasks.filter((task) => task.project === project);
    // A repo that is only registered with stator is not one of kasmos.
    if (tasks.length === 0 && !daemon.repos.some((path) => basename(path) === project)) continue;
    const path = paths.get(project);
    if (path === undefined) {
      const next = 'stator repo add <path>, then give this command again';
      steps.push({
        ...stepOf('repo', project, 'left', `nobody knows the folder of its ${counted(tasks.length, 'plan')}`),
        next,
      });
      continue;
    }
    steps.push(...(await repoSteps(call, client, { project, path, isKnown: known.has(project), trust })));
    steps.push(
      ...(await Promise.all(
        tasks.map((task) => planOf(call, client, store, { task, path, isKnown: known.has(project) })),
      )),
    );
  }
  return [...steps, ...leftovers(store)];
}

function planOf(
  call: Call,
  client: Client,
  { progress }: KasmosStore,
  { task, ...repo }: { readonly task: KasmosTask; readonly path: string; readonly isKnown: boolean },
): Promise<Step> {
  const done = progress.get(`${task.project}/${task.filename}`) ?? null;
  return planStep(call, client, { task, progress: done, ...repo });
}

/** `daemon.toml` of kasmos. If it is not valid TOML, its settings and its list of repos are skipped, and everything else is imported. */
async function readDaemon(
  call: Call,
  client: Client,
  folder: string,
): Promise<{ readonly repos: readonly string[]; readonly steps: readonly Step[] }> {
  const file = join(folder, 'daemon.toml');
  try {
    const text = readConfigText(file);
    if (text === null) return { repos: [], steps: [] };
    const { settings, repos, notes } = kasmosDaemonSettings(file, text);
    return { repos, steps: [...(await daemonStep(call, client, settings)), ...notes.map(noteStep)] };
  } catch (thrown) {
    return { repos: [], steps: [brokenFile(thrown)] };
  }
}

interface RepoSource {
  readonly project: string;
  readonly path: string;
  readonly isKnown: boolean;
  readonly trust: TrustFlag;
}

async function repoSteps(call: Call, client: Client, { project, path, isKnown, trust }: RepoSource): Promise<Step[]> {
  const steps: Step[] = [];
  const file = join(path, '.kasmos', 'config.toml');
  try {
    const text = readConfigText(file);
    const { settings, notes } = text === null ? { settings: {}, notes: [] } : kasmosRepoSettings(file, text);
    const to = join(path, '.stator', 'config.toml');
    const check = (written: string) =>
      void parseRepoConfig(writtenSource(to, written), loadDaemonConfig(homeFolder(call.env)));
    const next = isKnown ? `stator repo trust ${shellWord(project)}` : null;
    const isWaiting = async () => isKnown && (await client.repo({ project })).changes.length > 0;
    steps.push(...(await configStep({ to, settings, check, next, isWaiting })), ...notes.map(noteStep));
    if (text !== null && /^[ \t]*\[\[[ \t]*hooks[ \t]*\]\]/m.test(text))
      steps.push(stepOf('hooks', project, 'there', `${file} is read where it is`));
  } catch (thrown) {
    steps.push(brokenFile(thrown));
  }
  const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined;
  if (isKnown) return [...steps, stepOf('repo', project, 'there', path)];
  if (!isThere)
    return [{ ...stepOf('repo', project, 'broken', `${path} is not there`), next: 'correct repos in its daemon.toml' }];
  const bring = async () => {
    const added = await addRepo(call, client, { path, trust, way: 'repo add' });
    return { state: added.status === 'added' ? 'brought' : 'there' } as const;
  };
  return [...steps, { ...stepOf('repo', project, 'comes', path), bring }];
}

/** Settings that only kasmos has. */
function leftovers({ counts, waitingSignals }: KasmosStore): Step[] {
  const texts: readonly (readonly [string, number, string])[] = [
    [
      'signal',
      waitingSignals,
      'kasmos has not handled them; start its daemon once more, or give the commands of these plans',
    ],
    ['audit event', counts.audit_events, 'the history of a plan begins with its import'],
    ['pull request review', counts.pr_reviews, 'stator watches the pull requests that it made'],
    ['Linear trigger', counts.linear_triggers, 'stator watches no tracker'],
  ];
  return texts.flatMap(([name, count, why]) =>
    count === 0 ? [] : [stepOf('', counted(count, name), 'no_equal', why)],
  );
}

function noteStep(note: string): Step {
  return stepOf('key', note, 'no_equal', '');
}

function brokenFile(thrown: unknown): Step {
  if (!(thrown instanceof EngineError)) throw thrown;
  return { ...stepOf('file', '', 'broken', thrown.message), next: thrown.hint };
}
