/** Prepares a run: its worktree at the right commit, its prompt, its command line and its environment. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parsePlan } from '../../../machines/document/plan-document.ts';
import { type AgentRun, placeOfRun } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isJudge, isWorker, planTree, runName } from '../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { isAcpPreset } from '../../base/config/acp/agents.ts';
import type { AgentProfile, OwnAgents, Preset } from '../../base/config/config.ts';
import { installHint, isProgramPreset } from '../../base/config/preset-programs.ts';
import type { Log } from '../../base/platform/log.ts';
import type { Store } from '../../core/store/port.ts';
import type { EffectRow, RunRow } from '../../core/store/rows.ts';
import { profileOf } from '../agents/accounts.ts';
import { noteConversations } from '../agents/conversation-quotas.ts';
import { readEnvFile } from '../agents/env-file.ts';
import { runEnvironment } from '../agents/environment.ts';
import { lastMessageFile, writeAsked } from '../agents/last-message.ts';
import { ensureLauncher } from '../agents/launcher.ts';
import { prepareMessages } from '../agents/message-input.ts';
import { ownPorts, portsFolder } from '../agents/own-ports.ts';
import { anyCommandLine } from '../agents/preset-own.ts';
import { knownProgram, programOf } from '../agents/presets/programs.ts';
import { settingsIn, settingsOf, untrustedSettings } from '../agents/presets/project-settings.ts';
import { resolveProgram } from '../agents/program.ts';
import { wholePromptName } from '../agents/relay/acp-settings.ts';
import { relayWords } from '../agents/relay-words.ts';
import type { CommandLine, RunBrief } from '../agents/run-brief.ts';
import { noteInLog, type RunFolder, runIdOf, writeStartFile } from '../agents/run-folder.ts';
import { inTerminal, type TerminalProgram, terminalOf } from '../agents/terminal.ts';
import { prepareInput } from '../agents/terminal-input.ts';
import type { LaunchRequest } from '../agents/wrapper.ts';
import { commitLeftovers, ownCommitsBase } from '../git/attempt.ts';
import { ensureBranch } from '../git/branch.ts';
import { diffStat } from '../git/diff.ts';
import { identity } from '../git/identity.ts';
import { makeCheckout, type TrustedFiles } from '../git/judged-checkout.ts';
import { dropPrivateRepository, privatePlaceIn } from '../git/private-repository.ts';
import { attemptRef, branchRef, ownedRef, readRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { prepareWorktree } from '../git/worktree.ts';
import { adminDirOf, placeOf } from '../git/worktree-list.ts';
import type { Resources } from '../sandbox/resources.ts';
import { type Walls, writtenWithoutWalls } from '../sandbox/walls.ts';
import { draftsFor, writePrompt } from './agent-prompt.ts';
import { conversationFor, noteConversation } from './conversation.ts';
import { dataFolderOf } from './data-folders.ts';
import { isDeleted, presenceOf } from './place-away.ts';
import { messagesOf, noteMessages } from './prompt-messages.ts';
import { closedMounts, gitMounts } from './run-repository.ts';
import { planBase } from './stored-base.ts';
import { trustedCommit } from './trusted-commit.ts';
import { baseOf, type EffectParts, readReady, type Site, trustedSiteOf, writeBase, writeReady } from './workplace.ts';

export interface PrepareParts extends EffectParts {
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly walls: Walls;
  readonly resources: Resources;
  /** The program that opens terminals; found once. */
  readonly terminal: () => Promise<TerminalProgram>;
  /** The agents that were passed to the engine. */
  readonly ownAgents: OwnAgents;
}

/** The most names in a line. */
const shownSettings = 5;

interface Start {
  readonly effect: AgentRun;
  readonly row: EffectRow;
  readonly folder: RunFolder;
  readonly token: string;
  readonly socketPath: string;
}

/** The last run of the same agent, if there was one: the next prompt names its changes. */
interface Before {
  readonly name: string;
  readonly base: string | null;
  readonly row: RunRow;
}

