/** The machine's own time and chance behind the ports of `base`. */
export { SystemClock } from './system-clock.ts';
export { SystemRandom } from './system-random.ts';
