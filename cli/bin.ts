#!/usr/bin/env node
/** The file that the command `stator` names. An older Node cannot load the program: it would end at an import, with an error that does not name the reason. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 20 || (major === 20 && minor >= 19)) await import('./main.ts');
else {
  process.stderr.write(
    `error: stator needs Node 20.19 or newer, and ${process.execPath} is Node ${process.versions.node}\nhint: install a newer one (https://nodejs.org), or put it first on PATH; then install stator again\n`,
  );
  process.exitCode = 1;
}
