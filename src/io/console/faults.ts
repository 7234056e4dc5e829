/** What can go wrong with the log file; told on stderr, since the console is what it is about. */

export const consoleFaults = {
  LS_LOG_FILE: (file: string, why: string) =>
    `lines can't be written to ${file} (${why}); the console goes on without it. Check log.file, its permissions and the disk's free space`,
} as const;