/** Safe to run again until the run is launched. Throws the errors of git, the configuration and the presets; `bad_config` if commits would have no author. */
export async function prepareRun(parts: PrepareParts, start: Start): Promise<LaunchRequest> {
  const { effect, row, folder, token, socketPath } = start;
  const site = await trustedSiteOf(parts, row, placeOfRun(effect));
  // The machine's limits are tested once, while git makes the worktree.
  void parts.resources.state();
  const author = await identity(site.repository);
  const before = await runBefore(parts, row, effect);
  const { profiles } = site.project.config;
  const profile = profileOf(profiles, { role: effect.role, run: await parts.store.run(row.key) });
  const path = await readyPlace(parts, start, site, before);
  const brief = await briefOf(parts, start, { profile, previousDiff: await previousDiff(site.repository, before) });
  const { envFile } = profile;
  const given = envFile === null ? null : readEnvFile(envFile, site.project.path);
  for (const warning of given?.warnings ?? []) {
    parts.log.warn(warning);
    // Also in the agent's own log, where a person looks first.
    noteInLog(folder, warning);
  }
  const hasWalls = await parts.walls.areUsedFor(profile);
  const env = runEnvironment({
    base: parts.env,
    run: effect,
    project: row.project,
    plan: row.plan,
    runId: runIdOf(parts.home, row.key),
    home: parts.home,
    socketPath,
    token,
    folder: { prompt: folder.prompt, temp: folder.temp },
    worktree: path,
    ports: ownPorts(portsFolder(parts.home), { project: row.project, path }),
    binDir: ensureLauncher(parts.home),
    envFile: given?.variables ?? {},
    preset: profile.preset,
    names: profile.env,
    hasWalls,
  });
  const loadsProject = mayLoadSettings(parts, { effect, folder, site, path, preset: profile.preset });
  await noteConversation(parts, { row, folder, brief });
  await writePrompts(parts, site, { brief, folder });
  const places = {
    prompt: folder.prompt,
    script: folder.script,
    servers: folder.servers,
    lastMessage: lastMessageFile(folder),
    worktree: path,
    repo: site.project.path,
    loadsProject,
    env,
  };
  const line = await anyCommandLine(brief, places, { own: parts.ownAgents, folder });
  const run = await startOf(parts, {
    profile,
    line,
    env: { ...env, ...line.env },
    hasSetup: site.project.config.worktree.setup !== null,
  });
  prepareInput(folder, profile.terminal || line.messages !== undefined);
  writeFiles(folder, line);
  const { preset, role } = profile;
  const isDetached = isJudge(role);
  const program = resolveProgram(line.argv[0], { from: null, env });
  const keeps =
    hasWalls && isProgramPreset(preset) ? await dataFolderOf(parts, row, { title: effect.title, preset }) : null;
  const own = knownProgram(preset)?.places({ env: run.env, userHome: run.env.HOME ?? homedir(), worktree: path });
  noteConversations(folder, preset, keeps ?? own?.conversations ?? null);
  const walls = await parts.walls.around({
    ...{ profile, env, home: parts.home, folder, identity: author, worktree: path, repo: site.repository.path },
    guardsProgram: isDetached,
    program: program.kind === 'found' ? program.path : line.argv[0],
    files: line.files ?? [],
    git: hasWalls
      ? [
          ...(await gitMounts(site.repository, { folder, path, branch: effect.place.branch, isDetached })),
          ...(isDetached ? closedMounts(path, profile.trustedFiles) : []),
        ]
      : [],
    socketFolder: dirname(socketPath),
    keeps,
  });
  const { writable } = profile;
  const written =
    walls?.written ?? writtenWithoutWalls({ worktree: path, folder, writable, env }, await gitFolderOf(site, path));
  const limits = await parts.resources.around({ profile, folder, worktree: path, written, env, hasWalls });
  return {
    folder,
    argv: run.argv,
    limits: limits.outside,
    relay: relayOf(profile, line, run.env),
    walls: [...(walls?.words ?? []), ...limits.inside],
    cwd: path,
    // The starter's variables override those of an env file.
    env: run.env,
    stdinFile: line.stdin === 'prompt' && !profile.terminal && line.messages === undefined ? folder.prompt : null,
    ...(isProgramPreset(preset) ? { installHint: installHint(preset, role) } : {}),
  };
}

