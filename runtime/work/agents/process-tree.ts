/**
 * Finds all processes of one run, and no others. They are found again at each call, because agents fork, leave their group, and start servers.
 *
 * A process belongs to a run by one of five signs: it is the wrapper or the agent; it is in the wrapper's session (which holds its group); it descends from
 * one that belongs; it was reparented to init and has STATOR_RUN of this run, or its output is this run's pipe or log. A process with another run's id never
 * belongs, nor do its descendants, nor do we ourselves.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  type Identity,
  isAlive,
  isSame,
  type ProcessRow,
  type ProcessTable,
  readProcessTable,
  recentProcessTable,
} from '../../base/platform/process-table.ts';
import { outputPipe, type RunFolder, readAgent, readClaim } from './run-folder.ts';

export interface RunTree {
  /** The wrapper is separate, because it is never stopped: it ends by itself once the agent has gone and the exit code is written. */
  readonly wrapper: Identity | null;
  /** The live processes, parents before their children. */
  readonly members: readonly Identity[];
  readonly rows: readonly ProcessRow[];
  /** false: processes ended before it could be read which run they belong to, so what they started may be missing here. */
  readonly isSure: boolean;
}

interface Search extends Relations {
  readonly table: ProcessTable;
  readonly folder: RunFolder;
  readonly runId: string;
  /** null: the folder is gone, and with it the identity of the wrapper. */
  readonly claimed: Identity | null;
  /** The path in /proc's form, with the links of the home resolved. */
  readonly log: string;
  /** The marker of the pipe. */
  readonly pipe: string | null;
}

/** How the processes of a table belong together, found once for all runs that are measured by it. */
interface Relations {
  /** All processes by pid, including zombies: a session's number stays in use while its dead leader waits to be reaped. */
  readonly byPid: ReadonlyMap<number, ProcessRow>;
  readonly children: ReadonlyMap<number, readonly ProcessRow[]>;
  readonly sessions: ReadonlyMap<number, readonly ProcessRow[]>;
  /** Pid 1, systemd's session managers, and our own ancestors: each of them may be a subreaper. */
  readonly adopters: readonly number[];
}

/** Found once for each table, which many runs share. */
const relations = new WeakMap<ProcessTable, Relations>();

/** The tolerance when clocks and ticks are compared. */
const SLACK_MS = 1000;
/** The most ancestors of a process; a bound in case pids were reused while the table was read. */
const MAX_ANCESTORS = 1000;

/** The live processes of a run, the wrapper first; empty if none was started, or if it was before the machine's last start. */
export function processesOf(folder: RunFolder, runId: string, memory: TreeMemory = {}): Identity[] {
  const { wrapper, members } = findTree(folder, runId, memory);
  return wrapper === null ? [...members] : [wrapper, ...members];
}

export interface TreeMemory {
  /** Members of an earlier call: they stay members even if nothing else connects them to the run any more. */
  readonly seen?: readonly Identity[];
  /** The stored identity of the wrapper, for a run whose folder is gone. */
  readonly known?: Identity | null;
  /** true: only to measure it, for which a table that is up to half a second old is enough. Default: as the processes are now. */
  readonly isMeasured?: boolean;
}

const nobody = { wrapper: null, members: [], rows: [], isSure: true } as const;

/** The most repetitions within a call because of orphans that end meanwhile. */
const MAX_LOOKS = 20;

/**
 * Reads the processes once, and again if a process ended meanwhile whose children may belong to this run. If the run's folder is gone, the wrapper is the
 * stored one, or one whose command line names this folder.
 */
export function findTree(folder: RunFolder, runId: string, memory: TreeMemory = {}): RunTree {
  for (let look = 1; ; look++) {
    const isMeasured = memory.isMeasured === true && look === 1;
    const tree = lookOnce(folder, runId, { ...memory, isMeasured });
    if (tree.isSure || tree.members.length > 0 || look === MAX_LOOKS) return tree;
  }
}

function lookOnce(
  folder: RunFolder,
  runId: string,
  { seen = [], known = null, isMeasured = false }: TreeMemory,
): RunTree {
  const claim = readClaim(folder);
  if (claim?.kind === 'void' && known === null) return nobody;
  const table = isMeasured ? recentProcessTable() : readProcessTable();
  const claimed = claim?.kind === 'wrapper' ? claim.wrapper : (known ?? wrapperByName(table, folder));
  if (claimed !== null && claimed.boot !== table.boot) return nobody;
  const log = existsSync(folder.log) ? realpathSync(folder.log) : folder.log;
  const pipe = claimed === null ? null : join(dirname(log), basename(outputPipe(folder, claimed)));
  const search: Search = { ...relationsIn(table), table, folder, runId, claimed, log, pipe };
  const wrapper = claimed && rowOf(search, claimed);
  const agent = readAgent(folder);
  const orphans = handedToInit(search);
  const rows = withDescendants(search, { wrapper, agent }, [
    ...[agent, ...seen].map((identity) => identity && rowOf(search, identity)).filter((row) => row !== null),
    ...(wrapper === null ? [] : (search.children.get(wrapper.identity.pid) ?? [])),
    ...sessionOf(search),
    ...orphans.marked,
  ]);
  return {
    wrapper: wrapper && !wrapper.hasEnded ? wrapper.identity : null,
    members: rows.map((row) => row.identity),
    rows,
    isSure: !orphans.isUnknown,
  };
}

