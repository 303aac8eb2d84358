/** Runs the longest files first when no durations are known, so that no worker waits for one at the end. */
const { default: TestSequencer } = require('@jest/test-sequencer');

/** Small files that take long: Jest goes by size. */
const LONGEST = [
  'faults/worker-killed',
  'faults/rolling-stop',
  'faults/node-killed',
  'faults/reconnect-storm',
  'faults/database-killed',
  'faults/redis-cut',
  'faults/table-locked',
  'faults/redis-emptied',
  'cluster/presence',
  'security/properties-rest',
  'security/properties-live',
  'security/slow-connections',
];

module.exports = class LongestFirst extends TestSequencer {
  sort(tests) {
    const rank = ({ path, duration }) => {
      const at = LONGEST.findIndex((name) => path.endsWith(`${name}.e2e-spec.ts`));
      return duration === undefined && at >= 0 ? at : LONGEST.length;
    };
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
};
