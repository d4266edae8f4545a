/** The content of the demo's repo: the plan, its agents, and a reviewer that asks for one change. */

function task(number: number, title: string, script: readonly string[], more: readonly string[] = []): string {
  return [`### Task ${number}: ${title}`, '', ...more, '', '```sh', ...script, '```', ''].join('\n');
}

/** The short sleeps let a person watch the run. */
export const planText = [
  '# Say hello',
  '',
  '**Goal:** a greeting, written by five agents and read by a sixth',
  '',
  '## Wave 1',
  '',
  task(1, 'Write the greeting', ['echo "writing the greeting"', 'sleep 0.5', 'echo "hello, world" >greeting.txt']),
  task(2, 'Write the farewell', ['echo "writing the farewell"', 'sleep 0.8', 'echo "goodbye" >farewell.txt']),
  task(3, 'Write the list of languages', [
    'echo "thinking of languages"',
    'sleep 1',
    'printf "en\\nde\\nja\\n" >languages.txt',
  ]),
  '## Wave 2',
  '',
  task(
    1,
    'Put the words together',
    ['sleep 0.5', 'cat greeting.txt farewell.txt >words.txt', 'wc -l words.txt'],
    ['**Check:** test -s words.txt'],
  ),
  task(2, 'Count the languages', ['sleep 0.8', 'wc -l <languages.txt >count.txt', 'echo "counted"']),
].join('\n');

const config = `# Who plays which role in this repo.
[agents.default]
preset = "sh"                # runs the sh blocks of a task

[agents.planner]
enabled = false              # the plan is written already

[agents.reviewer]
preset = "command"           # exit 0 approves, 1 asks for changes
program = "./tools/review.sh"

[agents.fixer]
preset = "command"
program = "./tools/fix.sh"
`;

const review = `#!/bin/sh
echo "reading the greeting"
sleep 0.5
if grep -q '!' greeting.txt; then echo "cheerful now"; exit 0; fi
echo "greeting.txt is not cheerful: end it with an exclamation mark"
exit 1
`;

const fix = `#!/bin/sh
echo "making the greeting cheerful"
sleep 0.5
echo "hello, world!" >greeting.txt
cat greeting.txt farewell.txt >words.txt
`;

export const files: Readonly<Record<string, { readonly text: string; readonly isProgram: boolean }>> = {
  'README.md': { text: '# hello\n\nA throw-away repo for the demo of stator.\n', isProgram: false },
  'hello.md': { text: planText, isProgram: false },
  '.stator/config.toml': { text: config, isProgram: false },
  'tools/review.sh': { text: review, isProgram: true },
  'tools/fix.sh': { text: fix, isProgram: true },
};
