/** How soon does a server serve that has much queued? */
import { BacklogPhases, backlogColumns } from '../backlog-phases.ts';
import type { Bench } from '../bench.ts';

export const startup: Bench = {
  name: 'startup',
  question:
    'How soon does a server serve again with one and ten million messages queued, and in how much memory?',
  setup:
    'One server alone; a durable session that is away, and its messages of 256 B; then the server is stopped, or killed, and started, until it has taken a client. What it waits for a peer (700 ms) is in it.',
  unit: 'ms, MiB resident',
  columns: {
    serves: backlogColumns.serves,
    stops: backlogColumns.stops,
    anonymous: 'MiB',
    files: 'MiB',
  },
  needsBuild: true,
  takesOthers: false,
  runs: 5,
  options: { messages: { default: '1000000,10000000', text: 'how many, one size after the other' } },
  async run(session) {
    const sizes = session.asked.isQuick ? [20_000] : session.option('messages').split(',').map(Number);
    for (let run = 1; run <= session.asked.runs; run += 1)
      for (const messages of sizes)
        for (const isKilled of [false, true]) {
          const title = `${messages} queued`;
          if (!session.isWanted(`${title}: ${isKilled ? 'killed' : 'stopped'}`)) continue;
          session.tell(`${title}, run ${run} of ${session.asked.runs}`);
          const asked = { messages, size: 256, isKilled, isDrained: false };
          await BacklogPhases.run(session, asked, (phase, { figures }) => {
            const kept = Object.entries(figures).filter(([name]) => name in this.columns);
            if (/start|rest/.test(phase))
              session.report.add(`${title}: ${phase}`, { figures: Object.fromEntries(kept) });
          });
        }
  },
};
