/** Tests of what the server does not speak yet: they stand ready in these folders and do not run, and what they cite stays open. */
export const awaitedFolders: readonly string[] = [];
