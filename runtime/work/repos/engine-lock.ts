/**
 * The lock that decides which engine works in a repository. Each engine has its own file in `stator-engine`, in the repository's common git folder: two homes
 * on one clone would delete each other's worktrees.
 *
 * A file has a unique name and is written completely: first as requested, then, if no other engine's file is found, as held. Of two requests at once at least
 * one finds the other, because each writes before it reads. Any engine may delete the file of an ended process at any time.
 *
 * Everyone who may write to the git folder can write such a file, even an agent without walls. So links there are not followed, no process is ended because
 * of its content, and an engine of this machine counts only if the kernel shows that exactly this process lives and has the `owner.db` of that home open.
 */
import { randomUUID } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { throwIfHidden } from '../../base/platform/environment-fault.ts';
import { openFilesOf } from '../../base/platform/open-files.ts';
import {
  isSame,
  mayHaveInEnvironment,
  processAt,
  readBoot,
  readProcessTable,
} from '../../base/platform/process-table.ts';
import { realPathOrNull } from '../../base/platform/quiet-look.ts';
import { inFolder, type SafeFolder } from '../../base/platform/safe-path.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import { runIdOf } from '../agents/run-folder.ts';
import { unwritable } from '../git/repository.ts';

/** Below the common git folder. */
export const lockFolder = 'stator-engine';

/** A home's path of 4,096 bytes and the other fields; a larger file is not ours. */
const maxBytes = 16_384;
/** How often engines that request at the same moment give way to each other. */
const askLimit = 20;
const askAgainMs = 20;
/** Incomplete files of killed engines are deleted after this time. */
const draftLimitMs = 60_000;

const text = (limit: number) =>
  z
    .string()
    .max(limit)
    .regex(/^[^\p{Cc}]*$/u);

const claimSchema = z.object({
  /** The process id; 1 in a container whose only program is the engine. */
  pid: z.int().min(1),
  start: text(100),
  boot: text(100),
  /** The pid namespace; '': the system has only one. */
  namespace: text(100),
  host: text(255),
  /** A digest of the system's machine id; '': there is none. */
  machine: text(100),
  home: text(4_096).startsWith('/'),
  /** The identity of the home's `owner.db`: a copied home has another one. */
  home_mark: text(100),
  project: text(1_000),
  /** The shared store, which itself decides which host has the repo; null: the store belongs to this home alone. */
  store: text(100).nullable(),
  /** true: no other engine was found. */
  held: z.boolean(),
});

type Claim = z.infer<typeof claimSchema>;

/** The requesting engine: the same for all of its repositories. */
export type Claimant = Omit<Claim, 'project' | 'held'>;

/** One engine's lock of one repository. */
export interface EngineLock {
  /** Whether its file is unchanged. */
  isThere(): boolean;
  /** Deletes the file, and the folder if it is empty. Never throws: a file that cannot be deleted no longer counts once the process has ended. */
  release(): void;
}

/** `store`: the address of a store that several hosts share. This process owns the home. */
export function claimantOf(home: string, store: string | null): Claimant {
  const { ino, birthtimeMs } = statSync(join(home, 'owner.db'));
  const boot = readBoot();
  return {
    pid: process.pid,
    start: processAt(process.pid, boot)?.identity.start ?? '',
    boot,
    namespace: pidNamespace(),
    host: hostname(),
    machine: machineMark(),
    home,
    home_mark: `${ino}:${birthtimeMs}`,
    store: store === null ? null : textDigest(store).slice(0, 16),
  };
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // macOS, or a kernel without them
  }
}

function machineMark(): string {
  try {
    return textDigest(readFileSync('/etc/machine-id', 'utf8').trim()).slice(0, 16);
  } catch {
    return ''; // a container, or macOS
  }
}

/**
 * Takes the lock of the repository at `path`, whose common git folder is `commonDir`. Throws `elsewhere` if another engine has it, with that engine and the
 * remedy; `unsafe_path` if a link or a file is in the place of its folder, `bad_repo` or the fault of the environment (such as `disk_full`) if the folder cannot be written.
 */
