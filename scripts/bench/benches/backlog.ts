/** What does a long backlog cost? */
import { BacklogPhases, backlogColumns } from '../backlog-phases.ts';
import type { Bench } from '../bench.ts';

export const backlog: Bench = {
  name: 'backlog',
  question: 'What does a long backlog cost in memory and time, from its first message to its last?',
  setup:
    'One server alone, every message acknowledged after its fdatasync; four publishers with QoS 1 and 500 messages each under way; a durable session that is away while the messages come. Then the server is stopped (or killed) and started, and the client takes them all. The load is made by the benchmark itself. Memory: resident, of the process itself (anonymous) and pages of the store that it has looked at (files), which the kernel takes back when it wants.',
  unit: 'messages a second, MiB, ms',
  columns: backlogColumns,
  needsBuild: true,
  takesOthers: false,
  runs: 5,
  options: {
    messages: { default: '1000000', text: 'how many' },
    size: { default: '256', text: 'bytes of each' },
    kill: { default: 'no', text: 'yes: the server is killed with its backlog and not stopped' },
  },
  async run(session) {
    const asked = {
      messages: session.either(session.number('messages'), 20_000),
      size: session.number('size'),
      isKilled: session.option('kill') === 'yes',
      isDrained: true,
    };
    for (let run = 1; run <= session.asked.runs; run += 1) {
      session.tell(`run ${run} of ${session.asked.runs}`);
      await BacklogPhases.run(session, asked, (phase, sample) => session.report.add(phase, sample));
    }
  },
};
