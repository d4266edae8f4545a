/**
 * Starts programs. The system copies the memory map of a process to start another: an engine of 160 MB pauses for some 6 ms each time, and copies
 * each page that it writes to afterwards. So a process that starts many uses a small helper process, which is begun when there is need and ended when there is
 * none for a while. Where that one cannot be started, or is not ready, the program is started here.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { type Captured, type CaptureRequest, capture } from './capture.ts';
import { type DetachEnd, type DetachRequest, startDetached } from './detached.ts';
import { inPackage } from './package-files.ts';
import type { SpawnReport, SpawnRequest } from './spawner-process.ts';

/** A verb starts fewer, and so does an engine that only reads. */
const fewStarts = 20;
/** After this time a start no longer counts, and an idle helper process ends. */
const idleMs = 20_000;

export interface Spawner {
  /** As `capture`. If the helper process died, the end of the program is unknown: it is ended, and counts as killed. */
  capture(request: CaptureRequest, onStart: (pid: number) => void): Promise<Captured>;
  /**
   * As `startDetached`, until the answered function is called: then an end is no longer reported. If the helper process died, the program may live, and
   * counts as ended by a signal.
   */
  detach(request: DetachRequest, onEnd: (ended: DetachEnd) => void): () => void;
  /** Many starts will follow: the helper process is started now. */
  expectMany(): void;
  /** The helper process; null: there is none now. */
  pid(): number | null;
}

interface Flight {
  take(report: SpawnReport): void;
  /** The helper process has died. */
  lose(): void;
}

/** The spawner of this process. */
export const spawner = createSpawner();

/** Nothing is started in advance, and a spawner never keeps this process from ending. `few`: how many programs are started here, within `idleMs`. */
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
    flights.get(report.id)?.take(report);
  }

  function land(id: number): void {
    flights.delete(id);
    if (flights.size === 0) helper?.channel?.unref();
  }

  /** It died, or could not be started: it is not started again before there was a pause. */
  function leave(child: ChildProcess): void {
    if (helper !== child) return;
    helper = null;
    isReady = false;
    hasFailed = true;
    const lost = [...flights.values()];
    flights.clear();
    for (const flight of lost) flight.lose();
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

  /** Whether the helper process can be asked for one more start. */
  function hasHelp(): boolean {
    stayAwake();
    starts += 1;
    if (helper === null && !hasFailed && starts > few) begin();
    return helper !== null && isReady;
  }

  /** Returns the number of the request. */
  function send(wanted: { capture: CaptureRequest } | { detach: DetachRequest }, flight: Flight): number {
    lastId += 1;
    flights.set(lastId, flight);
    helper?.channel?.ref();
    const request: SpawnRequest = { id: lastId, ...wanted };
    // A failure to send means its death, and `leave` is called then.
    helper?.send(request, () => {});
    return lastId;
  }

  return {
    capture(request, onStart) {
      if (!hasHelp()) return capture(request, onStart);
      return new Promise((resolve) => {
        let started: number | null = null;
        const id = send(
          { capture: request },
          {
            take(report) {
              if ('pid' in report) {
                started = report.pid;
                onStart(report.pid);
              } else if ('captured' in report) {
                land(id);
                resolve(report.captured);
              }
            },
            lose() {
              if (started !== null) endGroup(started);
              resolve({ exitCode: null, signal: 'SIGTERM', stdout: '', stderr: '', isTooLong: false, failure: null });
            },
          },
        );
      });
    },
    detach(request, onEnd) {
      if (!hasHelp()) {
        let isListening = true;
        startDetached(request, (ended) => (isListening ? onEnd(ended) : undefined));
        return () => {
          isListening = false;
        };
      }
      const id = send(
        { detach: request },
        {
          take(report) {
            if (!('ended' in report)) return;
            land(id);
            onEnd(report.ended);
          },
          lose: () => onEnd({ how: 'the process that started it died', code: null, isSignalled: true, failure: null }),
        },
      );
      return () => land(id);
    },
    expectMany() {
      stayAwake();
      if (helper === null && !hasFailed) begin();
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