type BriefFacts = Pick<RunBrief, 'profile' | 'previousDiff'>;

/** The data for its prompt: its task in the plan's document, and the earlier messages of its conversation. */
async function briefOf(parts: PrepareParts, { effect, row }: Start, facts: BriefFacts): Promise<RunBrief> {
  const { project, plan } = row;
  const content = (await parts.store.planText(project, plan)) ?? '';
  const talk = await conversationFor(parts, { effect, row, profile: facts.profile });
  return {
    ...{ run: effect, project, plan, document: parsePlan(content).document, content, ...facts },
    ...(await draftsFor(parts.store, { project, plan }, effect)),
    ...talk,
    words: await messagesOf(parts.store, { project, plan, title: effect.title, conversation: talk.conversation }),
  };
}

/** The prompt; and for an agent that may not know its conversation any more, which it reports itself, the prompt of a new one. */
async function writePrompts(
  parts: PrepareParts,
  site: Site,
  { brief, folder }: { readonly brief: RunBrief; readonly folder: RunFolder },
): Promise<void> {
  await writePrompt(parts, site, { brief, folder });
  if (isAcpPreset(brief.profile.preset) && brief.conversation !== null) {
    const { project, plan, run } = brief;
    const words = await messagesOf(parts.store, { project, plan, title: run.title, conversation: null });
    const whole = { ...brief, conversation: null, words };
    await writePrompt(parts, site, { brief: whole, folder, file: join(folder.path, wholePromptName) });
  }
  noteMessages(folder, brief.words);
}

/** The files that the program of the run reads. */
function writeFiles(folder: RunFolder, line: CommandLine): void {
  prepareMessages(folder, line.messages ?? null);
  if (line.script !== null) writeStartFile(folder.script, line.script);
  if (line.writesLastMessage) writeAsked(folder);
  for (const [name, text] of Object.entries(line.beside ?? {})) writeStartFile(join(folder.path, name), text);
  if (line.servers !== undefined) writeStartFile(folder.servers, line.servers);
}

/** The worktree's part of `.git`. */
async function gitFolderOf({ repository }: Site, worktree: string): Promise<string[]> {
  const adminDir = await adminDirOf(repository, worktree);
  return adminDir === null ? [] : [adminDir];
}

/**
 * A program whose output is parsed gets a relay: its child processes must not be able to write verdicts, usage, limits of the service or confirmations of
 * messages.
 */
function relayOf({ preset }: AgentProfile, { messages }: CommandLine, env: LaunchRequest['env']) {
  return isProgramPreset(preset) ? relayWords(messages ?? 'none', env) : [];
}

/**
 * The command line that the wrapper starts, with a terminal if the profile wants one. A missing program is started without the other parts, so that the
 * launch reports it, unless the worktree's setup may provide it.
 */
async function startOf(
  parts: Pick<PrepareParts, 'terminal'>,
  {
    profile,
    line,
    env,
    hasSetup,
  }: { profile: AgentProfile; line: CommandLine; env: Record<string, string>; hasSetup: boolean },
): Promise<Pick<LaunchRequest, 'argv' | 'env'>> {
  const alone = { argv: line.argv, env };
  const isMissing = () => !hasSetup && resolveProgram(line.argv[0], { from: null, env }).kind === 'missing';
  if (!profile.terminal) return alone;
  const script = terminalOf(profile.role, await parts.terminal());
  if (isMissing()) return alone;
  const { argv, env: own } = inTerminal(script, line.argv, env);
  return { argv, env: { ...env, ...own } };
}

