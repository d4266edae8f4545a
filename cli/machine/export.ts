/** `stator machine export`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { nearest } from '../../runtime/base/config/nearest.ts';
import { defineVerb } from '../command.ts';
import { planNamed } from '../named-plan.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';

const formats = ['mermaid', 'json', 'svg'] as const;
const themes = ['light', 'dark', 'both'] as const;

/** Throws `usage` with the nearest word. */
function oneOf<Word extends string>(flag: string, said: string, words: readonly Word[]): Word {
  const known = words.find((word) => word === said);
  if (known !== undefined) return known;
  const meant = nearest(said, words);
  const hint = `give one of ${words.join(', ')}`;
  throw new EngineError('usage', `${flag} is "${said}"`, meant === null ? hint : `did you mean ${meant}? ${hint}`);
}

export default defineVerb({
  summary: 'A statechart that runs: a picture, Mermaid or JSON.',
  args: {
    name: { type: 'positional', description: 'supervisor, repo, plan, wave, task or agent; or one of your own' },
    format: {
      type: 'string',
      valueHint: formats.join('|'),
      description: 'default mermaid; with --plan or --theme svg',
    },
    plan: {
      type: 'string',
      valueHint: 'plan',
      description: 'in the picture the states are lit in which it stands now',
    },
    theme: {
      type: 'string',
      valueHint: themes.join('|'),
      description: "of the picture; default both: as the reader's system",
    },
  },
  examples: [
    'stator machine export plan --format mermaid > plan.mmd',
    'stator machine export plan --plan login > login.svg',
    'stator machine export agent --plan login --theme dark > agents.svg',
  ],
  more: 'One of your own has no picture: give --format mermaid or json. Of wave, task and agent the states of all that live in the plan are lit; of repo those of its repo.',
  async run({ name, format, plan, theme }, call) {
    const { out } = call;
    const isDrawn = plan !== undefined || theme !== undefined;
    const wanted = oneOf('--format', format ?? (isDrawn ? 'svg' : out.json ? 'json' : 'mermaid'), formats);
    if (isDrawn && wanted !== 'svg')
      throw new EngineError('usage', `${wanted} has no --plan and no --theme`, 'give --format svg with them');
    const look = theme === undefined ? {} : { theme: oneOf('--theme', theme, themes) };
    const quiet = { ...call, out: { ...out, noteOnce: () => undefined } }; // a definition is the same with and without an engine
    const text = await withClient(plan === undefined ? quiet : call, 'read', async (client) => {
      if (plan === undefined) return client.machine(name, wanted, look);
      const project = requireProject(call);
      return client.machine(name, wanted, { ...look, project, plan: await planNamed(call, client, project, plan) });
    });
    if (plan !== undefined && !/ class="[^"]*\blit\b/.test(text))
      out.note(`nothing is lit: no ${name} of ${plan} lives now`);
    out.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    return 0;
  },
});
