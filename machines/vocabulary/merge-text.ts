/** What a merge of a plan made, as people read it everywhere. Pure. */

interface Merge {
  /** The commit of the branch `into` that holds the plan. */
  readonly head: string;
  readonly into: string;
  /** What a person should know of it, such as work in it that was not checked. */
  readonly note?: string | undefined;
}

/** `into main, 0123456789ab`, and the note on lines of its own if there is one. */
export function mergeLines({ head, into, note }: Merge): [where: string, ...notes: string[]] {
  return [`into ${into}, ${head.slice(0, 12)}`, ...(note?.split('\n') ?? [])];
}
