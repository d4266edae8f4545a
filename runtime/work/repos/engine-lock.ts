/**
 * Which engine works in a repository. Each one that does has a file of its own in `stator-engine`, in the repository's common git folder: two homes on one
 * clone would empty each other's worktrees.
 *
 * A file has a name that no other ever gets, and is written whole: first as asked for, then, where nobody else's is found, as held. Of two that ask at once at
 * least one finds the other, since each writes before it looks; and a file whose process has ended may be taken away by anybody, at any time.
 *
 * Whoever may write to the git folder may write such a file, an agent without walls too. So a link there is not followed, nothing is ended because of
 * what it says, and an engine of this machine counts only where the kernel shows that this very process lives and has the `owner.db` of that home open.
 */
import { randomUUID } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { openFilesOf } from '../../base/platform/open-files.ts';
import { isSame, readBoot, readProcessTable } from '../../base/platform/process-table.ts';
import { realPathOrNull } from '../../base/platform/quiet-look.ts';
import { inFolder, type SafeFolder } from '../../base/platform/safe-path.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import { runIdOf } from '../agents/run-id.ts';
import { unwritable } from '../git/repository.ts';

/** Below the common git folder. */
export const lockFolder = 'stator-engine';

/** A path of a home, 4,096 bytes, and the rest; a file with more is none of ours. */
const maxBytes = 16_384;
/** Engines that ask at the same moment let each other go first so often. */
const askLimit = 20;
const askAgainMs = 20;
/** What a killed engine had not finished writing is taken away after this. */
const draftLimitMs = 60_000;

const text = (limit: number) =>
  z
    .string()
    .max(limit)
    .regex(/^[^\p{Cc}]*$/u);

const claimSchema = z.object({
  /** 1 in a container whose only program is the engine. */
  pid: z.int().min(1),
  start: text(100),
  boot: text(100),
  /** Process ids count within it; '': the system has only one. */
  namespace: text(100),
  host: text(255),
  /** A digest of what the system calls this machine; '': it has no such name. */
  machine: text(100),
  home: text(4_096).startsWith('/'),
  /** Which `owner.db` the home had: a copied home has another. */
  home_mark: text(100),
  project: text(1_000),
  /** A store that several hosts share says itself which of them has the repo; null: the store is of this home alone. */
  store: text(100).nullable(),
  /** Whether nobody else was found. */
  held: z.boolean(),
});

type Claim = z.infer<typeof claimSchema>;

/** Who asks: the same for all repositories of an engine. */
export type Claimant = Omit<Claim, 'project' | 'held'>;

/** One engine's lock of one repository. */
export interface EngineLock {
  /** Whether its file is as it was written. */
  isThere(): boolean;
  /** Takes the file away, and the folder where no other is in it. Never throws: what cannot be taken away counts no more once the process has ended. */
  release(): void;
}

/** `store`: the address of the store where several hosts share it. The home is owned by this process. */
export function claimantOf(home: string, store: string | null): Claimant {
  const { ino, birthtimeMs } = statSync(join(home, 'owner.db'));
  const boot = readBoot();
  const own = readProcessTable().rows.find(({ identity }) => identity.pid === process.pid);
  return {
    pid: process.pid,
    start: own?.identity.start ?? '',
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
 * The lock of the repository at `path`, whose common git folder is `commonDir`. Throws `elsewhere` where another engine has it, with who and what to do;
 * `unsafe_path` where a link or a file is in the place of its folder, `bad_repo` where that cannot be written, and `disk_full`.
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

/** A claim that stands in the way, and why. */
interface Other {
  readonly file: string;
  readonly claim: Claim;
  /** `agents`: the engine has ended, and `pid` is of an agent that it left at work. `unseen`: whether it lives cannot be seen from here. */
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
      // Whoever asked before this look has written before it.
      const [other] = othersIn(folder, claim, name);
      if (other !== undefined) {
        folder.remove(name);
        return { kind: other.claim.held ? 'others' : 'asking', other };
      }
      folder.write(name, textOf({ ...claim, held: true }), { mode });
      return { kind: 'taken', lock: createLock(commonDir, name, stateOf(folder, name)) };
    } catch (thrown) {
      drop(folder, name); // a full disk: nobody is to wait for a process that does not ask any more
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
        return false; // a link is in its place, or the disk is away: whoever asks for it anew is told
      }
    },
    release() {
      try {
        inFolder({ root: commonDir, way: lockFolder }, (folder) => folder.remove(name));
        inFolder({ root: commonDir, way: '' }, (folder) => folder.remove(lockFolder));
      } catch {
        // Another engine's file keeps the folder; what cannot be reached or written stays, and is of a process that has ended.
      }
    },
  };
}

