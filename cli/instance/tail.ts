/** The end of an agent's output, as text. */
import type { Call } from '../command.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { plainLines } from '../text.ts';
import { findInstance } from './view.ts';

/** All that is stored of it (64 KiB), or its last lines. Answers the exit code. Throws `not_found`. */
export async function printTail(
  call: Call,
  { title, lines }: { readonly title: string; readonly lines: number | null },
): Promise<number> {
  const project = requireProject(call);
  const text = await withClient(call, 'read', async (client) => {
    findInstance(await client.instances({ project }), title);
    return client.capture({ project, title });
  });
  const shown = plainLines(lines === null ? text : lastLines(text, lines));
  const { out } = call;
  if (out.json) out.print(JSON.stringify({ title, text: shown }));
  else if (shown !== '') out.quote(shown.replace(/\n$/, ''));
  return 0;
}

/** The line that is not finished yet counts as one. */
function lastLines(text: string, count: number): string {
  const isWhole = text.endsWith('\n');
  const lines = (isWhole ? text.slice(0, -1) : text).split('\n');
  return `${lines.slice(-count).join('\n')}${isWhole ? '\n' : ''}`;
}
