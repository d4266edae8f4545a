/** `stator doctor`. */
import { defineVerb } from './command.ts';
import { examine } from './doctor/checks.ts';

export default defineVerb({
  summary: 'Check this machine and the repo you stand in: exit 0, or 1 where something is in the way.',
  args: {},
  examples: ['stator doctor'],
  async run(_args, call) {
    const { out } = call;
    const checks = await examine(call);
    const isOk = checks.every((check) => check.ok);
    out.answer({ ok: isOk, checks }, () => [
      ...out.table(
        ['', 'check', 'found'],
        checks.map(({ name, ok, detail }) => [
          ok ? { text: '✓', tone: 'good' } : { text: '✗', tone: 'bad' },
          name,
          detail,
        ]),
        '',
      ),
      ...checks.filter((check) => !check.ok).flatMap(({ name, hint }) => ['', `${name}: ${hint}`]),
    ]);
    return isOk ? 0 : 1;
  },
});
