/** Runs a step of a smoke test and prints its duration. */
export async function step(name, run) {
  const started = performance.now();
  const result = await run();
  console.log(`  ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${name}`);
  return result;
}
