interface Bus {
  execute(one: object): Promise<unknown>;
}

/** Holds what a bus executes, as a slow database would. `jest.restoreAllMocks` ends it. */
interface HeldExecutions {
  /** The number of executions that have begun. */
  readonly begun: number;
  release(): void;
}

/** @param userId only the executions of this user are held */
export function holdExecutions(bus: Bus, userId?: string): HeldExecutions {
  const execute = bus.execute.bind(bus);
  let begun = 0;
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  jest.spyOn(bus, 'execute').mockImplementation(async (one) => {
    if (userId === undefined || (one as { userId?: string }).userId === userId) {
      begun += 1;
      await held;
    }
    return execute(one);
  });
  return {
    get begun() {
      return begun;
    },
    release,
  };
}