/**
 * Whether the program may load settings of the repository. A judge loads none, because a coder may have written them. Other roles load them if those of the
 * worktree and of the main folder, which may contain the worktree, are unchanged since they were trusted; otherwise the log reports it. Throws `untrusted` if
 * the program has no option to skip them.
 */
function mayLoadSettings(
  { log }: PrepareParts,
  start: Pick<Start, 'effect' | 'folder'> & { site: Site; path: string; preset: Preset },
): boolean {
  if (isJudge(start.effect.role) || !isProgramPreset(start.preset)) return false;
  const { project, path: repo, config, settings } = start.site.project;
  const { copy } = config.worktree;
  const names = new Set([
    ...untrustedSettings(settingsIn(start.path, [start.preset]), settings),
    ...untrustedSettings(settingsOf(repo, { presets: [start.preset], copy }), settings),
  ]);
  if (names.size === 0) return true;
  const shown = shortList([...names], shownSettings);
  const what = `settings that ${start.preset} loads are not as they were trusted: ${shown}`;
  const yes = `see what the main folder has, and say yes to it: stator repo trust ${shellWord(project)} --show; stator repo trust ${shellWord(project)}`;
  if (!programOf(start.preset).leavesSettingsOut)
    throw new EngineError(
      'untrusted',
      `${what}; ${start.preset} cannot be told to leave them out`,
      `${yes}; where the branch differs from it, let another preset play the ${start.effect.role}`,
    );
  const text = `${what}; it works without the settings of the repository; ${yes}`;
  log.warn(`${start.effect.title}: ${text}`);
  noteInLog(start.folder, text);
  return false;
}

/** This agent's run before the one of `row`; null: it is the first. */
export async function runBefore(
  parts: { readonly home: string; readonly store: Pick<Store, 'launch' | 'plan' | 'runs'> },
  row: Pick<EffectRow, 'key' | 'project' | 'plan'>,
  effect: Pick<AgentRun, 'title'>,
): Promise<Before | null> {
  const { project, plan, key } = row;
  // Runs of an earlier plan of this name do not count.
  const since = (await parts.store.plan(project, plan))?.createdAt ?? 0;
  const runs = await parts.store.runs({ by: 'title', project, title: effect.title });
  let last: Before | null = null;
  for (const run of runs) {
    if (run.key === key || run.plan !== plan || run.queued_at < since) continue;
    const base = await baseOf(parts, { tree: planTree(project, plan) }, run.run);
    const before = { name: runName(project, plan, run.run), base, row: run };
    // A run that was withdrawn from the queue left nothing, so the run before it counts.
    if (base !== null) return before;
    last ??= before;
  }
  return last;
}

/** The worktree's real path. It is prepared once for each run: an agent that an earlier owner started may begin in it meanwhile. */
async function readyPlace(
  parts: PrepareParts,
  { effect, row, folder }: Start,
  site: Site,
  before: Before | null,
): Promise<string> {
  if (readReady(folder) !== null && existsSync(site.worktree)) return placeOf(site.worktree);
  if (before?.row.folder == null || !isDeleted(before.row.folder))
    await presenceOf(
      { ...site, branch: effect.place.branch },
      { waitedMs: parts.nowMs() - (row.waiting_since ?? parts.nowMs()) },
    );
  parts.faults?.('agent-run.before-worktree');
  // A coordinator's files were saved when its run ended, so nothing is committed for it.
  const isInterrupted = effect.start === 'continue' && isWorker(effect.role) && before !== null && before.base !== null;
  // Another host had it, and its work was not at the remote: there is nothing to continue from.
  const isHere = isInterrupted && (await readRef(site.repository, ownedRef(effect.place.branch))) !== null;
  const { path, base } = isHere
    ? await continueWork(site, row, effect, { name: before.name, base: before.base })
    : await prepareWorkplace(parts, site, { row, effect, before });
  await dropPrivateRepository(privatePlaceIn(folder.path));
  await writeBase(folder, base);
  writeReady(folder);
  return path;
}

