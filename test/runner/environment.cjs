/**
 * Runs test files in the process's own global context, so that a worker loads, compiles and warms the program once for
 * all its files. Jest's own environment loads everything again for each file, which took most of the time of a run.
 */
const { createContext } = require('node:vm');
const { ModernFakeTimers } = require('@jest/fake-timers');
const { ModuleMocker } = require('jest-mock');

// Jest evaluates its own modules in this context: it shares every global, so `expect.any(String)` means the tests' String.
const context = createContext(globalThis);

module.exports = class SharedEnvironment {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  fakeTimers = null;

  constructor({ projectConfig }) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  exportConditions = () => ['node', 'node-addons'];
  getVmContext = () => context;
  async setup() {}
  async teardown() {
    this.fakeTimersModern.dispose();
  }
};
