/** The socket through which one run, or one check, speaks to the engine. Who serves it stands above the effects; here is what they ask for. */

/** Whose socket it is. A run is known by its token as well; a check has no say, and looks at its own plan only. */
export interface SocketOwner {
  /** The name of the run's folder: its secret makes the socket's place one that nobody foretells. */
  readonly launch: string;
  readonly project: string;
  readonly plan: string;
  /** The key of the run; null: a check. */
  readonly run: string | null;
}

export interface RunSocket {
  /** Absolute; its folder is the run's own, and the same for every engine of this home. */
  readonly path: string;
  /** Serves it no more; the folder stays for the next engine, which serves it again. */
  leave(): Promise<void>;
  /** The run is over: the folder goes too. */
  remove(): Promise<void>;
}

export interface RunSockets {
  /** Serves it from here on. Where it cannot be made that is told in the log, and the run leaves its words in other ways. */
  open(owner: SocketOwner): Promise<RunSocket>;
}

/** Serves the socket for as long as `work` takes. Where that throws, the run may go on under the next engine, and the folder stays. */
export async function withSocket<T>(
  sockets: RunSockets,
  owner: SocketOwner,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const socket = await sockets.open(owner);
  let isOver = false;
  try {
    const answer = await work(socket.path);
    isOver = true;
    return answer;
  } finally {
    await (isOver ? socket.remove() : socket.leave());
  }
}
