/** The socket through which one run, or one check, reaches the engine. A higher layer serves it; this is the interface that the effects use. */

/** The socket's owner. A run is also identified by its token. A check may change nothing, and reads only its own plan. */
export interface SocketOwner {
  /** The name of the run's folder: it is secret, so that the socket's path cannot be guessed. */
  readonly launch: string;
  readonly project: string;
  readonly plan: string;
  /** The key of the run; null: a check. */
  readonly run: string | null;
}

export interface RunSocket {
  /** Absolute; its folder is the run's own, and the same for every engine of this home. */
  readonly path: string;
  /** Stops serving; the folder stays for the next engine, which serves it again. */
  leave(): Promise<void>;
  /** To be called when the run is over: also removes the folder. */
  remove(): Promise<void>;
}

export interface RunSockets {
  /** Begins to serve it. If the socket cannot be made, that is logged, and the run sends its signals in other ways. */
  open(owner: SocketOwner): Promise<RunSocket>;
}

/** Serves the socket while `work` runs. If that throws, the run may go on under the next engine, so the folder stays. */
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
