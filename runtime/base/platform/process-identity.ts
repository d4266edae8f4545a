/** The identity of a process, and one snapshot of all processes of the machine. */

/** Process ids are reused and start times repeat after a reboot, so only all three together identify a process. */
export interface Identity {
  readonly boot: string;
  readonly pid: number;
  /** Linux: clock ticks since boot, field 22 of `/proc/<pid>/stat`. Elsewhere: `ps -o lstart=`. */
  readonly start: string;
}

export interface ProcessRow {
  readonly identity: Identity;
  readonly parent: number;
  readonly session: number;
  /** One letter, as `ps` shows it: R, S, D, T, Z. */
  readonly state: string;
  /** A zombie has ended: only its parent has not reaped it yet. */
  readonly hasEnded: boolean;
  readonly name: string;
}

/** All processes that lived during the whole reading, and some that began or ended meanwhile. */
export interface ProcessTable {
  readonly boot: string;
  readonly rows: readonly ProcessRow[];
  /** Wall clock, milliseconds, of an identity's start. */
  startedAtMs(start: string): number;
  /**
   * The value of STATOR_RUN in the environment that the process was started with; null: none, or not ours to read; undefined: not known, because the process
   * has been replacing its program all the time.
   */
  runOf(pid: number): string | null | undefined;
  /** The arguments that the process was started with, if they can be read; with `ps`, a space within an argument separates it. */
  argumentsOf(pid: number): readonly string[];
  /** The files behind standard output and error, where they can be read. */
  outputsOf(pid: number): readonly string[];
}
