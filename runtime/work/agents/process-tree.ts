/**
 * All processes of one run, and no other: found anew at each look, because agents fork, leave their group, and start servers.
 *
 * A process belongs to a run by one of five signs: it is the wrapper or the agent; it is in the wrapper's session (which holds its group); it
 * descends from one that belongs; it was handed to init and carries STATOR_RUN of this run, or has its output on this run's pipe or log. One that carries
 * the id of another run never belongs, nor does what descends from it, nor do we ourselves.
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
} from '../../base/platform/process-table.ts';
import { outputPipe, type RunFolder, readAgent, readClaim } from './run-folder.ts';

export interface RunTree {
  /** Apart, because it is never asked to end: it ends by itself once the agent has gone and the exit code is written. */
  readonly wrapper: Identity | null;
  /** The live processes, parents before their children. */
  readonly members: readonly Identity[];
  readonly rows: readonly ProcessRow[];
}

interface Search {
  readonly table: ProcessTable;
  readonly folder: RunFolder;
  readonly runId: string;
  /** null: the folder is gone, and with it who the wrapper was. */
  readonly claimed: Identity | null;
  /** As /proc shows it, with the links of the home resolved. */
  readonly log: string;
  /** The marker of the pipe. */
  readonly pipe: string | null;
  /** Zombies too, by number: a session's number stays taken while its dead leader waits to be reaped. */
  readonly byPid: ReadonlyMap<number, ProcessRow>;
}

/** Clocks and ticks are compared over this much inexactness. */
const SLACK_MS = 1000;
/** An ancestry is no longer than this; a bound against a table that was read while numbers were reused. */
const MAX_ANCESTORS = 1000;

/** The live processes of a run, the wrapper first; empty where none was started, or before the machine's last start. */
export function processesOf(folder: RunFolder, runId: string): Identity[] {
  const { wrapper, members } = findTree(folder, runId);
  return wrapper === null ? [...members] : [wrapper, ...members];
}

export interface TreeMemory {
  /** Members of an earlier look: they stay members where nothing else ties them to the run any more. */
  readonly seen?: readonly Identity[];
  /** The wrapper as the store knows it: for a run whose folder is gone. */
  readonly known?: Identity | null;
}

const nobody = { wrapper: null, members: [], rows: [], isSure: true } as const;

/** Orphans that end while they are looked at are mostly nobody's of ours; more looks than this are not made for them. */
const MAX_LOOKS = 20;

/**
 * One look, begun again where somebody ended in the middle of it whose children may be of this run. Of a run whose folder is gone the wrapper is
 * the one that is known, or that names this folder as its own.
 */
export function findTree(folder: RunFolder, runId: string, memory: TreeMemory = {}): RunTree {
  for (let look = 1; ; look++) {
    const { isSure, ...tree } = lookOnce(folder, runId, memory);
    if (isSure || tree.members.length > 0 || look === MAX_LOOKS) return tree;
  }
}

function lookOnce(
  folder: RunFolder,
  runId: string,
  { seen = [], known = null }: TreeMemory,
): RunTree & { isSure: boolean } {
  const claim = readClaim(folder);
  if (claim?.kind === 'void' && known === null) return nobody;
  const table = readProcessTable();
  const claimed = claim?.kind === 'wrapper' ? claim.wrapper : (known ?? wrapperByName(table, folder));
  if (claimed !== null && claimed.boot !== table.boot) return nobody;
  const byPid = new Map(table.rows.map((row) => [row.identity.pid, row]));
  const log = existsSync(folder.log) ? realpathSync(folder.log) : folder.log;
  const pipe = claimed === null ? null : join(dirname(log), basename(outputPipe(folder, claimed)));
  const search: Search = { table, folder, runId, claimed, log, pipe, byPid };
  const wrapper = claimed && rowOf(search, claimed);
  const agent = readAgent(folder);
  const orphans = handedToInit(search);
  const rows = withDescendants(search, { wrapper, agent }, [
    ...[agent, ...seen].map((identity) => identity && rowOf(search, identity)).filter((row) => row !== null),
    ...(wrapper === null ? [] : table.rows.filter((row) => row.parent === wrapper.identity.pid)),
    ...sessionOf(search),
    ...orphans.marked,
  ]);
  return {
    wrapper: wrapper && !wrapper.hasEnded ? wrapper.identity : null,
    members: rows.map((row) => row.identity),
    rows,
    isSure: orphans.ended.length === 0,
  };
}

