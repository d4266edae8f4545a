/** `stator completion`. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import { didYouMeanOr } from '../runtime/base/config/nearest.ts';
import { defineVerb, type Verb } from './command.ts';
import { bashScript } from './completion/bash.ts';
import { fishScript } from './completion/fish.ts';
import { commandTree, type Tables } from './completion/tree.ts';
import { zshScript } from './completion/zsh.ts';

const shells = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** The verb over those tables. */
export function completionVerb(tables: Tables): Verb {
  return defineVerb({
    summary: 'Print the completion script of a shell: commands, flags, and the names of plans, agents and repos.',
    args: { shell: { type: 'positional', description: 'bash, zsh or fish' } },
    examples: [
      'source <(stator completion bash)    # in ~/.bashrc',
      'source <(stator completion zsh)     # in ~/.zshrc, after compinit',
      'stator completion fish > ~/.config/fish/completions/stator.fish',
    ],
    async run({ shell }, { out }) {
      const names = Object.keys(shells);
      if (!Object.hasOwn(shells, shell)) {
        const hint = didYouMeanOr(shell, names, `one of ${names.join(', ')}`);
        throw new EngineError('usage', `no completion for "${shell}"`, hint);
      }
      const script = shells[shell as keyof typeof shells](await commandTree(tables)); // proven by hasOwn
      if (out.json) out.print(JSON.stringify({ shell, script }));
      else out.stdout.write(script);
    },
  });
}
