/** Facts of all repos as lines, or as documents under --json. */
import { clockTime } from '../../machines/vocabulary/time-text.ts';
import type { Client, FactEntry } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { sizeOf, type Tone } from '../output.ts';
import { type FactContext, factText, hasFailed, whyOf } from '../run/fact-line.ts';
import { cut, plain, widthOf } from '../text.ts';

export interface FactPrinter {
  fact(fact: FactEntry): Promise<void>;
  connection(state: 'connected' | 'gone'): Promise<void>;
}

/** A plan's titles and reasons are read once for all facts within this time. */
const freshMs = 500;
const bare: FactContext = { tasks_by_wave: [], blocked: null, questions: [] };

export function createFactPrinter({ out }: Call, client: Pick<Client, 'plan' | 'status'>): FactPrinter {
  const known = new Map<string, { plan: FactContext; atMs: number }>();

  async function contextOf({ project, plan }: FactEntry): Promise<FactContext> {
    if (project === null || plan === null) return bare;
    const key = `${project}/${plan}`;
    const before = known.get(key);
    if (before !== undefined && performance.now() - before.atMs < freshMs) return before.plan;
    // A plan that was deleted meanwhile still has its facts.
    const found = await client.plan(project, plan).catch(() => bare);
    known.set(key, { plan: found, atMs: performance.now() });
    return found;
  }

  return {
    async fact(fact) {
      if (out.json) {
        out.print(JSON.stringify(fact));
        return;
      }
      const said = factText(fact, bare) === null ? null : factText(fact, await contextOf(fact));
      const text = said ?? (out.verbose ? rawText(fact) : null);
      if (text === null) return;
      const name = fact.plan === null ? (fact.project ?? 'stator') : `${fact.project}/${fact.plan}`;
      const time = clockTime(fact.at);
      const room = out.stdout.isTTY === true ? sizeOf(out.stdout).width : Number.POSITIVE_INFINITY;
      const shown = cut(text, room - widthOf(`${time} ${name} `));
      const indent = ' '.repeat(time.length + 1);
      const more = whyOf(fact).map((line) => out.paint('dim', cut(`${indent}${line}`, room)));
      out.print(`${out.paint('dim', time)} ${out.paint('strong', name)} ${out.paint(toneOf(fact), shown)}`, ...more);
    },
    async connection(state) {
      const time = new Date().toISOString();
      const pid =
        state === 'connected'
          ? await client.status().then(
              (answer) => answer.pid,
              () => null,
            )
          : null;
      if (out.json) {
        out.print(
          JSON.stringify(
            state === 'connected' ? { type: 'engine_connected', at: time, pid } : { type: 'engine_gone', at: time },
          ),
        );
        return;
      }
      const text =
        state === 'connected'
          ? `an engine is there again${pid === null ? '' : ` (pid ${pid})`}`
          : 'the engine went away; waiting for the next one';
      out.print(`${out.paint('dim', clockTime(time))} ${out.paint('attention', text)}`);
    },
  };
}

function rawText({ actor, event, from, to }: FactEntry): string {
  const where = actor === '' ? '' : `${actor} `;
  return plain(`${where}${event}${from === to ? '' : `: ${from === '' ? '' : `${from} -> `}${to}`}`);
}

function toneOf(fact: FactEntry): Tone {
  if (fact.refused !== null || hasFailed(fact)) return 'bad';
  const { to_tags: tags } = fact;
  if (tags.some((tag) => waits.has(tag))) return 'attention';
  return tags.some((tag) => tag.endsWith(':done') || tag === 'run:succeeded') ? 'good' : 'plain';
}

const waits: ReadonlySet<string> = new Set(['needs:answers', 'needs:person', 'run:waiting', 'phase:wave_waiting']);
