/** What a process does only when it knows that it has no others beside it. */
export const itAlone = process.env.TEST_SIZE === 'cluster' ? it.skip : it;