function relationsIn(table: ProcessTable): Relations {
  const known = relations.get(table);
  if (known !== undefined) return known;
  const byPid = new Map(table.rows.map((row) => [row.identity.pid, row]));
  const adopters = new Set([1]);
  for (const row of table.rows) if (row.name === 'systemd') adopters.add(row.identity.pid);
  let pid = byPid.get(process.pid)?.parent ?? 1;
  for (let depth = 0; pid > 1 && depth < MAX_ANCESTORS; depth++) {
    adopters.add(pid);
    pid = byPid.get(pid)?.parent ?? 1;
  }
  const found = {
    byPid,
    adopters: [...adopters],
    children: rowsBy(table, ({ parent }) => parent),
    sessions: rowsBy(table, ({ session }) => session),
  };
  relations.set(table, found);
  return found;
}

function rowsBy({ rows }: ProcessTable, keyOf: (row: ProcessRow) => number): Map<number, ProcessRow[]> {
  const found = new Map<number, ProcessRow[]>();
  for (const row of rows) {
    const siblings = found.get(keyOf(row));
    if (siblings) siblings.push(row);
    else found.set(keyOf(row), [row]);
  }
  return found;
}

/** A wrapper's command line contains the path of its script in its run's folder. */
function wrapperByName({ rows, argumentsOf }: ProcessTable, folder: RunFolder): Identity | null {
  const found = rows.find(({ identity, hasEnded }) => {
    if (hasEnded) return false;
    const [, script, mode] = argumentsOf(identity.pid);
    return script === folder.wrapper && mode === 'wrap';
  });
  return found?.identity ?? null;
}

function rowOf({ byPid }: Search, identity: Identity): ProcessRow | null {
  const row = byPid.get(identity.pid);
  return row && isSame(row.identity, identity) ? row : null;
}

/**
 * The wrapper leads its session, so a leader with another start time is a foreign process. If the leader has gone, its number may have been reused: then a
 * process counts if it began while the wrapper lived, or shares the session with a marked process.
 */
function sessionOf(search: Search): ProcessRow[] {
  const { table, byPid, sessions, claimed } = search;
  if (claimed === null) return [];
  const rows = (sessions.get(claimed.pid) ?? []).filter((row) => row.identity.pid !== claimed.pid);
  if (rows.length === 0) return [];
  const leader = byPid.get(claimed.pid);
  if (leader) return isSame(leader.identity, claimed) ? rows : [];
  if (rows.some((row) => isMarked(search, row))) return rows;
  const endedAtMs = statSync(search.folder.exit, { throwIfNoEntry: false })?.mtimeMs;
  return rows.filter((row) => endedAtMs !== undefined && table.startedAtMs(row.identity.start) <= endedAtMs + SLACK_MS);
}

/**
 * Orphans: their parent is init or its replacement. Under any other parent a mark proves nothing, because another run's server, or its user, may have started
 * them on request.
 */
function handedToInit(search: Search): { marked: ProcessRow[]; isUnknown: boolean } {
  const { table, children, adopters, claimed } = search;
  const sinceMs = claimed === null ? 0 : table.startedAtMs(claimed.start) - SLACK_MS;
  const young = adopters
    .flatMap((pid) => children.get(pid) ?? [])
    .filter((row) => !row.hasEnded && table.startedAtMs(row.identity.start) >= sinceMs);
  const marks = young.map((row) => ({ row, isMarked: isMarked(search, row) }));
  const marked = marks.filter((each) => each.isMarked).map(({ row }) => row);
  // If a process ended before its mark was read, its run is not known either.
  const isUnknown = marks.some(
    (each) => each.isMarked === undefined || (!each.isMarked && !isAlive(each.row.identity)),
  );
  return { marked, isUnknown };
}

/** undefined: its environment could not be read yet. */
function isMarked({ table, runId, log, pipe }: Search, row: ProcessRow): boolean | undefined {
  const run = table.runOf(row.identity.pid);
  if (run === undefined) return undefined;
  if (run !== null) return run === runId;
  const outputs = table.outputsOf(row.identity.pid).map((file) => file.replace(/ \(deleted\)$/, ''));
  return outputs.some((file) => file === log || file === pipe);
}

function withDescendants(
  search: Search,
  main: { wrapper: ProcessRow | null; agent: Identity | null },
  roots: ProcessRow[],
): ProcessRow[] {
  const { table, runId, claimed, children } = search;
  const found = new Map<number, ProcessRow>();
  const queue = [...roots];
  for (let row = queue.shift(); row; row = queue.shift()) {
    const { pid } = row.identity;
    if (found.has(pid) || pid <= 1 || pid === process.pid || row.hasEnded) continue;
    if ((claimed !== null && isSame(row.identity, claimed)) || isOfWrapper(search, row, main)) continue;
    const run = table.runOf(pid);
    if (typeof run === 'string' && run !== runId) continue;
    found.set(pid, row);
    queue.push(...(children.get(pid) ?? []));
  }
  return [...found.values()];
}

/**
 * The wrapper's helper processes write the exit code and empty the pipe: killing them would turn an ended run into a lost one, or lose the last output.
 */
function isOfWrapper(
  { byPid }: Search,
  row: ProcessRow,
  { wrapper, agent }: { wrapper: ProcessRow | null; agent: Identity | null },
): boolean {
  if (wrapper === null || agent === null) return false;
  const isBeside = ({ parent, identity }: ProcessRow) => parent === wrapper.identity.pid && !isSame(identity, agent);
  const parent = byPid.get(row.parent);
  return isBeside(row) || (parent !== undefined && isBeside(parent));
}