function stateOf(folder: SafeFolder, name: string): string {
  const found = folder.stat(name);
  return found === null ? '' : `${found.ino}:${found.size}:${found.mtimeNs}`;
}

/** Throws `bad_repo` and `disk_full` where it cannot be made or written, and `unsafe_path` where a link or a file is in its place. */
function inLockFolder<T>(commonDir: string, use: (folder: SafeFolder) => T): T {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = inFolder({ root: commonDir, way: lockFolder, makeMode: folderMode(commonDir) }, (folder) => ({
        of: use(folder),
      }));
      if (answer !== null) return answer.of;
      throw new EngineError('bad_repo', `there is no folder ${commonDir}`, 'put the repository back, then ask again');
    } catch (thrown) {
      // Who released it has taken the empty folder away just now.
      if (systemCode(thrown) === 'ENOENT' && tries < askLimit) continue;
      if (thrown instanceof EngineError) throw thrown;
      throw ['ENOSPC', 'EDQUOT'].includes(systemCode(thrown) ?? '')
        ? new EngineError(
            'disk_full',
            `the disk of ${commonDir} is full: this engine cannot note there that it works in the repository`,
            `make room there: df -h ${shellWord(commonDir)}`,
            { cause: thrown },
          )
        : unwritable(commonDir, thrown);
    }
  }
}

/** Who may write to the git folder may take the lock, and take it over: of a shared repository more than one user. */
function folderMode(commonDir: string): number {
  return lstatSync(commonDir).mode & 0o777;
}

function textOf(claim: Claim): string {
  return `${JSON.stringify(claim)}\n`;
}

/** Whose claims stand in the way; those of the dead are taken away. `own`: the name of the one that asks. */
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
  // One that has it is told of before one that asks for it.
  return found.sort((a, b) => Number(b.claim.held) - Number(a.claim.held));
}

/** null: a link, a pipe, or nothing that an engine has written; it says nothing, and is left as it is. */
function readClaim(folder: SafeFolder, name: string): Claim | null {
  try {
    const parsed = claimSchema.safeParse(JSON.parse(folder.read(name, { maxBytes })?.toString('utf8') ?? ''));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** null: it is of an engine that has ended, and left nobody at work. `void`: the store that both share has decided. */
function judge(claim: Claim, self: Claim): Pick<Other, 'is' | 'pid'> | 'void' | null {
  const { pid, home } = claim;
  // One process owns a home, and it is this one: that engine was before it, and its agents are taken up here.
  if (claim.home_mark === self.home_mark) return null;
  if (claim.store !== null && claim.store === self.store) return 'void';
  if (claim.boot !== self.boot) {
    const isThisMachine = claim.host === self.host && claim.machine === self.machine;
    return isThisMachine ? null : { is: 'unseen', pid };
  }
  if (claim.namespace !== self.namespace) return { is: 'unseen', pid };
  if (lives(claim) && ownsHome(claim)) return { is: 'engine', pid };
  const agent = agentsAtWork(home)(claim.project);
  return agent === null ? null : { is: 'agents', pid: agent };
}

/** Of a container's first process too, to which no signal is ever sent. */
function lives(claim: Claim): boolean {
  return readProcessTable().rows.some(({ identity, hasEnded }) => !hasEnded && isSame(identity, claim));
}

/** Whether the process has the `owner.db` of its home open, as an engine does; true where the kernel does not say it to us. */
function ownsHome({ pid, home }: Claim): boolean {
  return openFilesOf(pid)?.includes(join(realPathOrNull(home) ?? home, 'owner.db')) ?? true;
}

/** One look at all processes: by project the pid of an agent of that home that works on a plan of it; null: none is seen. */
export function agentsAtWork(home: string): (project: string) => number | null {
  const ending = runIdOf(home, '');
  const table = readProcessTable();
  const runs = table.rows.flatMap(({ identity: { pid }, hasEnded }) => {
    const run = hasEnded ? null : table.runOf(pid);
    return run?.endsWith(ending) === true ? [{ pid, run }] : [];
  });
  return (project) => runs.find(({ run }) => run.startsWith(`plan:${project}/`))?.pid ?? null;
}

function drop(folder: SafeFolder, name: string): void {
  try {
    folder.remove(name);
  } catch {
    // Another user's: it says nothing either way.
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
