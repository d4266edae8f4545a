/** Commits twice, and kills itself at a point of the second commit. Its argument is JSON: `{home, point, changes}`: both lists of changes. */
import { openStore } from '../../../dist/runtime/core/store/sqlite/store.js';

const { home, point, changes } = JSON.parse(process.argv[2]);
let isSecond = false;
const store = openStore(home, {
  faults: (reached) => {
    if (isSecond && reached === point) process.kill(process.pid, 'SIGKILL');
  },
});
await store.commit(changes[0]);
isSecond = true;
await store.commit(changes[1]);
