/** Facts of the whole house as lines, or as documents under --json. */
import type { Client, FactEntry } from '../../runtime/control/client.ts';
import type { Tone } from '../colour.ts';
import type { Call } from '../command.ts';
import { factLine, type Surroundings } from '../run/fact-line.ts';
import { clockTime, plain } from '../text.ts';

export interface Teller {
  fact(fact: FactEntry): Promise<void>;
  connection(state: 'connected' | 'gone'): Promise<void>;
}

/** What a plan looks like is asked again after this: titles and reasons, for many facts at once. */
const freshMs = 500;
const bare: Surroundings = { tasks_by_wave: [], blocked: null };

export function createTeller({ out }: Call, client: Pick<Client, 'plan' | 'status'>): Teller {
  const known = new Map<string, { plan: Surroundings; atMs: number }>();

  async function surroundings({ project, plan }: FactEntry): Promise<Surroundings> {
    if (project === null || plan === null) return bare;
    const key = `${project}/${plan}`;
    const before = known.get(key);
    if (before !== undefined && performance.now() - before.atMs < freshMs) return before.plan;
    // A plan that was deleted since has its facts still.
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
      const line = factLine(fact, bare) === null ? null : factLine(fact, await surroundings(fact));
      const text = line ?? (out.verbose ? rawLine(fact) : null);
      if (text === null) return;
      const name = fact.plan === null ? (fact.project ?? 'stator') : `${fact.project}/${fact.plan}`;
      const [time = '', ...words] = text.split(' ');
      out.print(`${out.paint('dim', time)} ${out.paint('strong', name)} ${out.paint(toneOf(fact), words.join(' '))}`);
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

function rawLine({ at, actor, event, from, to }: FactEntry): string {
  const where = actor === '' ? '' : `${actor} `;
  return `${clockTime(at)} ${plain(`${where}${event}${from === to ? '' : `: ${from === '' ? '' : `${from} -> `}${to}`}`)}`;
}

function toneOf({ refused, to }: FactEntry): Tone {
  if (refused !== null || /(?:^|\.)failed$/.test(to)) return 'bad';
  if (to.startsWith('attention.blocked') || to.includes('waiting')) return 'attention';
  return /(?:^|\.)(?:done|succeeded)$/.test(to) ? 'good' : 'plain';
}
