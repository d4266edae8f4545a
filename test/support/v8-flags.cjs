/**
 * Loaded first by each node that a test starts. Such a process lives for seconds at most: what V8 optimizes in them costs an eighth of their processor
 * time, and it is hardly used. So a function is optimized only once it has run ten times as much as it takes by default.
 */
require('node:v8').setFlagsFromString('--interrupt-budget=600000');
