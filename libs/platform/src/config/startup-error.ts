/** Aborts the start. Its message is one line for the operator and names the setting to check. */
export class StartupError extends Error {
  override name = 'StartError';
}
