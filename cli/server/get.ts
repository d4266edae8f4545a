/** `stator server get`. */
import { defineVerb } from '../command.ts';
import { serverList } from './server.ts';

export default defineVerb({
  summary: 'One forge, and where its token comes from; without a name the default one.',
  args: { name: { type: 'positional', required: false, description: 'its name in stator server list' } },
  examples: ['stator server get', 'stator server get work --json'],
  more: 'The token itself is never shown. Whether the forge takes it: stator doctor',
  async run({ name }, call) {
    const { out } = call;
    const found = await serverList(call.env).show(name);
    const looked = found.token_variables.join(', ');
    out.answer(found, () => [
      `${found.name}  ${found.kind}  ${found.url}${found.default ? '  (default)' : ''}`,
      `token: ${found.token_from === null ? `none; looked for in ${looked}` : `from ${found.token_from}`}`,
      ...(found.env_file === null ? [] : [`env file: ${found.env_file}`]),
      ...(found.allow_private ? ['may be at a private address'] : []),
    ]);
    return 0;
  },
});
