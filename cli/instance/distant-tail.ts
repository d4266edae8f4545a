/** The log of an agent whose files are on another host: its end is read there at each look, and compared with what was read before. */
import type { Client } from '../../runtime/api/client/client.ts';

/** How much of the new text is searched for in the old one, to find its place. */
const markChars = 1_000;

export interface DistantTail {
  /** What is new, in whole lines and safe to print; `rest` also takes a line that is not ended. */
  read(client: Pick<Client, 'runLogs'>, options: { readonly rest: boolean }): Promise<string>;
}

export function createDistantTail(project: string, title: string, attempt: number): DistantTail {
  let before = '';
  return {
    async read(client, { rest }) {
      // Its newest run, whose id that host gives from its own home.
      const log = (await client.runLogs({ project, title })).at(-1);
      const text = log?.attempt === attempt ? log.text : '';
      const end = rest ? text : text.slice(0, text.lastIndexOf('\n') + 1);
      const fresh = newPart(before, end);
      if (fresh !== '') before = end;
      return fresh;
    },
  };
}

/** The part of a log's end that an earlier end did not have; all of it, if the two have nothing in common. */
export function newPart(before: string, end: string): string {
  if (end.startsWith(before)) return end.slice(before.length);
  // What is read is the last 64 KiB: its first line may be cut.
  const lines = end.slice(end.indexOf('\n') + 1);
  const mark = lines.slice(0, markChars);
  for (let at = before.indexOf(mark); at >= 0 && mark !== ''; at = before.indexOf(mark, at + 1)) {
    const common = before.slice(at);
    if (lines.startsWith(common)) return lines.slice(common.length);
  }
  return end;
}