export async function takeEngineLock(
  { commonDir, path, project }: { readonly commonDir: string; readonly path: string; readonly project: string },
  self: Claimant,
): Promise<EngineLock> {
  const claim: Claim = { ...self, project, held: false };
  for (let asked = 1; ; asked += 1) {
    const answer = tryToTake(commonDir, claim);
    if (answer.kind === 'taken') return answer.lock;
    if (answer.kind === 'others' || asked === askLimit) throw refusal({ path, commonDir, other: answer.other });
    await delay(askAgainMs * (1 + Math.random()));
  }
}

/** A conflicting claim, and why it counts. */
interface Other {
  readonly file: string;
  readonly claim: Claim;
  /** `agents`: the engine has ended, and `pid` is an agent of it that still runs. `unseen`: whether it lives cannot be checked from here. */
  readonly is: 'engine' | 'agents' | 'unseen';
  readonly pid: number;
}

type Answer = { kind: 'taken'; lock: EngineLock } | { kind: 'asking' | 'others'; other: Other };

function tryToTake(commonDir: string, claim: Claim): Answer {
  return inLockFolder(commonDir, (folder) => {
    const before = othersIn(folder, claim).find((other) => other.claim.held);
    if (before !== undefined) return { kind: 'others', other: before };
    const name = randomUUID();
    const mode = folderMode(commonDir) & 0o666;
    folder.write(name, textOf(claim), { mode, isNew: true });
    try {
      // An earlier request wrote its file before this reading.
      const [other] = othersIn(folder, claim, name);
      if (other !== undefined) {
        folder.remove(name);
        return { kind: other.claim.held ? 'others' : 'asking', other };
      }
      folder.write(name, textOf({ ...claim, held: true }), { mode });
      return { kind: 'taken', lock: createLock(commonDir, name, stateOf(folder, name)) };
    } catch (thrown) {
      drop(folder, name); // the disk is full: no engine must wait for a request that was given up
      throw thrown;
    }
  });
}

function createLock(commonDir: string, name: string, state: string): EngineLock {
  return {
    isThere() {
      try {
        return inFolder({ root: commonDir, way: lockFolder }, (folder) => stateOf(folder, name) === state) === true;
      } catch {
        return false; // a link is in its place, or the disk is away: the next request reports it
      }
    },
    release() {
      try {
        inFolder({ root: commonDir, way: lockFolder }, (folder) => folder.remove(name));
        inFolder({ root: commonDir, way: '' }, (folder) => folder.remove(lockFolder));
      } catch {
        // Another engine's file keeps the folder. A file that cannot be deleted stays, and belongs to an ended process.
      }
    },
  };
}

function stateOf(folder: SafeFolder, name: string): string {
  const found = folder.stat(name);
  return found === null ? '' : `${found.ino}:${found.size}:${found.mtimeNs}`;
}

/** Throws `bad_repo`, or the fault of the environment, if it cannot be made or written, and `unsafe_path` if a link or a file is in its place. */
function inLockFolder<T>(commonDir: string, use: (folder: SafeFolder) => T): T {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = inFolder({ root: commonDir, way: lockFolder, makeMode: folderMode(commonDir) }, (folder) => ({
        of: use(folder),
      }));
      if (answer !== null) return answer.of;
      throw new EngineError('bad_repo', `there is no folder ${commonDir}`, 'put the repository back, then ask again');
    } catch (thrown) {
      // Another engine has just deleted the empty folder.
      if (systemCode(thrown) === 'ENOENT' && tries < askLimit) continue;
      if (thrown instanceof EngineError) throw thrown;
      throw unwritable(commonDir, thrown);
    }
  }
}

/** All users who may write to the git folder may take the lock or take it over: a shared repository has several. */
function folderMode(commonDir: string): number {
  return lstatSync(commonDir).mode & 0o777;
}

function textOf(claim: Claim): string {
  return `${JSON.stringify(claim)}\n`;
}

/** The conflicting claims; those of dead processes are deleted. `own`: the name of the request's own file. */
function othersIn(folder: SafeFolder, self: Claim, own = ''): Other[] {
  const found: Other[] = [];
  for (const name of folder.list().map((each) => each.toString('utf8'))) {
    if (name === own) continue;
    if (name.startsWith('.draft-')) dropOldDraft(folder, name);
    const claim = readClaim(folder, name);
    if (claim === null) continue;
    const is = judge(claim, self);
    if (is === null) drop(folder, name);
    else if (is !== 'void') found.push({ file: join(folder.path, name), claim, ...is });
  }
  // A holder is reported before a request.
  return found.sort((a, b) => Number(b.claim.held) - Number(a.claim.held));
}