/** A wrapper is started with the path of its script in its run's folder. */
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
 * The wrapper leads its session, so a number that now leads with another start time is somebody else's. Where the leader has gone, the number may have been
 * free for a while: then a process counts if it began while the wrapper still lived, or shares the session with one that is marked.
 */
function sessionOf(search: Search): ProcessRow[] {
  const { table, byPid, claimed } = search;
  if (claimed === null) return [];
  const rows = table.rows.filter((row) => row.session === claimed.pid && row.identity.pid !== claimed.pid);
  if (rows.length === 0) return [];
  const leader = byPid.get(claimed.pid);
  if (leader) return isSame(leader.identity, claimed) ? rows : [];
  if (rows.some((row) => isMarked(search, row))) return rows;
  const endedAtMs = statSync(search.folder.exit, { throwIfNoEntry: false })?.mtimeMs;
  return rows.filter((row) => endedAtMs !== undefined && table.startedAtMs(row.identity.start) <= endedAtMs + SLACK_MS);
}

/**
 * Orphans: their parent is init or what takes its place. Under any other parent a mark proves nothing, since a server that another run
 * started, or its user, may have been asked to start them.
 */
function handedToInit(search: Search): { marked: ProcessRow[]; ended: ProcessRow[] } {
  const { table, claimed } = search;
  const adopters = adoptersIn(search);
  const sinceMs = claimed === null ? 0 : table.startedAtMs(claimed.start) - SLACK_MS;
  const young = table.rows.filter(
    (row) => !row.hasEnded && adopters.has(row.parent) && table.startedAtMs(row.identity.start) >= sinceMs,
  );
  const marked = young.filter((row) => isMarked(search, row));
  // Of one who ended before its mark was read it is not known whose it was.
  const ended = young.filter((row) => !marked.includes(row) && !isAlive(row.identity));
  return { marked, ended };
}

/** Pid 1, the session managers of systemd, and our own ancestors, any of which may have made itself the reaper of orphans. */
function adoptersIn({ table, byPid }: Search): Set<number> {
  const adopters = new Set([1]);
  for (const row of table.rows) if (row.name === 'systemd') adopters.add(row.identity.pid);
  let pid = byPid.get(process.pid)?.parent ?? 1;
  for (let depth = 0; pid > 1 && depth < MAX_ANCESTORS; depth++) {
    adopters.add(pid);
    pid = byPid.get(pid)?.parent ?? 1;
  }
  return adopters;
}

function isMarked({ table, runId, log, pipe }: Search, row: ProcessRow): boolean {
  const run = table.runOf(row.identity.pid);
  if (run !== null) return run === runId;
  const outputs = table.outputsOf(row.identity.pid).map((file) => file.replace(/ \(deleted\)$/, ''));
  return outputs.some((file) => file === log || file === pipe);
}

function withDescendants(
  search: Search,
  main: { wrapper: ProcessRow | null; agent: Identity | null },
  roots: ProcessRow[],
): ProcessRow[] {
  const { table, runId, claimed } = search;
  const children = childrenIn(table);
  const found = new Map<number, ProcessRow>();
  const queue = [...roots];
  for (let row = queue.shift(); row; row = queue.shift()) {
    const { pid } = row.identity;
    if (found.has(pid) || pid <= 1 || pid === process.pid || row.hasEnded) continue;
    if ((claimed !== null && isSame(row.identity, claimed)) || isOfWrapper(search, row, main)) continue;
    const run = table.runOf(pid);
    if (run !== null && run !== runId) continue;
    found.set(pid, row);
    queue.push(...(children.get(pid) ?? []));
  }
  return [...found.values()];
}

function childrenIn({ rows }: ProcessTable): Map<number, ProcessRow[]> {
  const children = new Map<number, ProcessRow[]>();
  for (const row of rows) {
    const siblings = children.get(row.parent);
    if (siblings) siblings.push(row);
    else children.set(row.parent, [row]);
  }
  return children;
}

/**
 * What the wrapper starts beside the agent writes the exit code and empties the pipe: to kill it would turn an ended run into a lost one, or lose the last
 * that was said.
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