/**
 * An interrupted run (a pause, a question, a message, a rate limit) is continued: its uncommitted files are committed, and its changes since its first begin
 * count as this run's.
 */
async function continueWork(
  site: Site,
  row: EffectRow,
  { id, title, place }: AgentRun,
  before: { name: string; base: string },
) {
  const { repository, worktree } = site;
  const { branch } = place;
  const message = `${title}: what it had so far`;
  const { head } = await commitLeftovers(repository, {
    path: worktree,
    branch,
    run: before.name,
    base: before.base,
    message,
    goesOn: true,
  });
  const run = runName(row.project, row.plan, id);
  const wanted = { path: worktree, branch, run, previousRun: before.name, start: head, reset: false, goesOn: true };
  const { path } = await prepareWorktree(repository, wanted);
  return { path, base: before.base };
}

async function trustedFilesOf(
  { project, repository }: Pick<Site, 'project' | 'repository'>,
  { role, trustedFiles: paths }: Pick<AgentProfile, 'role' | 'trustedFiles'>,
): Promise<TrustedFiles> {
  if (paths.length === 0) return { commit: '', paths };
  const what = `the ${role} has ${paths.join(', ')} as the commit that you trust has them`;
  return { commit: await trustedCommit(repository, { project, what }), paths };
}

/**
 * A judge's run has its own checkout of the head of the plan's branch. A task's run starts from the head of the plan's branch. A run on the plan's own branch
 * continues from its head, or, after a failed worker's attempt, from that attempt's start commit; the attempt's ref holds its commits.
 */
async function prepareWorkplace(
  parts: PrepareParts,
  { project, repository, worktree }: Site,
  { row, effect, before }: { row: EffectRow; effect: AgentRun; before: Before | null },
) {
  const { id, role, place } = effect;
  const run = runName(row.project, row.plan, id);
  const { commit: base } = await planBase(parts, { project: row.project, plan: row.plan, branch: place.from });
  if (isJudge(role)) {
    const { branch } = place;
    const commit = await ensureBranch(repository, { branch, start: base });
    const profile = profileOf(project.config.profiles, { role, run: await parts.store.run(row.key) });
    const { path, absent } = await makeCheckout(repository, {
      path: worktree,
      branch,
      commit,
      hidden: knownProgram(profile.preset)?.settings ?? [],
      trusted: await trustedFilesOf({ project, repository }, profile),
    });
    if (absent.length > 0)
      parts.log.warn(
        `trusted_files of the ${role} names ${absent.join(', ')}, which the commit of ${project.project} that was trusted has not: nothing of that name is in its checkout`,
      );
    return { path, base: commit };
  }
  const wanted = { path: worktree, branch: place.branch, run, previousRun: before?.name ?? null };
  if (place.branch !== place.from) {
    await ensureBranch(repository, { branch: place.from, start: base });
    return prepareWorktree(repository, { ...wanted, start: branchRef(place.from), reset: true });
  }
  const failedFrom = isWorker(role) ? await failedAttemptsBase(repository, place.branch, before) : null;
  return prepareWorktree(repository, { ...wanted, start: failedFrom ?? base, reset: failedFrom !== null });
}

async function failedAttemptsBase(
  repository: Repository,
  branch: string,
  before: Before | null,
): Promise<string | null> {
  if (before === null || before.base === null || before.row.state === 'succeeded') return null;
  return ownCommitsBase(repository, { branch, run: before.name, base: before.base });
}

/** That run's changes, cut, with the ref that holds all of them; null: none. */
export async function previousDiff(repository: Repository, before: Before | null): Promise<string | null> {
  if (before === null || before.base === null) return null;
  const ref = attemptRef(before.name);
  const kept = await readRef(repository, ref);
  if (kept === null || kept === before.base) return null;
  return `${await diffStat(repository, before.base, kept)}\n(all of it: git diff ${before.base.slice(0, 12)} ${ref})`;
}
