/** A process for one job of the matching benchmark; its figures are its answer. */
import { isJob, measure } from './jobs.ts';

process.once('message', (job) => {
  if (isJob(job)) process.send?.(measure(job), () => process.disconnect());
});