/** null: a link, a pipe, or no file of an engine; it does not count, and stays unchanged. */
function readClaim(folder: SafeFolder, name: string): Claim | null {
  try {
    const parsed = claimSchema.safeParse(JSON.parse(folder.read(name, { maxBytes })?.toString('utf8') ?? ''));
    return parsed.success ? parsed.data : null;
  } catch (thrown) {
    throwIfHidden(thrown);
    return null;
  }
}

/** null: its engine has ended, and left no running agent. `void`: the shared store has decided. */
function judge(claim: Claim, self: Claim): Pick<Other, 'is' | 'pid'> | 'void' | null {
  const { pid, home } = claim;
  // This process is the only owner of the home: that engine was an earlier one, and its agents are adopted here.
  if (claim.home_mark === self.home_mark) return null;
  if (claim.store !== null && claim.store === self.store) return 'void';
  if (claim.boot !== self.boot) {
    const isThisMachine = claim.host === self.host && claim.machine === self.machine;
    return isThisMachine ? null : { is: 'unseen', pid };
  }
  if (claim.namespace !== self.namespace) return { is: 'unseen', pid };
  if (lives(claim) && ownsHome(claim)) return { is: 'engine', pid };
  // The `owner.db` of this home was deleted, or came from a backup: the agents are adopted all the same.
  if (runIdOf(home, '') === runIdOf(self.home, '')) return null;
  const agent = agentsAtWork(home)(claim.project);
  return agent === null ? null : { is: 'agents', pid: agent };
}

/** Whether the process lives; also for a container's first process, which gets no signals. */
function lives(claim: Claim): boolean {
  const row = processAt(claim.pid, readBoot());
  return row !== null && !row.hasEnded && isSame(row.identity, claim);
}

/** Whether the process has the `owner.db` of its home open, like an engine; true if the kernel does not show it to us. */
function ownsHome({ pid, home }: Claim): boolean {
  return openFilesOf(pid)?.includes(join(realPathOrNull(home) ?? home, 'owner.db')) ?? true;
}

/** Reads all processes once. Returns, by project, the pid of an agent of that home that works on one of its plans; null: none is visible. */
export function agentsAtWork(home: string): (project: string) => number | null {
  const ending = runIdOf(home, '');
  const table = readProcessTable();
  const runs = table.rows.flatMap(({ identity: { pid }, hasEnded }) => {
    const run = !hasEnded && mayHaveInEnvironment(pid, ending) ? table.runOf(pid) : null;
    return run?.endsWith(ending) === true ? [{ pid, run }] : [];
  });
  return (project) => runs.find(({ run }) => run.startsWith(`plan:${project}/`))?.pid ?? null;
}

function drop(folder: SafeFolder, name: string): void {
  try {
    folder.remove(name);
  } catch {
    // Another user's process: it proves nothing.
  }
}

function dropOldDraft(folder: SafeFolder, name: string): void {
  const found = folder.stat(name);
  if (found !== null && Date.now() - Number(found.mtimeMs) > draftLimitMs) drop(folder, name);
}

function refusal({
  path,
  commonDir,
  other,
}: {
  readonly path: string;
  readonly commonDir: string;
  readonly other: Other;
}): EngineError {
  const { file, claim, is, pid } = other;
  const { home } = claim;
  const there = `STATOR_HOME=${shellWord(home)} stator`;
  const away = `or take the repo out there: ${there} repo remove ${shellWord(claim.project)} --stop`;
  if (is === 'engine')
    return new EngineError(
      'elsewhere',
      `another engine works in ${path}: that of ${home} (pid ${pid})`,
      `one engine at a time works in a repository: wait until it is done, stop it (${there} daemon stop --agents; Ctrl-C where it is a stator run), ${away}`,
    );
  if (is === 'agents')
    return new EngineError(
      'elsewhere',
      `another engine has left agents at work in ${path}: that of ${home}, which has ended (one of them is pid ${pid})`,
      `go on with them there: ${there} daemon start; ${away}`,
    );
  return new EngineError(
    'elsewhere',
    `another engine works in ${path}: that of ${home} on ${claim.host} (pid ${pid}); whether it lives cannot be seen from here`,
    `stop it there, which gives ${commonDir} back; where it is gone for good: rm ${shellWord(file)}`,
  );
}
