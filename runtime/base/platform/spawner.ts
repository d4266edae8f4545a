/**
 * Starts programs whose output is taken. The system copies the memory map of a process to start another: an engine of 160 MB stands still for some 6 ms
 * each time. So whoever starts many does it through a small process, which is begun when there is need and ended when there is none for a while. Where that
 * one cannot be started, or is not ready, the program is started here.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { type Captured, type CaptureRequest, capture } from './capture.ts';
import { inPackage } from './package-files.ts';
import type { SpawnReport, SpawnRequest } from './spawner-process.ts';

/** A verb starts fewer, and so does an engine that is started for a look. */
const fewStarts = 20;
/** After which a start counts no more, and the process ends. */
const idleMs = 20_000;

export interface Spawner {
  /** As `capture`. Where the small process died, nobody knows how the program ended: it is ended, and counts as killed. */
  capture(request: CaptureRequest, onStart: (pid: number) => void): Promise<Captured>;
  /** The small process; null: there is none now. */
  pid(): number | null;
}

interface Flight {
  readonly onStart: (pid: number) => void;
  readonly resolve: (captured: Captured) => void;
  pid: number | null;
}

/** Nothing runs before the first starts, and nothing of it keeps this process from ending. `few`: so many are started here, within `idleMs`. */
export function createSpawner({ few = fewStarts }: { readonly few?: number } = {}): Spawner {
  let helper: ChildProcess | null = null;
  let isReady = false;
  let hasFailed = false;
  let starts = 0;
  let lastId = 0;
  let idle: NodeJS.Timeout | undefined;
  const flights = new Map<number, Flight>();

  function begin(): void {
    const child = fork(inPackage('dist', 'bin', 'spawner-process.js'), [], {
      cwd: '/',
      env: {},
      execArgv: [],
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    helper = child;
    child.on('message', (report: SpawnReport) => take(report));
    child.once('error', () => leave(child)).once('exit', () => leave(child));
    child.unref();
    child.channel?.unref();
  }

  function take(report: SpawnReport): void {
    isReady = true;
    const flight = flights.get(report.id);
    if (flight === undefined) return;
    if ('pid' in report) {
      flight.pid = report.pid;
      flight.onStart(report.pid);
      return;
    }
    flights.delete(report.id);
    if (flights.size === 0) helper?.channel?.unref();
    flight.resolve(report.captured);
  }

  /** It died, or could not be started: it is not tried again before things are quiet. */
  function leave(child: ChildProcess): void {
    if (helper !== child) return;
    helper = null;
    isReady = false;
    hasFailed = true;
    for (const [id, { pid, resolve }] of flights) {
      flights.delete(id);
      if (pid !== null) endGroup(pid);
      resolve({ exitCode: null, signal: 'SIGTERM', stdout: '', stderr: '', isTooLong: false, failure: null });
    }
  }

  function rest(): void {
    starts = 0;
    hasFailed = false;
    if (flights.size > 0) {
      stayAwake();
      return;
    }
    const child = helper;
    helper = null;
    isReady = false;
    if (child?.connected === true) child.disconnect();
  }

  function stayAwake(): void {
    clearTimeout(idle);
    idle = setTimeout(rest, idleMs).unref();
  }

  return {
    capture(request, onStart) {
      stayAwake();
      starts += 1;
      if (helper === null && !hasFailed && starts > few) begin();
      if (helper === null || !isReady) return capture(request, onStart);
      lastId += 1;
      const wanted: SpawnRequest = { id: lastId, ...request };
      return new Promise((resolve) => {
        flights.set(wanted.id, { onStart, resolve, pid: null });
        helper?.channel?.ref();
        // A failure to send is its death, which `leave` is told of.
        helper?.send(wanted, () => {});
      });
    },
    pid: () => helper?.pid ?? null,
  };
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}
