/** `stator server list`. */
import { defineVerb } from '../command.ts';
import { serverList } from './server.ts';

export default defineVerb({
  summary: 'The forges that you know: your own first, then those that came with stator.',
  args: {},
  examples: ['stator server list', 'stator server list --json'],
  async run(_args, call) {
    const { out } = call;
    const entries = serverList(call.env).list();
    out.answer(entries, () =>
      out.table(
        ['name', 'kind', 'url', 'token', ''],
        entries.map((entry) => [
          entry.name,
          entry.kind,
          entry.url,
          entry.token ?? 'usual places',
          [entry.default ? 'default' : '', entry.allow_private ? 'may be private' : '']
            .filter((word) => word !== '')
            .join(', '),
        ]),
        '',
      ),
    );
    return 0;
  },
});
