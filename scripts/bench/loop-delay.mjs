// Loaded into a server that is measured: says every second how long its event loop stood still at most, where that was longer than 20 ms.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 2 });
delay.enable();
setInterval(() => {
  const ms = delay.max / 1e6;
  delay.reset();
  if (ms > 20) process.stderr.write(`loop-delay ${ms.toFixed(0)}\n`);
}, 1000).unref();
